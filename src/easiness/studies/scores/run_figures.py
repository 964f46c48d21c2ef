"""Figures of a run: accuracy over epochs, and the distribution of easiness over its N + 1 levels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from easiness import show
from easiness.analysis import Side, Votes, select, tie_mass
from easiness.store import Row, Run

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_STYLES = {"train": (show.TRAIN, "-"), "left_out": (show.LEFT_OUT, "-."), "held_out": (show.HELD_OUT, "--")}
_MOST_MARKED = 15  # epochs up to which each is marked with a dot


@dataclass(frozen=True)
class AccuracyCurves:
    """Accuracy of the trials of a run after each of ``epochs``, which are those observed in all trials.

    ``by_split`` has an array [trials, epochs] of shares in [0, 1] for ``train`` (the examples trained
    on) and, where there are any, ``left_out`` and ``held_out``. ``chance`` is that of guessing a class.
    """

    epochs: tuple[int, ...]
    by_split: dict[str, npt.NDArray[np.float64]]
    chance: float

    def mean(self, split: str) -> npt.NDArray[np.float64]:
        """Mean over trials after each epoch, [epochs]."""
        mean: npt.NDArray[np.float64] = self.by_split[split].mean(axis=0)
        return mean

    def deviation(self, split: str) -> npt.NDArray[np.float64] | None:
        """Standard deviation over trials after each epoch, [epochs]; ``None`` with one trial."""
        values = self.by_split[split]
        return values.std(axis=0, ddof=1) if len(values) > 1 else None


def accuracy_curves(run: Run) -> AccuracyCurves:
    """The accuracy of all finished trials, over the epochs observed in all of them."""
    epochs = run.observed
    recorded = [[trial.accuracy(epoch) for epoch in epochs] for trial in run.trials]
    by_split = {
        split: np.array([[at[split] for at in one] for one in recorded if split in one[0]])
        for split in _STYLES
        if any(split in one[0] for one in recorded)
    }
    return AccuracyCurves(epochs, by_split, 1 / len(run.classes))


def draw_accuracy(curves: AccuracyCurves, row: Row, shares: tuple[float, ...] = ()) -> Figure:
    """Accuracy over epochs, or ``shares``, with chance and the ``row`` that is read marked."""
    figure, axes = show.new_axes(5.2, 2.9)
    for split, values in curves.by_split.items():
        color, line = _STYLES[split]
        epochs = np.array(shares or curves.epochs)
        marker = "o" if len(epochs) <= _MOST_MARKED else ""
        if len(values) > 1:
            axes.plot(epochs, values.T, line, color=color, linewidth=0.8, alpha=0.35)
        axes.plot(
            epochs,
            values.mean(axis=0),
            line,
            color=color,
            linewidth=2,
            marker=marker,
            markersize=4,
            label=split.replace("_", "-"),
        )
    show.chance_line(axes, curves.chance)
    axes.axvline(row.value, color=show.FAINT, linewidth=0.8)
    axes.set(xlabel="epoch", ylabel="accuracy", ylim=(0, 1.02))
    if shares:
        show.share_axis(axes, shares)
    else:
        axes.set_xlim(left=0.5)
        show.whole_ticks(axes)
    show.legend_above(axes, len(curves.by_split))
    return figure


_MOST_NAMED = 13  # levels up to which each bar says its share


@dataclass(frozen=True)
class Levels:
    """The examples that c trials get right, counted for c = 0..N (Eq. 1 without its scale).

    ``num_examples`` [N + 1] and ``by_class`` [classes, N + 1] count examples. ``members`` [N + 1] is how
    many of each level belong to the easy and to the hard set, ties shared equally (``expected``).
    ``cut`` is the level of the last member, ``tie_mass`` the share of all examples in that level if the
    cut splits it, else 0.
    """

    num_examples: npt.NDArray[np.int64]
    by_class: npt.NDArray[np.int64]
    fraction: float
    members: dict[Side, npt.NDArray[np.float64]]
    cut: dict[Side, int]
    tie_mass: dict[Side, float]

    @property
    def num_trials(self) -> int:
        """N."""
        return len(self.num_examples) - 1

    @property
    def shares(self) -> npt.NDArray[np.float64]:
        """Share of all examples in each level, [N + 1]."""
        shares: npt.NDArray[np.float64] = self.num_examples / self.num_examples.sum()
        return shares

    @property
    def class_easiness(self) -> npt.NDArray[np.float64]:
        """Mean easiness (Eq. 1) of the examples of each class, [classes]; NaN for a class without any."""
        level = np.arange(self.num_trials + 1)
        with np.errstate(invalid="ignore"):
            mean_count = (self.by_class @ level) / self.by_class.sum(axis=1)
        easiness: npt.NDArray[np.float64] = mean_count / level[self.num_examples > 0].max()
        return easiness


def easiness_levels(votes: Votes, num_classes: int, fraction: float = 0.1) -> Levels:
    """Count the examples of each level."""
    counts = votes.num_right.astype(np.int64)
    num_levels = votes.num_trials + 1
    by_class = np.bincount(votes.labels * num_levels + counts, minlength=num_classes * num_levels)
    members: dict[Side, npt.NDArray[np.float64]] = {}
    masses: dict[Side, float] = {}
    for side in ("easy", "hard"):
        members[side] = np.zeros(num_levels)
        np.add.at(members[side], counts, select(counts, fraction, side))
        masses[side] = tie_mass(counts, fraction, side)
    return Levels(
        num_examples=np.bincount(counts, minlength=num_levels),
        by_class=by_class.reshape(num_classes, num_levels),
        fraction=fraction,
        members=members,
        cut={
            "easy": int(np.flatnonzero(members["easy"])[0]),
            "hard": int(np.flatnonzero(members["hard"])[-1]),
        },
        tie_mass=masses,
    )


def draw_levels(levels: Levels) -> Figure:
    """A bar per level; the part of it that belongs to the easy and to the hard set is colored."""
    figure, axes = show.new_axes(5.2, 2.7)
    total = levels.num_examples.sum()
    at = np.arange(levels.num_trials + 1)
    shares = 100 * levels.shares
    hard, easy = 100 * levels.members["hard"] / total, 100 * levels.members["easy"] / total
    axes.bar(at, shares, 0.82, color=show.FAINT)
    axes.bar(at, hard, 0.82, color=show.HARD, label=f"hardest {levels.fraction:.0%}")
    axes.bar(at, easy, 0.82, bottom=hard, color=show.EASY, label=f"easiest {levels.fraction:.0%}")
    if levels.num_trials < _MOST_NAMED:
        for level, share in enumerate(shares):
            text = f"{share:.1f}" if 0 < share < 10 else f"{share:.0f}"
            axes.annotate(
                text,
                (level, share),
                xytext=(0, 2),
                textcoords="offset points",
                ha="center",
                color=show.INK,
                fontsize=show.FONT_SIZE,
            )
    axes.set(
        xlabel=f"number of trials, of {levels.num_trials}, that are right",
        ylabel="share of examples (%)",
        xlim=(-0.6, levels.num_trials + 0.6),
    )
    show.whole_ticks(axes)
    show.legend_above(axes, 2)
    return figure
