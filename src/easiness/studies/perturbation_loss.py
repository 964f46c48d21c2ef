"""What a perturbation costs of the matching rate, and which of two perturbations costs more."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from easiness.analysis import Side, Ties
from easiness.errors import BadInput

if TYPE_CHECKING:
    from easiness.studies.perturbation_curve import PerturbationCurve


@dataclass(frozen=True)
class Loss:
    """A loss of matching rate, or a difference of two; 0 is none.

    ``interval`` is the 95 % bootstrap interval over trials, the same groups before and after, with the
    bias of resampling taken off. Where a rate is undefined, or there is one trial, all are NaN.
    ``decided`` is whether the groups are large enough to decide anything.
    """

    value: float
    interval: tuple[float, float]
    decided: bool


def lost(curve: PerturbationCurve, level: float, side: Side = "easy", ties: Ties = "refine") -> Loss:
    """The matching rate between disjoint groups at the neutral level (the ceiling) less that at ``level``.

    Raises:
        BadInput: the curve has no such point.
    """
    value, replicates, decided = _loss(curve, level, side, ties)
    return _with_interval(value, replicates, decided)


def difference_of_losses(
    curve_a: PerturbationCurve,
    level_a: float,
    curve_b: PerturbationCurve,
    level_b: float,
    side: Side = "easy",
    ties: Ties = "refine",
) -> Loss:
    """How much more is lost at ``level_a`` of the one perturbation than at ``level_b`` of the other.

    Below 0 where the first costs less. Each replicate takes the same trials for both.

    Raises:
        BadInput: the curves are not of one run with one seed and fraction, or have no such point.
    """
    for name in ("run", "epoch", "trials", "seed", "fraction"):
        ours, theirs = getattr(curve_a, name), getattr(curve_b, name)
        if ours != theirs:
            raise BadInput(
                f"the curves of {curve_a.kind} and {curve_b.kind} differ in {name} ({ours} and {theirs}): "
                "losses can be compared between curves of one run with one seed and fraction"
            )
    value_a, replicates_a, decided_a = _loss(curve_a, level_a, side, ties)
    value_b, replicates_b, decided_b = _loss(curve_b, level_b, side, ties)
    if replicates_a.shape != replicates_b.shape:
        raise BadInput(
            f"the curves of {curve_a.kind} and {curve_b.kind} have {len(replicates_a)} and "
            f"{len(replicates_b)} replicates: make them with the same number"
        )
    return _with_interval(value_a - value_b, replicates_a - replicates_b, decided_a and decided_b)


def _loss(
    curve: PerturbationCurve, level: float, side: Side, ties: Ties
) -> tuple[float, npt.NDArray[np.float64], bool]:
    before, after = curve.at(curve.neutral, side, ties), curve.at(level, side, ties)
    replicates = before.replicates - after.replicates
    if before.groups is None or after.groups is None:
        return math.nan, replicates, False
    return before.groups.rate - after.groups.rate, replicates, after.groups.decided


def _with_interval(value: float, replicates: npt.NDArray[np.float64], decided: bool) -> Loss:
    defined = replicates[~np.isnan(replicates)]
    if math.isnan(value) or not len(defined):
        return Loss(value, (math.nan, math.nan), False)
    low, high = np.percentile(defined, (2.5, 97.5)) - (defined.mean() - value)
    return Loss(value, (float(low), float(high)), decided)
