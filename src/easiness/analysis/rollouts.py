"""Forecasts from the distribution of rates: how much further trials tell, and for which items most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from easiness.analysis.mixing import MOST_LEVELS, binomial, level_starts, ratio, shares_of_tail
from easiness.analysis.rates import Rates
from easiness.analysis.sides import Side
from easiness.lazy import Floats, Integers

_FARTHEST = 10  # times, beyond which nothing is foretold
_HALVINGS = 8
_FINEST = 32  # further trials up to which each number is told apart
_STEPS = 16  # numbers beyond, each time they double
_MOST = 2000  # further trials, after which a rate is known as well as the grid tells rates apart
_NUMBERS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256)  # of further trials of an item
_FLAT = 1e-12  # gain of a trial that is none


def _chances(more: int, probability: Floats) -> Floats:
    """The probability [G, L] of each number of right ones of ``more`` trials; of very many some at a time."""
    return _kept_chances(more, probability.tobytes())


@lru_cache(maxsize=64)  # numbers come again: for both sides, and for each part of the items
def _kept_chances(more: int, probability: bytes) -> Floats:
    table = binomial(more, np.frombuffer(probability))
    return (np.add.reduceat(table, level_starts(more)) if more >= MOST_LEVELS else table).T


def shares_ahead(
    rates: Rates, trials: Floats, times: Sequence[float], *, side: Side = "hard", fraction: float = 0.1
) -> list[float]:
    """The share, in 0..1, of the true tail that as many items hold, chosen by probability, with more trials.

    Args:
        rates: the fit.
        trials: the trials of each item [K] that it was fitted to.
        times: how many times as many there would be; 1 are those that there are.
        side: the tail, the truly easiest or hardest.
        fraction: its share of the items, in (0, 1].
    """
    tail, of_kind = rates.tail(fraction, side), np.zeros(len(rates.weight))
    of_kind[rates.kind] = trials
    joint = rates.posterior * rates.weight[:, None]
    shares = []
    for one in times:
        more = np.rint(_few_numbers(of_kind * (one - 1)))
        alike = [(joint[more == num], _chances(int(num), rates.probability)) for num in np.unique(more)]
        num, inside = (
            np.concatenate([((part * member) @ table).ravel() for part, table in alike])
            for member in (1.0, tail)
        )
        order = np.argsort(-ratio(inside, num))
        members = shares_of_tail(num[order] / num.sum(), fraction, "hard")
        shares.append(min(float((members * inside[order]).sum() / (fraction * num.sum())), 1.0))
    return shares


def times_enough(
    rates: Rates, trials: Floats, *, side: Side = "hard", fraction: float = 0.1, share: float = 0.9
) -> float | None:
    """The times as many trials with which a ``share`` of the tail is held, as `shares_ahead` has it.

    None where ten times do not hold it.
    """
    low, high = 1.0, float(_FARTHEST)
    at_ends = shares_ahead(rates, trials, [low, high], side=side, fraction=fraction)
    if at_ends[0] >= share or at_ends[1] < share:
        return low if at_ends[0] >= share else None
    for _ in range(_HALVINGS):
        middle = float(np.sqrt(low * high))
        [at_middle] = shares_ahead(rates, trials, [middle], side=side, fraction=fraction)
        low, high = (low, middle) if at_middle >= share else (middle, high)
    return high


def _few_numbers(more: Floats) -> Floats:
    """Numbers of trials, of which large ones are rounded, so that a few are told apart."""
    power = np.rint(np.log2(np.clip(more, _FINEST, _MOST)) * _STEPS) / _STEPS
    return np.where(more <= _FINEST, more, 2**power)


@dataclass(frozen=True, eq=False)
class Allotment:
    """How many ``more`` trials each item is to have, [K], and the ``gain`` [K] that is expected of them.

    A gain is that of one right decision, or of the posterior variance of a rate. ``now`` is the sum over the
    items before it: of the probabilities to decide rightly, or of the variances. ``then`` is that sum with
    these trials, and ``alike`` with as many where all items have the same number.
    """

    more: Integers
    gain: Floats
    now: float
    then: float
    alike: float


def allot(rates: Rates, num: int, member: Floats | None = None, dispersion: float = 1.0) -> Allotment:
    """Allot ``num`` further trials to the items where they are expected to gain most.

    An item is decided rightly where it is a member of a set and said to be, or neither; it is said to be one
    where that is more probable than not. One further trial often changes no decision where several do, so
    that numbers are weighed by the concave envelope of their gains, and the steepest steps are taken first.

    Args:
        rates: the fit.
        num: trials to allot, all of them.
        member: how much of each point of the grid belongs to the set [G], as `Rates.tail` and `Rates.band`
            have it. None to know the rates themselves.
        dispersion: of a trial, see `Outcomes.dispersion`.
    """
    numbers = np.array([0, *(one for one in _NUMBERS if one <= num)])
    gains = np.stack([_gain(rates, member, one / dispersion) for one in numbers], axis=1)
    more, gain = _share_out(rates, num, _steps(numbers, gains))
    each, rest = divmod(num, len(rates.kind))
    some, others = (_gain(rates, member, one / dispersion)[rates.kind].mean() for one in (each + 1, each))
    alike = float(rest * some + (len(rates.kind) - rest) * others)
    whole = max(float(gain.sum()), alike)  # very many are told apart up to a number, and the rest is alike
    if member is None:
        variance = rates.posterior @ rates.probability**2 - (rates.posterior @ rates.probability) ** 2
        now = float(rates.weight @ variance)
        return Allotment(more, gain, now, now - whole, now - alike)
    p = rates.posterior @ member
    now = float(rates.weight @ np.maximum(p, 1 - p))
    return Allotment(more, gain, now, now + whole, now + alike)


def _gain(rates: Rates, member: Floats | None, more: float) -> Floats:
    """The expected gain of so many further trials of an item of each kind, [U]."""
    table = _chances(round(more), rates.probability)
    num = rates.posterior @ table
    if member is None:
        mean = rates.posterior @ rates.probability
        right = (rates.posterior * rates.probability) @ table
        gain = ratio(right**2, num).sum(axis=1) - mean**2
    else:
        inside, p = (rates.posterior * member) @ table, rates.posterior @ member
        gain = np.maximum(inside, num - inside).sum(axis=1) - np.maximum(p, 1 - p)
    return np.asarray(np.maximum(gain, 0))


def _steps(numbers: Integers, gains: Floats) -> tuple[Integers, Integers, Floats]:
    """The steps of the concave envelope of the ``gains`` [U, M], the steepest first: kinds, sizes, slopes."""
    place, steps = np.zeros(len(gains), np.int64), []
    kinds = np.arange(len(gains))
    while len(kinds):
        size = numbers - numbers[place[kinds], None]
        rise = gains[kinds] - gains[kinds, place[kinds], None]
        slope = np.divide(rise, size, out=np.full(rise.shape, -1.0), where=size > 0)
        best = slope.argmax(axis=1)
        steepest = slope.max(axis=1)
        steps.append((kinds, size[np.arange(len(kinds)), best], steepest))
        place[kinds] = best
        kinds = kinds[(best < len(numbers) - 1) & (steepest > _FLAT)]
    kinds, sizes, slopes = map(np.concatenate, zip(*steps, strict=True))
    order = np.argsort(-slopes, kind="stable")
    order = order[slopes[order] > _FLAT]
    return kinds[order], sizes[order], slopes[order]


def _share_out(rates: Rates, num: int, steps: tuple[Integers, Integers, Floats]) -> tuple[Integers, Floats]:
    """The further trials of each item [K] and their gains, by steps in their order; all are shared out."""
    kinds, sizes, slopes = steps
    costs = (rates.weight[kinds] * sizes).astype(np.int64)
    whole = int(np.searchsorted(np.cumsum(costs), num, side="right"))
    of_kinds = np.bincount(kinds[:whole], sizes[:whole], len(rates.weight)).astype(np.int64)
    gains = np.bincount(kinds[:whole], (sizes * slopes)[:whole], len(rates.weight)).astype(np.float64)
    more, gain = of_kinds[rates.kind], gains[rates.kind]
    left = num - int(costs[:whole].sum())
    if whole < len(kinds):  # the step that is too large for all items of its kind
        items = np.flatnonzero(rates.kind == kinds[whole])
        full, rest = divmod(left, int(sizes[whole]))
        more[items[:full]] += sizes[whole]
        gain[items[:full]] += sizes[whole] * slopes[whole]
        more[items[full]] += rest
    elif left:  # nothing gains any more
        more += left // len(more) + (np.arange(len(more)) < left % len(more))
    return more, gain
