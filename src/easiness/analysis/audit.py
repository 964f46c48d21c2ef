"""How many labels are wrong, from a look at a few: strata of suspects, draws from them, and bounds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy.special import betaln, gammaln
from scipy.stats import binom

_LEAST = 0.95
"""Least share of the looks that a stratum would have by its size, so that probabilities that are
worth nothing cost no more than a twentieth."""

_EVEN = 0.2  # of the measure by which strata are cut, how much counts examples alike
_LOOKS_EACH = 12
_MOST = 8  # strata

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Strata:
    """Parts of a list of suspects from its top, H of them.

    ``sizes`` [H] count their examples, ``shares`` [H] are the parts of all looks that they are given, which
    sum to 1, and ``expected`` [H] is the share of wrong labels that was foretold of each.
    """

    sizes: Integers
    shares: Floats
    expected: Floats

    @property
    def ends(self) -> Integers:
        """How many examples are in a stratum and those above it [H]."""
        return self.sizes.cumsum()

    def turned(self) -> Strata:
        """The same of right labels in the place of wrong ones."""
        return Strata(self.sizes, self.shares, 1 - self.expected)

    def of(self, ranks: Integers) -> Integers:
        """The strata [n] of examples by their ranks, from 0."""
        return np.searchsorted(self.ends, ranks, side="right").astype(np.int64)


def stratify(p_wrong: Floats, looks: int) -> Strata:
    """Strata of examples with falling probabilities ``p_wrong`` [K] of wrong labels, for so many looks.

    They are cut where the standard deviations of single labels add up to equal parts (Dalenius and Hodges,
    1959), mixed with even ones, and get looks by size times standard deviation (Neyman, 1934), which one look
    more or less is added to as a variance. But each gets nearly as many as by its size alone.
    """
    deviation = np.sqrt(p_wrong * (1 - p_wrong)) + 1e-9
    measure = (1 - _EVEN) * deviation / deviation.mean() + _EVEN
    most = int(np.clip(looks // _LOOKS_EACH, 1, min(_MOST, len(p_wrong))))
    upto = measure.cumsum()
    inner = np.searchsorted(upto, upto[-1] * np.arange(1, most) / most)
    ends = np.unique([0, *inner.tolist(), len(p_wrong)])
    sizes = np.diff(ends).astype(np.int64)
    parts = np.split(p_wrong, ends[1:-1])
    variance = np.array([(part * (1 - part)).mean() for part in parts])
    by_size = sizes / sizes.sum()
    shares = _at_least(_LEAST * by_size, by_size * np.sqrt(variance + 1 / looks))
    return Strata(sizes, shares, np.array([part.mean() for part in parts]))


def _at_least(least: Floats, wanted: Floats) -> Floats:
    """Shares that sum to 1, in the proportions ``wanted`` where that is not below the ``least``."""
    fixed = np.zeros(len(least), np.bool_)
    while True:
        free = 1 - least[fixed].sum()
        shares: Floats = np.where(fixed, least, free * wanted / max(wanted[~fixed].sum(), 1e-300))
        below = ~fixed & (shares < least)
        if not below.any():
            return shares
        fixed |= below


def allocated(strata: Strata, looks: int) -> Integers:
    """Whole looks [H] that sum to ``looks``: at least one each where there are enough, at most all."""
    wanted, least = strata.shares * looks, int(looks >= len(strata.sizes))
    num = np.minimum(np.maximum(np.floor(wanted).astype(np.int64), 1), strata.sizes)
    while num.sum() > looks:
        num[np.where(num > least, num - wanted, -np.inf).argmax()] -= 1
    while num.sum() < looks:
        num[np.where(num < strata.sizes, wanted - num, -np.inf).argmax()] += 1
    return num


def draw_fixed(strata: Strata, looks: int, rng: np.random.Generator) -> Integers:
    """Ranks [looks] of examples drawn at random within each stratum, in an order to look at them.

    Every beginning of it has about the share of each stratum, and is a random draw from each.
    """
    first = strata.ends - strata.sizes
    ranks, keys = [], []
    for start, size, num in zip(first, strata.sizes, allocated(strata, looks), strict=True):
        ranks.append(start + rng.permutation(size)[:num])
        keys.append((np.arange(num) + rng.random()) / max(num, 1))
    return np.concatenate(ranks)[np.argsort(np.concatenate(keys), kind="stable")].astype(np.int64)


def draw_in_sequence(strata: Strata, looks: int, rng: np.random.Generator) -> Integers:
    """Ranks [looks] of examples drawn one by one from all that are left, in proportion to `weights`."""
    each = np.repeat(weights(strata), strata.sizes)
    return np.argsort(rng.exponential(size=len(each)) / each, kind="stable")[:looks].astype(np.int64)


def weights(strata: Strata) -> Floats:
    """The chance of one example of each stratum [H] to be drawn first."""
    return strata.shares / strata.sizes


_FINEST = 1 << 13  # steps that a total is counted in: of more examples a step is a few of them
_CACHED = 4096

_Counts = Sequence[int] | npt.NDArray[np.int64]
_Spectrum = npt.NDArray[np.complex128]


def most_wrong(sizes: _Counts, looks: _Counts, wrong: _Counts, confidence: float) -> int:
    """An upper confidence bound for the number of wrong labels in all strata.

    Of ``sizes`` [H] examples each, ``looks`` [H] were drawn at random without replacement, and ``wrong`` [H]
    of these are. Of one stratum this is the exact bound of Clopper and Pearson for finite populations. Of
    several it follows Fay and Feuer (1997, confidence intervals for directly standardized rates): each
    stratum has the distribution of those not looked at that its looks tell, the sums are convolved, and one
    more wrong label is added to the looks of one stratum, where it raises the bound most. So strata without
    wrong labels cost no more than one of them. A stratum without looks may be all wrong. Given the right ones
    for the ``wrong``, it is an upper bound for those, and so a lower one for the wrong.
    """
    return _bound(*(tuple(map(int, one)) for one in (sizes, looks, wrong)), float(confidence))


def wrong_in_strata(
    sizes: _Counts,
    looks: _Counts,
    wrong: _Counts,
    unsure: _Counts | int = 0,
    chance: Floats | float = 1,
) -> float | None:
    """The number of wrong labels, without bias (Horvitz and Thompson, 1952).

    Each one seen stands for as many as its stratum has for a look, and for more where the stratum had no more
    than a ``chance`` [H] to have any. Where all of its looks are ``unsure`` [H], it is taken to be as those
    next to it. Where all strata may have none, it is the number given that one has. ``None`` where nothing
    sure was seen.
    """
    size, num, seen = (np.asarray(values, np.float64) for values in (sizes, looks, wrong))
    sure = num - np.asarray(unsure)
    there = sure > 0
    if not there.any():
        return None
    rate = np.interp(np.arange(len(size)), np.flatnonzero(there), seen[there] / sure[there])
    any_look = np.broadcast_to(np.asarray(chance, np.float64), size.shape)
    stands_for = np.where(num > 0, size / np.where(num > 0, any_look, 1), 0)
    return float((stands_for * rate).sum() * min(any_look.sum(), 1))


@lru_cache(_CACHED)
def _bound(sizes: tuple[int, ...], looks: tuple[int, ...], wrong: tuple[int, ...], confidence: float) -> int:
    unseen = [size - n for size, n in zip(sizes, looks, strict=True)]
    step = -(-sum(unseen) // _FINEST) or 1
    length = 1 << (sum(-(-left // step) for left in unseen)).bit_length()
    plain = [_spectrum(left, k, n - k, step, length) for left, n, k in zip(unseen, looks, wrong, strict=True)]
    most = 0
    for at, (left, n, k) in enumerate(zip(unseen, looks, wrong, strict=True)):
        if not left and any(unseen):
            continue
        one_more = [*plain[:at], _spectrum(left, k + 1, n - k, step, length), *plain[at + 1 :]]
        below = np.fft.irfft(np.prod(one_more, axis=0), length).cumsum()
        most = max(most, int(np.searchsorted(below, confidence - 1e-9)))
    return sum(wrong) + min(most * step, sum(unseen))


@lru_cache(_CACHED)
def _spectrum(left: int, wrong: int, right: int, step: int, length: int) -> _Spectrum:
    """The transform of the distribution of wrong labels among so many ``left``, in steps rounded up."""
    num = np.arange(left + 1)
    if not right:
        p = (num == left).astype(float)  # nothing speaks for any to be right
    elif not wrong:
        p = (num == 0).astype(float)
    else:
        log_p = betaln(num + wrong, left - num + right) - betaln(num + 1, left - num + 1)
        p = np.exp(log_p - log_p.max())
    binned = np.bincount(-(-num // step), p / p.sum(), length)
    return np.asarray(np.fft.rfft(binned, length))


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
    if num == 1:
        return 1.0
    below, *others = (counted(at, time) for at in range(num) if at != own)
    places = below.shape[1]
    for one in others:
        both = np.fft.rfft(below, 2 * places) * np.fft.rfft(one, 2 * places)
        below = np.fft.irfft(both, 2 * places)[:, :places]
    return min(float(below.sum(axis=1).mean()), 1.0)


def chance_within(sizes: Integers, looks: Integers, parts: Integers) -> Floats:
    """The chance [H] that of so many looks at strata, with so many ``sizes``, any is in their ``parts``."""
    others = sizes - parts
    possible = np.maximum(others - looks, 0)
    log_none = gammaln(others + 1) - gammaln(possible + 1) + gammaln(sizes - looks + 1) - gammaln(sizes + 1)
    return np.asarray(np.where(others < looks, 1.0, -np.expm1(log_none)))


_KNOWN = 0.3  # looks that what was foretold of a stratum counts for
_BOLDEST = 0.92  # of the largest bet that cannot ruin
_NEWTON = 6  # steps
_FINER = 1.03  # from one number of wrong labels tried to the next


@dataclass(frozen=True, eq=False)
class Wealth:
    """Wealth of bets against numbers of wrong labels.

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
    for _ in range(_NEWTON):
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
    steps = int(np.log(total) / np.log(_FINER)) + 2
    from_one = np.unique(np.clip(np.round(np.geomspace(1, total, steps)), 1, total))
    tried = np.union1d(from_one, total + 1 - from_one)  # close to one another near both ends
    log = np.maximum.accumulate(wealth_of_looks(strata, drawn, wrong, tried).log, axis=0)
    refuted = log[..., None] >= -np.log(1 - np.asarray(confidences))
    # where a number is not refuted, none below it is
    refuted = np.logical_and.accumulate(refuted[:, ::-1], axis=1)[:, ::-1]
    least = np.where(refuted.any(axis=1), tried[refuted.argmax(axis=1)], total + 1)
    right_seen = np.cumsum(~wrong)[:, None]
    return np.minimum.accumulate(np.minimum(least - 1, total - right_seen), axis=0).astype(np.int64)
