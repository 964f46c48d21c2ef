"""Accuracy over epochs: a thin line per trial, a thick one for their mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from easiness.show import FAINT, HELD_OUT, LEFT_OUT, TRAIN, chance_line, legend_above, new_axes, whole_ticks
from easiness.store import Run

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_STYLES = {"train": (TRAIN, "-"), "left_out": (LEFT_OUT, "-."), "held_out": (HELD_OUT, "--")}
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
    """What is known of the accuracy of all finished trials, over the epochs observed in all of them."""
    epochs = run.observed
    recorded = [[trial.accuracy(epoch) for epoch in epochs] for trial in run.trials]
    by_split = {
        split: np.array([[at[split] for at in one] for one in recorded if split in one[0]])
        for split in _STYLES
        if any(split in one[0] for one in recorded)
    }
    return AccuracyCurves(epochs, by_split, 1 / len(run.classes))


def draw_accuracy(curves: AccuracyCurves, epoch: int) -> Figure:
    """Accuracy over epochs, with chance and the epoch that is read marked."""
    figure, axes = new_axes(5.2, 2.9)
    for split, values in curves.by_split.items():
        color, line = _STYLES[split]
        epochs = np.array(curves.epochs)
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
    chance_line(axes, curves.chance)
    axes.axvline(epoch, color=FAINT, linewidth=0.8)
    axes.set(xlabel="epoch", ylabel="accuracy", ylim=(0, 1.02))
    axes.set_xlim(left=0.5)
    whole_ticks(axes)
    legend_above(axes, len(curves.by_split))
    return figure
