"""Trials of examples whose true ease is known: what the analysis says of them can be held to the truth."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from easiness.analysis import Side, Ties, Votes, select

Floats = npt.NDArray[np.float64]

FAR = 50.0  # beyond every noise: right, or wrong, in each trial


class Kind(NamedTuple):
    """How far examples are from the boundary, ``middle + spread * ease``; beyond the limits trials agree.

    ``noise`` is that of a trial. Without counts, all trials are right and the probability alone differs.
    """

    middle: float
    spread: float
    noise: float = 1.0
    always_right: float = np.inf
    always_wrong: float = -np.inf
    counts: bool = True


KINDS = {
    "normal": Kind(0.0, 1.0, noise=2.0, counts=False),
    "plain": Kind(0.3, 1.0),
    "skewed": Kind(1.2, 1.0),  # most are right
    "skewed low": Kind(-1.0, 1.0),  # most are wrong
    "steep": Kind(0.0, 2.5),  # most are right nearly always or hardly ever
    "saturated": Kind(1.0, 2.5, always_right=3.0),  # a fifth is always right
    "heavy": Kind(2.5, 2.5, always_right=3.0, always_wrong=-1.0),  # four in ten are, and 8 % never
}


Draw = Callable[[int, np.random.Generator], Floats]
"""Rates of so many items."""


def with_lumps(never: float, always: float, others: Draw) -> Draw:
    """Rates of which these shares are 0 and 1."""

    def draw(num: int, rng: np.random.Generator) -> Floats:
        place = rng.random(num)
        return np.where(place < never, 0.0, np.where(place > 1 - always, 1.0, others(num, rng)))

    return draw


class Outcome(NamedTuple):
    """How far a statement is off, and whether its interval holds the truth."""

    error: float
    held: bool

    @classmethod
    def of(cls, value: float, low: float, high: float, truth: float) -> Outcome:
        return cls(value - truth, low <= truth <= high)


def _distance(ease: Floats, kind: Kind) -> Floats:
    distance = kind.middle + kind.spread * ease
    distance = np.where(distance > kind.always_right, FAR, distance)
    return np.where(distance < kind.always_wrong, -FAR, distance)


def simulated(ease: Floats, kind: Kind, num_trials: int, rng: np.random.Generator) -> Votes:
    """Trials that are right where distance and noise are above 0, and surer the farther above.

    A trial has a shift of its own, as some are trained better than others.
    """
    noise = kind.noise * rng.standard_normal((num_trials, len(ease)))
    labels, ids = np.zeros(len(ease), np.int64), np.arange(len(ease))
    if not kind.counts:
        p = np.clip(0.5 + 0.04 * (ease + noise), 0, 1)
        return Votes(np.ones(p.shape, np.bool_), p, labels, ids, 1)
    noise += 0.15 * rng.standard_normal((num_trials, 1))
    right = _distance(ease, kind) + noise > 0
    # examples on which all trials agree still differ in how sure they are
    p = 1 / (1 + np.exp(-1.2 * (kind.middle + kind.spread * ease + noise)))
    return Votes(right, p, labels, ids, 1)


def true_set(ease: Floats, kind: Kind, side: Side, fraction: float, ties: Ties) -> Floats:
    """The weights [K] that endless trials lead to; under ``refine`` nothing ties for them."""
    if ties == "refine":
        return select(ease, fraction, side)
    return select(_distance(ease, kind), fraction, side, ties)


def found_set(votes: Votes, side: Side, fraction: float, ties: Ties) -> Floats:
    """The weights [K] that all of these trials lead to."""
    counts, sure = votes.num_right, votes.mean_p_label
    return select(counts, fraction, side, ties, sure if ties == "refine" else None, votes.ids)
