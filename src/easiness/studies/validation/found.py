"""What a validation found: right answers by easiness, and where the wrong ones lie."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from easiness.analysis import MIN_GROUP

if TYPE_CHECKING:
    pass

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
class Validated:
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
