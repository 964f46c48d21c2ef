"""Pseudo patterns: perturbed examples that every fully trained network still classifies correctly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from easiness.paper.perturbation.curve import PerturbationCurve, level_text
from easiness.paper.perturbation.figure import MANY_LEVELS, level_name
from easiness.show import EASY, FONT_SIZE, INK, Result, Section, interval_text, legend_above, new_axes, number
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

    @property
    def beyond_chance(self) -> bool | None:
        """Whether the interval is wholly above ``chance``; ``None`` where it contains it."""
        low, high = self.interval
        if low <= self.chance <= high:
            return None
        return low > self.chance


@dataclass(frozen=True)
class PseudoPatterns(Result):
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
        figure, axes = new_axes(5.2, 3.1)
        levels = self.levels
        at = range(len(levels))
        counts = [one.count for one in levels]
        axes.errorbar(
            at,
            counts,
            [
                [max(0.0, one.count - one.interval[0]) for one in levels],
                [max(0.0, one.interval[1] - one.count) for one in levels],
            ],
            fmt="o-",
            color=EASY,
            markersize=4.5,
            linewidth=1.8,
            capsize=2.5,
            label=f"right in all {self.made}",
        )
        axes.plot(at, [one.chance for one in levels], ":", color=INK, linewidth=1.2, label="by chance")
        axes.plot(
            at, [one.class_chance for one in levels], "--", color=INK, linewidth=1, label="within classes"
        )
        axes.set_xticks(list(at), [level_name(one.level) for one in levels])
        if len(levels) > MANY_LEVELS:
            axes.tick_params(axis="x", labelsize=FONT_SIZE - 2)
        split = self.probe.replace("_", "-")
        axes.set(
            xlabel=f"{self.kind}: {self.axis}",
            ylabel=f"{split} examples, of {levels[0].num_examples:,}",
        )
        axes.set_ylim(bottom=0)
        legend_above(axes, 3)
        return figure

    def sections(self) -> list[Section]:
        """One table: the examples that all networks get right at each level, beside chance."""
        rows = [
            [
                "level",
                "all right",
                "95 % interval",
                "by chance",
                "by product",
                "within classes",
                "mean accuracy",
            ]
        ]
        rows += [
            [
                level_text(one.level),
                str(one.count),
                interval_text(*one.interval, 1),
                f"{one.chance:.3g}",
                f"{one.chance_product:.3g}",
                f"{one.class_chance:.3g}",
                number(float(np.mean(one.accuracy)), 3),
            ]
            for one in self.levels
        ]
        split = self.probe.replace("_", "-")
        return [
            Section(
                f"{self.model} under {self.kind}: {split} examples that all {self.num_trials} "
                f"{self.made} get right",
                f"Of {self.levels[0].num_examples} examples {self.row.at}. By chance: their "
                f"number times the mean accuracy to the power {self.num_trials}. By product: their number "
                "times the product of the accuracies. "
                f"Within classes: chance in each class; it is large where all {self.made} see one "
                "class in everything.",
                rows,
            )
        ]


@dataclass(frozen=True)
class Perturbed(Result):
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

    def sections(self) -> list[Section]:
        """The tables of the curve, then of the patterns."""
        return [*self.curve.sections(), *self.patterns.sections()]
