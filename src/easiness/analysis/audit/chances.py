"""How probable it is that a stratum has any look, by which one weighs what was seen there."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.special import gammaln
from scipy.stats import binom

from easiness.analysis.audit.strata import Floats, Integers, Strata, allocated, weights

_STEPS = 128  # of the time at which a stratum has its first look
_SURE = 1e-9

_Counted = Callable[[int, Floats], Floats]


def chance_of_a_look(strata: Strata, looks: int, of: int | None = None) -> Floats:
    """The chance [H] of each stratum to have any of the first ``looks`` that were drawn.

    They are the first ones ``of`` so many of `draw_fixed`, or else of `draw_in_sequence`. In both, examples
    have random times, by which they are ordered. So a stratum has none where the others have had that many
    before its own first one, at a time over which it is summed.
    """
    middle = (np.arange(_STEPS) + 0.5) / _STEPS
    chance = np.ones(len(strata.sizes))
    if of is None:
        rate, each = weights(strata), strata.shares
        never = (1 - np.minimum(each, 1)) ** looks

        def counted(at: int, time: Floats) -> Floats:
            p = -np.expm1(-rate[at] * time)[:, None]
            return np.asarray(binom.pmf(np.arange(looks), strata.sizes[at], p))

        for at in np.flatnonzero(never > _SURE):
            chance[at] = _first_in_time(counted, int(at), len(chance), -np.log(middle) / each[at])
        return chance
    num = allocated(strata, of)

    def evenly(at: int, time: Floats) -> Floats:
        part, whole = np.modf(num[at] * time)
        count = np.arange(looks) - whole[:, None]
        return np.asarray((count == 0) * (1 - part[:, None]) + (count == 1) * part[:, None])

    for at in np.flatnonzero(num):
        if looks <= np.ceil(np.delete(num, at) / num[at]).sum():
            chance[at] = _first_in_time(evenly, int(at), len(chance), middle / num[at])
    return chance


def _first_in_time(counted: _Counted, own: int, num: int, time: Floats) -> float:
    """The mean chance, over times, that the looks at others before are too few to fill all places.

    ``counted`` says how probable each number of looks below that of places is [times, places].
    """
    below: Floats | None = None
    for at in range(num):
        if at == own:
            continue
        one = counted(at, time)
        below = one if below is None else _summed(below, one)
    return 1.0 if below is None else min(float(below.sum(axis=1).mean()), 1.0)


def _summed(one: Floats, other: Floats) -> Floats:
    """The distributions of sums, as far as they go."""
    places = one.shape[1]
    both = np.fft.rfft(one, 2 * places) * np.fft.rfft(other, 2 * places)
    return np.fft.irfft(both, 2 * places)[:, :places]


def chance_within(sizes: Integers, looks: Integers, parts: Integers) -> Floats:
    """The chance [H] that of so many looks at strata, with so many ``sizes``, any is in their ``parts``."""
    others = sizes - parts
    possible = np.maximum(others - looks, 0)
    log_none = gammaln(others + 1) - gammaln(possible + 1) + gammaln(sizes - looks + 1) - gammaln(sizes + 1)
    return np.asarray(np.where(others < looks, 1.0, -np.expm1(log_none)))
