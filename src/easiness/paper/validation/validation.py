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

CURVE = "curve"
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
                    "part": CURVE,
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
        shown = self.views[0]
        figure, (above, below) = show.new_panels(5.2, 3.8, 2, 1, sharex=True, height_ratios=(3, 1))
        counts = [point.count for point in shown.curve]
        right = np.array([point.right for point in shown.curve])
        low, high = np.array([point.interval for point in shown.curve]).T
        reach = [right - low, high - right]
        show.draw_curve(above, show.Curve(counts, right, color=show.EASY, errors=reach))
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

    def frames(self) -> list[show.Frame]:
        """The final models, the misclassified among the hardest, and a curve for each view on easiness."""
        table = self.table()
        curves = table[table["part"] == CURVE]
        return [
            self._final(),
            self._hardest(table[table["part"] != CURVE]),
            *(self._curve(view, curves[curves["easiness_of"] == view.name]) for view in self.views),
        ]

    def _final(self) -> show.Frame:
        import pandas as pd

        rows = [
            {
                "network": models.name,
                "models": len(models.accuracy),
                "accuracy": models.accuracy.mean(),
                "± sd": models.accuracy.std(ddof=1) if len(models.accuracy) > 1 else math.nan,
                "chance": self.chance,
            }
            for models in self.final
        ]
        return show.Frame(
            f"Final models after {self.final_epoch} epochs",
            f"Trained on {self.num_train} examples, asked about the {self.num_validation} validation "
            "examples that they never saw.",
            pd.DataFrame(rows),
            {
                "network": show.names(),
                "models": show.counts(),
                **dict.fromkeys(("accuracy", "± sd", "chance"), show.numbers(3)),
            },
        )

    def _hardest(self, table: pd.DataFrame) -> show.Frame:
        return show.Frame(
            "Where the misclassified validation examples lie",
            f"Share of the {self.num_wrong} mistakes, each of a final model about a validation example. "
            f"Easiness after {self.epoch} epochs on training and validation examples merged; ties refined, "
            "or counted in part. At most: what the best ranking could reach. Intervals: a bootstrap over "
            f"examples. ? marks fewer than {MIN_GROUP} trials, which decide nothing."
            f"{'' if self.num_wrong else ' No final model is wrong.'}",
            table.assign(decided=table["trials"] >= MIN_GROUP),
            {
                "easiness_of": show.names(title="easiness of"),
                "trials": show.counts(),
                "fraction": show.Column(show.chosen_percent, title="hardest"),
                "examples": show.counts(),
                "value": show.numbers(
                    2, title="of the misclassified", low="low", high="high", decided="decided"
                ),
                "chance": show.numbers(2),
                "most": show.numbers(2, title="at most"),
                "expected": show.numbers(2, title="ties in part"),
                "tie_mass": show.numbers(2, title="tie mass"),
            },
        )

    def _curve(self, view: EasinessView, table: pd.DataFrame) -> show.Frame:
        of = "of all networks together" if view.name == "all" else f"of {view.name}"
        return show.Frame(
            f"Validation examples by easiness, {of}",
            f"Mean share of {self.num_final} final models that are right, by how many of {view.num_trials} "
            f"trials are. Chance is {show.number(self.chance, 3)}. Jeffreys intervals over examples.",
            table,
            {
                "trials_right": show.counts(title="trials right"),
                "easiness": show.numbers(2),
                "examples": show.counts(),
                "value": show.numbers(3, title="final models right", low="low", high="high"),
            },
        )
