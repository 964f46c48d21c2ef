"""A matching rate between regular and perturbed examples, and what is lost of it between two levels."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from easiness.analysis import GroupMatch, Match, Side, Ties


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
    return with_interval(*replicated_loss(before, after))


def replicated_loss(
    before: PerturbedMatch, after: PerturbedMatch
) -> tuple[float, npt.NDArray[np.float64], bool]:
    """The loss, its bootstrap replicates [R], and whether the groups are large enough to decide anything."""
    replicates = before.replicates - after.replicates
    if before.groups is None or after.groups is None:
        return math.nan, replicates, False
    return before.groups.rate - after.groups.rate, replicates, after.groups.decided


def with_interval(value: float, replicates: npt.NDArray[np.float64], decided: bool) -> Loss:
    """The interval of a loss from its replicates."""
    defined = replicates[~np.isnan(replicates)]
    if math.isnan(value) or not len(defined):
        return Loss(value, (math.nan, math.nan), False)
    low, high = np.percentile(defined, (2.5, 97.5)) - (defined.mean() - value)
    return Loss(value, (float(low), float(high)), decided)
