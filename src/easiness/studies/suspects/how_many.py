"""How many labels are wrong: in words, in numbers, and over the epochs."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from easiness import show
from easiness.store import Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_UNKNOWN = "cannot be told"
_FEWEST_OF_CURVE = 3  # points
_ASIDE = 0.06  # of the axis: how far behind its end the range is drawn

_BY = {
    "margins": "Counted by margins: labels that stand out.",
    "transition": (
        "Counted by which class is labelled as which other. Networks cannot tell hard examples from "
        "mixed-up labels, so the range is wide. Features (measure --features) or an audit tell more."
    ),
    "expected": "Counted by which labels heads expect that did not see the example.",
    "classes": "Counted by classes: examples of one class lie together, whatever their labels.",
}


@dataclass(frozen=True)
class HowMany:
    """Of ``num`` labels the ``share`` that is wrong ``by`` a model, and the range that fits the data.

    They are not a number where something tells the labels.

    ``course`` has the share that stands out over the rows of the training, and ``read`` is the row read.
    """

    num: int
    share: float
    low: float
    high: float
    by: str
    course: tuple[tuple[Row, float], ...]
    read: Row

    def expected(self) -> str:
        """``about 312 (3.1 %) can be expected to be wrong; 150 to 520 fit the data.``, and by which model."""
        return f"{self.about} can be expected to be wrong; {self.between} fit the data. {_BY[self.by]}"

    @property
    def about(self) -> str:
        """``about 312 (3.1 %)``: how many can be expected to be wrong."""
        if math.isnan(self.share):
            return _UNKNOWN
        return f"{self._about(self.share)} ({show.percent(self.share)})"

    @property
    def between(self) -> str:
        """``150 to 520``, or ``up to 12``: how many fit the data."""
        if math.isnan(self.share):
            return _UNKNOWN
        low, high = math.floor(self.low * self.num), math.ceil(self.high * self.num)
        return f"{f'{show.count(low)} to' if low else 'up to'} {show.count(high)}"

    def of_rest(self, p_wrong: npt.NDArray[np.float64], num_wrong: int) -> HowMany:
        """How many are wrong of those not decided, by their probabilities, where ``num_wrong`` were found."""
        num = len(p_wrong)
        low, high = (round(max(end * self.num - num_wrong, 0), 6) / num for end in (self.low, self.high))
        return replace(self, num=num, share=float(p_wrong.mean()), low=low, high=high)

    def left(self, p_wrong: npt.NDArray[np.float64], num_wrong: int) -> str:
        """`of_rest` in a sentence; empty where all are decided."""
        if not len(p_wrong):
            return ""
        rest = self.of_rest(p_wrong, num_wrong)
        likely = likely_wrong(int((p_wrong >= 1 / 2).sum()))
        return (
            f" Left are {show.count(len(p_wrong))} that are not decided: {likely[:1].lower()}{likely[1:]}, "
            f"and {rest.about} can be expected to be wrong; {rest.between} fit the data."
        )

    def by_heart(self) -> str:
        """What is said where labels were being learned by heart, and an epoch before was read; else empty."""
        last, at_end = self.course[-1]
        if self.read.number >= last.number:
            return ""
        stand_out = dict(self.course)[self.read]
        return (
            f"Labels are being learned by heart: {self.read.at} {self._about(stand_out)} stood out, "
            f"{last.at} {self._about(at_end)}, so it was read {self.read.at}"
        )

    def document(self) -> dict[str, Any]:
        """What the JSON file has of it."""
        return {
            "model_of_noise": self.by,
            "low": self.low,
            "high": self.high,
            "course": [row.asked | {"share_standing_out": share} for row, share in self.course],
        }

    @property
    def has_curve(self) -> bool:
        """Are there enough points for a curve?"""
        return len(self.course) >= _FEWEST_OF_CURVE

    def figure(self) -> Figure:
        """The curve alone."""
        figure, axes = show.new_axes(3.6, 2.4)
        self.draw(axes)
        return figure

    def draw(self, axes: Axes) -> None:
        """Draw the curve with the row read, and behind its end what is expected and what fits the data."""
        rows, stands_out = zip(*((row.value, 100 * share) for row, share in self.course), strict=True)
        axes.plot(rows, stands_out, color=show.INK, linewidth=1.4, marker="o", markersize=3)
        read = self.read.value
        axes.plot(read, stands_out[rows.index(read)], "o", color=show.HARD, markersize=7, label="read")
        aside = rows[-1] + _ASIDE * (rows[-1] - rows[0])
        axes.vlines(
            aside, 100 * self.low, 100 * self.high, color=show.HARD, linewidth=3, label="fits the data"
        )
        axes.plot(aside, 100 * self.share, "_", color=show.INK, markersize=9, markeredgewidth=2)
        axes.set(xlabel=self.read.name, ylabel="labels that stand out (%)")
        axes.set_ylim(bottom=0)
        show.whole_ticks(axes)
        show.legend_above(axes, 2)

    def _about(self, share: float) -> str:
        expected = share * self.num
        return "fewer than one" if expected < 1 else f"about {show.count(round(expected))}"


def likely_wrong(num: int, of: str = "") -> str:
    """``12 of 300 labels are more likely wrong than right``, where ``of`` is as many labels."""
    verb = "is" if num <= 1 else "are"
    return f"{show.count(num) if num else 'None'}{of} {verb} more likely wrong than right"
