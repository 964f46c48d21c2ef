"""A bound that holds at every look, so that one may stop when it is low enough."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from easiness.analysis.audit.strata import Floats, Integers, Strata, weights

_KNOWN = 0.3  # looks that what was foretold of a stratum counts for
_BOLDEST = 0.92  # of the largest bet that cannot ruin
_STEPS = 6  # of Newton
_FINER = 1.03  # from one number of wrong labels tried to the next


@dataclass(frozen=True, eq=False)
class Wealth:
    """What bets against numbers of wrong labels have come to.

    ``log`` [n, ..., T] is the logarithm of the wealth after each look, for each number tried, and ``growth``
    [..., T] what the next look can be expected to add.
    """

    log: Floats
    growth: Floats


def wealth_of_looks(strata: Strata, drawn: Integers, wrong: npt.NDArray[np.bool_], tried: Floats) -> Wealth:
    """Bet against each number ``tried`` [..., T] of wrong labels, or more, while labels are looked at.

    ``drawn`` [..., n] are the strata of examples in the order in which they were drawn one by one in
    proportion to `weights`; ``wrong`` [..., n] is what was seen. A bet is fair where the number is true, so
    that wealth exceeds 1 / a with a probability of at most a, whenever one stops and whatever was foretold
    (Waudby-Smith and Ramdas, 2024; Shekhar and others, 2023, for weighted draws without replacement). What
    one bets on is the difference to what the looks before foretell of each stratum, in the beginning
    ``expected``, and the stake is that of Kelly for it.
    """
    shape = (*drawn.shape[:-1], len(strata.sizes))
    looks, seen = np.zeros(shape), np.zeros(shape)
    chance = weights(strata)
    log = np.zeros((drawn.shape[-1] + 1, *np.broadcast_shapes((*drawn.shape[:-1], 1), tried.shape)))
    for at in range(drawn.shape[-1] + 1):
        left = strata.sizes - looks
        told = (_KNOWN * strata.expected + seen) / (_KNOWN + looks)
        all_left = (left * chance).sum(-1, keepdims=True)
        stands_for = all_left / chance  # an example of each stratum, for how many of those left
        foretold = (left * told).sum(-1, keepdims=True)
        outcomes = np.concatenate([foretold - told * stands_for, foretold + (1 - told) * stands_for], -1)
        drawn_next = left * chance / all_left if at < drawn.shape[-1] or left.any() else left
        p = np.concatenate([drawn_next * (1 - told), drawn_next * told], -1)
        there = np.concatenate([left > 0, left > 0], -1)
        remaining = tried - seen.sum(-1, keepdims=True)
        stake, growth = _stake(remaining, np.where(there, outcomes, foretold), p)
        if at == drawn.shape[-1]:
            return Wealth(log[1:], growth)
        stratum = drawn[..., at : at + 1]
        one = wrong[..., at : at + 1]
        outcome = np.take_along_axis(outcomes, stratum + len(strata.sizes) * one, -1)
        log[at + 1] = log[at] + np.log1p(np.maximum(stake * (remaining - outcome), -1 + 1e-12))
        np.put_along_axis(looks, stratum, np.take_along_axis(looks, stratum, -1) + 1, -1)
        np.put_along_axis(seen, stratum, np.take_along_axis(seen, stratum, -1) + one, -1)
    raise AssertionError("the last look returns")


def _stake(remaining: Floats, outcomes: Floats, p: Floats) -> tuple[Floats, Floats]:
    """The stake [..., T] for which the logarithm of wealth grows most, and by how much.

    Outcomes [..., 2 H] have the probabilities ``p`` as far as one knows.
    """
    worst = np.maximum(outcomes.max(-1, keepdims=True) - remaining, 1e-9)
    gains = (remaining[..., None] - outcomes[..., None, :]) / worst[..., None]
    each = p[..., None, :]
    bet = np.full(worst.shape, 0.5)
    for _ in range(_STEPS):
        after = gains / (1 + bet[..., None] * gains)
        slope, curvature = (each * after).sum(-1), (each * after**2).sum(-1)
        bet = np.clip(bet + slope / np.maximum(curvature, 1e-300), 0, _BOLDEST)
    growth = (each * np.log1p(np.maximum(bet[..., None] * gains, -1 + 1e-12))).sum(-1)
    return bet / worst, growth


def most_wrong_in_sequence(
    strata: Strata, drawn: Integers, wrong: npt.NDArray[np.bool_], confidences: Sequence[float]
) -> Integers:
    """Upper bounds [n, C] for the number of wrong labels, with confidences that hold for all looks together.

    Arguments are those of `wealth_of_looks`, for one sequence.
    """
    total = int(strata.sizes.sum())
    tried = _numbers(total)
    log = np.maximum.accumulate(wealth_of_looks(strata, drawn, wrong, tried).log, axis=0)
    refuted = log[..., None] >= -np.log(1 - np.asarray(confidences))
    # where a number is not refuted, none below it is
    refuted = np.logical_and.accumulate(refuted[:, ::-1], axis=1)[:, ::-1]
    least = np.where(refuted.any(axis=1), tried[refuted.argmax(axis=1)], total + 1)
    right_seen = np.cumsum(~wrong)[:, None]
    return np.minimum.accumulate(np.minimum(least - 1, total - right_seen), axis=0).astype(np.int64)


def _numbers(total: int) -> Floats:
    """Whole numbers from 1 to a total, close to one another near both."""
    steps = int(np.log(total) / np.log(_FINER)) + 2
    from_one = np.unique(np.clip(np.round(np.geomspace(1, total, steps)), 1, total))
    return np.union1d(from_one, total + 1 - from_one)
