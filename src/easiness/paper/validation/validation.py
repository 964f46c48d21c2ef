"""What a validation found: right answers by easiness, and where the wrong ones lie."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from easiness import show
from easiness.analysis import MIN_GROUP

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

_Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class CurvePoint:
    """The validation examples that ``count`` trials get right, ``easiness`` on the scale of Eq. 1.

    ``right`` is the mean share of final models that are right about them. ``interval`` is the 95 %
    Jeffreys interval as if all final models agreed on each example, so wide rather than narrow.
    """

    count: int
    easiness: float
    num_examples: int
    right: float
    interval: tuple[float, float]


@dataclass(frozen=True)
class HardestShare:
    """Where the misclassified are: pairs of a validation example and a final model that is wrong about it.

    ``value`` is the share of them that lies in the hardest ``fraction`` of the validation examples,
    ``num_hardest`` examples, ties refined by the mean probability of the label; NaN where nothing is
    misclassified. ``interval`` is the 95 % bootstrap interval over examples, that set taken as it is.
    ``expected`` is the share where tied examples belong in part. ``most`` is what no ranking could
    exceed. Chance is ``fraction``.
    """

    fraction: float
    num_hardest: int
    value: float
    interval: tuple[float, float]
    expected: float
    most: float
    tie_mass: float


@dataclass(frozen=True)
class EasinessView:
    """Easiness from the trials of one network, or of all together (``name`` is then ``all``)."""

    name: str
    num_trials: int
    curve: list[CurvePoint]
    hardest: list[HardestShare]

    @property
    def decided(self) -> bool:
        """Are there trials enough for the order of the examples to mean something?"""
        return self.num_trials >= MIN_GROUP


@dataclass(frozen=True)
class FinalModels:
    """Networks of one kind trained to the end: their accuracies [n] on the validation examples."""

    name: str
    accuracy: _Floats


@dataclass(frozen=True)
class Validation(show.Result):
    """``views`` on easiness after ``epoch`` epochs, the first model's first; ``final`` after ``final_epoch``.

    ``num_wrong`` counts pairs of a validation example and a final model that is wrong about it.
    """

    views: list[EasinessView]
    final: list[FinalModels]
    epoch: int
    final_epoch: int
    num_train: int
    num_validation: int
    num_classes: int
    num_wrong: int

    @property
    def num_final(self) -> int:
        """Number of final models of all kinds."""
        return sum(len(models.accuracy) for models in self.final)

    @property
    def shares_in_hardest(self) -> dict[float, HardestShare]:
        """By the share of the validation examples, for the first model's easiness."""
        return {one.fraction: one for one in self.views[0].hardest}

    @property
    def decided(self) -> bool:
        """Are there trials enough of the first model?"""
        return self.views[0].decided

    @property
    def chance(self) -> float:
        """Share of guesses that are right."""
        return 1 / self.num_classes

    def table(self) -> pd.DataFrame:
        """A row per point of the curves, then per share of the hardest.

        ``value`` is the share of final models that are right, or that of the misclassified.
        """
        import pandas as pd

        rows: list[dict[str, Any]] = []
        for view in self.views:
            fixed = {"easiness_of": view.name, "trials": view.num_trials, "epoch": self.epoch}
            fixed |= {"final_models": self.num_final, "final_epoch": self.final_epoch}
            rows += [
                {
                    "part": "curve",
                    **fixed,
                    "trials_right": point.count,
                    "easiness": point.easiness,
                    "fraction": math.nan,
                    "examples": point.num_examples,
                    "value": point.right,
                    "low": point.interval[0],
                    "high": point.interval[1],
                    "chance": self.chance,
                }
                for point in view.curve
            ]
            rows += [
                {
                    "part": "misclassified in the hardest",
                    **fixed,
                    "trials_right": math.nan,
                    "easiness": math.nan,
                    "fraction": one.fraction,
                    "examples": one.num_hardest,
                    "value": one.value,
                    "low": one.interval[0],
                    "high": one.interval[1],
                    "chance": one.fraction,
                    "expected": one.expected,
                    "most": one.most,
                    "tie_mass": one.tie_mass,
                }
                for one in view.hardest
            ]
        return pd.DataFrame(rows)

    def figure(self) -> Figure:
        """Figure 5 for the first model's easiness: the binned curve, and how many examples each bin has."""
        from matplotlib.figure import Figure

        shown = self.views[0]
        figure = Figure(figsize=(5.2, 3.8), layout="constrained")
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
        for axes in (above, below):
            show.quiet(axes)
        counts = [point.count for point in shown.curve]
        right = [point.right for point in shown.curve]
        above.errorbar(
            counts,
            right,
            [
                [point.right - point.interval[0] for point in shown.curve],
                [point.interval[1] - point.right for point in shown.curve],
            ],
            fmt="o-",
            color=show.EASY,
            markersize=4.5,
            linewidth=1.8,
            elinewidth=1.2,
            capsize=2.5,
        )
        show.chance_line(above, self.chance)
        above.set(ylim=(0, 1.02), ylabel="share of final models\nthat are right")
        below.bar(counts, [point.num_examples for point in shown.curve], 0.82, color=show.FAINT)
        below.set(
            xlabel=f"number of trials, of {shown.num_trials}, that are right",
            ylabel="examples",
            xlim=(-0.6, shown.num_trials + 0.6),
        )
        show.whole_ticks(below)
        figure.align_ylabels()
        return figure

    def sections(self) -> list[show.Section]:
        """The final models, the misclassified among the hardest, and a curve for each view on easiness."""
        return [_final(self), _hardest(self), *(_curve(self, view) for view in self.views)]


def _final(v: Validation) -> show.Section:
    rows = [["network", "models", "accuracy", "± sd", "chance"]]
    for models in v.final:
        num = len(models.accuracy)
        deviation = float(models.accuracy.std(ddof=1)) if num > 1 else None
        mean = float(models.accuracy.mean())
        rows.append(
            [models.name, str(num), show.number(mean, 3), show.number(deviation, 3), show.number(v.chance, 3)]
        )
    return show.Section(
        f"Final models after {v.final_epoch} epochs",
        f"Trained on {v.num_train} examples, asked about the {v.num_validation} validation examples that "
        "they never saw.",
        rows,
    )


def _hardest(v: Validation) -> show.Section:
    header = ["easiness of", "trials", "hardest", "examples", "of the misclassified", "95 % interval"]
    rows = [[*header, "chance", "at most", "ties in part", "tie mass"]]
    for view in v.views:
        for one in view.hardest:
            shares = (one.fraction, one.most, one.expected, one.tie_mass)
            cells = (_marked(one.value, view), show.interval_text(*one.interval), *map(show.number, shares))
            hardest = f"{100 * one.fraction:g} %"
            rows.append([view.name, str(view.num_trials), hardest, str(one.num_hardest), *cells])
    return show.Section(
        "Where the misclassified validation examples lie",
        f"Share of the {v.num_wrong} mistakes, each of a final model about a validation example. "
        f"Easiness after {v.epoch} epochs on training and validation examples merged; ties refined, "
        "or counted in part. At most: what the best ranking could reach. Intervals: a bootstrap over "
        f"examples. ? marks fewer than {MIN_GROUP} trials, which decide nothing.",
        rows,
    )


def _curve(v: Validation, view: EasinessView) -> show.Section:
    rows = [["trials right", "easiness", "examples", "final models right", "95 % interval"]]
    rows += [
        [
            str(point.count),
            show.number(point.easiness),
            str(point.num_examples),
            show.number(point.right, 3),
            show.interval_text(*point.interval, 3),
        ]
        for point in view.curve
    ]
    of = "of all networks together" if view.name == "all" else f"of {view.name}"
    return show.Section(
        f"Validation examples by easiness, {of}",
        f"Mean share of {v.num_final} final models that are right, by how many of {view.num_trials} "
        f"trials are. Chance is {show.number(v.chance, 3)}. Jeffreys intervals over examples.",
        rows,
    )


def _marked(share: float, view: EasinessView) -> str:
    return "none wrong" if math.isnan(share) else show.marked(show.number(share), view.decided)
