"""Pseudo patterns: perturbed examples that every fully trained network still classifies correctly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from easiness import show
from easiness.paper.perturbation.curve import MANY_LEVELS, PerturbationCurve, level_name, level_text
from easiness.spec import Split
from easiness.store import Row

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class PseudoLevel:
    """How many of K examples all N networks get right at a level, and how many they would by chance.

    ``accuracy`` [N] is that of each network at the level. ``chance`` is K * (mean accuracy)^N, what N
    independent networks would share; ``chance_product`` is K times the product of the accuracies, never
    more. ``class_chance`` is the sum over classes of n_c * (mean accuracy in c)^N: it is large where all
    networks take everything for the same class. ``interval`` is the 95 % Jeffreys interval of the count.
    """

    level: float
    count: int
    num_examples: int
    accuracy: tuple[float, ...]
    chance: float
    chance_product: float
    class_chance: float
    interval: tuple[float, float]


@dataclass(frozen=True)
class PseudoPatterns(show.Result):
    """The examples of a split that all networks of a run still classify correctly at ``level``.

    ``positions`` [n] are those in the split, best first: by the mean probability of their label over
    networks, ``p_label`` [n]; ``ids`` and ``labels`` [n] go with them. ``levels`` has the counts at every
    level asked for, ``level`` among them. Of heads on features each example has those ``num_trials`` heads
    that have seen a ``share`` of the others.
    """

    run: str
    model: str
    epoch: int
    kind: str
    axis: str
    probe: Split
    seed: int
    num_trials: int
    classes: tuple[str, ...]
    level: float
    levels: list[PseudoLevel]
    positions: npt.NDArray[np.int64] = field(repr=False)
    ids: npt.NDArray[Any] = field(repr=False)
    labels: npt.NDArray[np.int64] = field(repr=False)
    p_label: npt.NDArray[np.float64] = field(repr=False)
    share: float | None = None

    @property
    def row(self) -> Row:
        """The epoch or share that everything is of."""
        return Row(self.epoch, self.share)

    @property
    def made(self) -> str:
        """What classifies: ``networks`` or ``heads``."""
        return "heads" if self.share else "networks"

    @property
    def at_level(self) -> PseudoLevel:
        """The counts at ``level``."""
        return next(one for one in self.levels if one.level == self.level)

    def shown(self, num: int) -> npt.NDArray[np.int64]:
        """Indices of the ``num`` patterns to show: the best of each class in turn, put class by class."""
        turn = np.empty(len(self.labels), np.int64)
        for label in np.unique(self.labels):
            members = np.flatnonzero(self.labels == label)
            turn[members] = np.arange(len(members))
        chosen = np.lexsort((self.labels, turn))[:num]
        return chosen[np.lexsort((turn[chosen], self.labels[chosen]))]

    def table(self) -> pd.DataFrame:
        """A row for each level."""
        import pandas as pd

        rows = [
            {
                "kind": self.kind,
                "level": one.level,
                "probe": self.probe,
                "model": self.model,
                **self.row.asked,
                "num_trials": self.num_trials,
                "num_examples": one.num_examples,
                "count": one.count,
                "low": one.interval[0],
                "high": one.interval[1],
                "chance": one.chance,
                "chance_product": one.chance_product,
                "class_chance": one.class_chance,
                "accuracy": float(np.mean(one.accuracy)),
                "accuracy_least": min(one.accuracy),
                "accuracy_most": max(one.accuracy),
            }
            for one in self.levels
        ]
        return pd.DataFrame(rows)

    def figure(self) -> Figure:
        """The count at each level with its 95 % interval, evenly spaced; what chance would give as lines.

        `draw_patterns` shows the examples themselves.
        """
        figure, axes = show.new_axes(5.2, 3.1)
        levels, at = self.levels, np.arange(len(self.levels))
        counts = np.array([one.count for one in levels])
        low, high = np.array([one.interval for one in levels]).T
        name = f"right in all {self.made}"
        reach = [counts - low, high - counts]
        show.draw_curve(axes, show.Curve(at, counts, name, show.EASY, errors=reach))
        axes.plot(at, [one.chance for one in levels], ":", color=show.INK, linewidth=1.2, label="by chance")
        within = [one.class_chance for one in levels]
        axes.plot(at, within, "--", color=show.INK, linewidth=1, label="within classes")
        axes.set_xticks(at.tolist(), [level_name(one.level) for one in levels])
        if len(levels) > MANY_LEVELS:
            axes.tick_params(axis="x", labelsize=show.FONT_SIZE - 2)
        axes.set(
            xlabel=f"{self.kind}: {self.axis}",
            ylabel=f"{self._split} examples, of {levels[0].num_examples:,}",
        )
        axes.set_ylim(bottom=0)
        show.legend_above(axes, 3)
        return figure

    @property
    def _split(self) -> str:
        return self.probe.replace("_", "-")

    def frames(self) -> list[show.Frame]:
        """The examples that all networks get right at each level, beside chance."""
        chance = partial(show.Column, lambda value: f"{value:.3g}", "")
        return [
            show.Frame(
                f"{self.model} under {self.kind}: {self._split} examples that all {self.num_trials} "
                f"{self.made} get right",
                f"Of {self.levels[0].num_examples} examples {self.row.at}. By chance: their "
                f"number times the mean accuracy to the power {self.num_trials}. By product: their number "
                "times the product of the accuracies. "
                f"Within classes: chance in each class; it is large where all {self.made} see one "
                "class in everything.",
                self.table(),
                {
                    "level": show.Column(level_text),
                    "count": show.counts(title="all right"),
                    "low": show.intervals(1, title="95 % interval", high="high"),
                    "chance": chance("by chance"),
                    "chance_product": chance("by product"),
                    "class_chance": chance("within classes"),
                    "accuracy": show.numbers(3, title="mean accuracy"),
                },
            )
        ]


@dataclass(frozen=True)
class Perturbed(show.Result):
    """A curve with its table and figure; the sections of the ``patterns`` stand below its own.

    ``drawn`` are figures of examples, by the file that each was asked for.
    """

    curve: PerturbationCurve
    patterns: PseudoPatterns
    drawn: Mapping[Path, Figure] = field(default_factory=dict, repr=False)

    def drawings(self) -> Mapping[Path, Figure]:
        """The figures of examples."""
        return self.drawn

    def table(self) -> pd.DataFrame:
        """The rows of the curve."""
        return self.curve.table()

    def figure(self) -> Figure:
        """The figure of the curve."""
        return self.curve.figure()

    def frames(self) -> list[show.Frame]:
        """Those of the curve, then of the patterns."""
        return [*self.curve.frames(), *self.patterns.frames()]
