"""A matching rate between regular and perturbed examples, and what is lost of it between two levels."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from easiness.analysis import GroupMatch, Match, Side, Ties
from easiness.errors import BadInput

if TYPE_CHECKING:
    from easiness.paper.perturbation.curve import PerturbationCurve


@dataclass(frozen=True)
class PerturbedMatch:
    """How a set of regular examples matches that of examples perturbed at ``level``.

    ``same_models``: one set of models, all trials, saw both, as in the paper; NaN in its place is
    ``None``. ``groups``: disjoint groups of trials saw the one and the other, so that the value at the
    neutral level is the noise ceiling; ``None`` with one trial. Both are ``None`` where easiness is
    undefined, since some trial gets no example right at this level. ``replicates`` [R] are the bootstrap
    rates behind ``groups.interval``: those of one run and seed are of the same trials at every level.
    """

    level: float
    side: Side
    ties: Ties
    same_models: Match | None
    groups: GroupMatch | None
    replicates: npt.NDArray[np.float64] = field(repr=False, compare=False)


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


def loss_between(before: PerturbedMatch, after: PerturbedMatch) -> Loss:
    """What is lost of the matching rate between disjoint groups, from one level to another."""
    return loss_with_interval(*replicated_loss(before, after))


def replicated_loss(
    before: PerturbedMatch, after: PerturbedMatch
) -> tuple[float, npt.NDArray[np.float64], bool]:
    """The loss, its bootstrap replicates [R], and whether the groups are large enough to decide anything."""
    replicates = before.replicates - after.replicates
    if before.groups is None or after.groups is None:
        return math.nan, replicates, False
    return before.groups.rate - after.groups.rate, replicates, after.groups.decided


def loss_with_interval(value: float, replicates: npt.NDArray[np.float64], decided: bool) -> Loss:
    """The interval of a loss from its replicates."""
    defined = replicates[~np.isnan(replicates)]
    if math.isnan(value) or not len(defined):
        return Loss(value, (math.nan, math.nan), False)
    low, high = np.percentile(defined, (2.5, 97.5)) - (defined.mean() - value)
    return Loss(value, (float(low), float(high)), decided)


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
    """
    for name in ("run", "epoch", "trials", "seed", "fraction"):
        ours, theirs = getattr(curve_a, name), getattr(curve_b, name)
        if ours != theirs:
            raise BadInput(
                f"the curves of {curve_a.kind} and {curve_b.kind}: differ in {name} ({ours} and {theirs}); "
                "losses can be compared between curves of one run with one seed and fraction"
            )
    value_a, replicates_a, decided_a = replicated_loss(
        curve_a.at(curve_a.neutral, side, ties), curve_a.at(level_a, side, ties)
    )
    value_b, replicates_b, decided_b = replicated_loss(
        curve_b.at(curve_b.neutral, side, ties), curve_b.at(level_b, side, ties)
    )
    if replicates_a.shape != replicates_b.shape:
        raise BadInput(
            f"the curves of {curve_a.kind} and {curve_b.kind}: have {len(replicates_a)} and "
            f"{len(replicates_b)} replicates; make them with the same number"
        )
    return loss_with_interval(value_a - value_b, replicates_a - replicates_b, decided_a and decided_b)
