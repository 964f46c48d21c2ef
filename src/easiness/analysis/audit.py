"""How many labels are wrong, from a look at a few: strata of suspects, draws from them, and bounds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy.special import betaln, gammaln
from scipy.stats import binom

from easiness.lazy import Floats, Integers, Mask

_LEAST = 0.95
"""Least share of the looks that a stratum would have by its size, so that probabilities that are
worth nothing cost no more than a twentieth."""

_EVEN = 0.2  # of the measure by which strata are cut, how much counts examples alike
_LOOKS_EACH = 12
_MOST = 8  # strata


@dataclass(frozen=True, eq=False)
class Strata:
    """Parts of a list of suspects from its top, H of them.

    ``sizes`` [H] count their examples, ``shares`` [H] are their parts of all looks and sum to 1, and
    ``expected`` [H] is the share of wrong labels that was foretold of each.
    """

    sizes: Integers
    shares: Floats
    expected: Floats

    @property
    def ends(self) -> Integers:
        """How many examples are in a stratum and those above it [H]."""
        return self.sizes.cumsum()

    def flip(self) -> Strata:
        """The strata with right labels in the place of wrong ones."""
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


def _at_least(least: Floats, proportions: Floats) -> Floats:
    """Shares that sum to 1, in these ``proportions`` where that is not below the ``least``."""
    at_bound = np.zeros(len(least), np.bool_)
    while True:
        free = 1 - least[at_bound].sum()
        rest = max(proportions[~at_bound].sum(), 1e-300)
        shares: Floats = np.where(at_bound, least, free * proportions / rest)
        below = ~at_bound & (shares < least)
        if not below.any():
            return shares
        at_bound |= below


def allocate(strata: Strata, looks: int) -> Integers:
    """Whole looks [H] that sum to ``looks``: at least one each where there are enough, at most all."""
    exact, least = strata.shares * looks, int(looks >= len(strata.sizes))
    num = np.minimum(np.maximum(np.floor(exact).astype(np.int64), 1), strata.sizes)
    while num.sum() > looks:
        num[np.where(num > least, num - exact, -np.inf).argmax()] -= 1
    while num.sum() < looks:
        num[np.where(num < strata.sizes, exact - num, -np.inf).argmax()] += 1
    return num


def draw_fixed(strata: Strata, looks: int, rng: np.random.Generator) -> Integers:
    """Ranks [looks] of examples drawn at random within each stratum, in an order to look at them.

    Every beginning of it has about the share of each stratum, and is a random draw from each.
    """
    first = strata.ends - strata.sizes
    ranks, keys = [], []
    for start, size, num in zip(first, strata.sizes, allocate(strata, looks), strict=True):
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
_CACHE_SIZE = 4096

_Counts = Sequence[int] | Integers
_Spectrum = npt.NDArray[np.complex128]


def most_wrong(sizes: _Counts, looks: _Counts, wrong: _Counts, confidence: float) -> int:
    """An upper confidence bound for the number of wrong labels in all strata.

    From ``sizes`` [H] examples each, ``looks`` [H] were drawn at random without replacement, and ``wrong``
    [H] of the looks found a wrong label. For one stratum this is the exact bound of Clopper and Pearson for
    finite populations. For several it follows Fay and Feuer (1997, confidence intervals for directly
    standardized rates): the looks give each stratum a distribution of the rest, the distributions are
    convolved, and one more wrong label is added to the stratum where it raises the bound most. So strata
    without wrong labels cost no more than one of them. A stratum without looks may be all wrong. With counts
    of right labels it bounds the right ones from above, and so the wrong ones from below.
    """
    return _bound_of(*(tuple(map(int, one)) for one in (sizes, looks, wrong)), float(confidence))


def wrong_in_strata(
    sizes: _Counts,
    looks: _Counts,
    wrong: _Counts,
    unsure: _Counts | int = 0,
    chance: Floats | float = 1,
) -> float | None:
    """The number of wrong labels, without bias (Horvitz and Thompson, 1952).

    A look stands for as many examples as its stratum has for each look, and for more where the stratum had no
    more than a ``chance`` [H] of any look. A stratum whose looks are all ``unsure`` [H] is taken to be as the
    strata next to it. Where every stratum may have no look, the number is conditional on one that has.
    ``None`` where no look is sure.
    """
    size, num, num_wrong = (np.asarray(values, np.float64) for values in (sizes, looks, wrong))
    sure = num - np.asarray(unsure)
    there = sure > 0
    if not there.any():
        return None
    rate = np.interp(np.arange(len(size)), np.flatnonzero(there), num_wrong[there] / sure[there])
    any_look = np.broadcast_to(np.asarray(chance, np.float64), size.shape)
    stands_for = np.where(num > 0, size / np.where(num > 0, any_look, 1), 0)
    return float((stands_for * rate).sum() * min(any_look.sum(), 1))


@lru_cache(_CACHE_SIZE)
def _bound_of(
    sizes: tuple[int, ...], looks: tuple[int, ...], wrong: tuple[int, ...], confidence: float
) -> int:
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


@lru_cache(_CACHE_SIZE)
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
    bins = np.bincount(-(-num // step), p / p.sum(), length)
    return np.asarray(np.fft.rfft(bins, length))


_STEPS = 128  # of the time at which a stratum has its first look
_SURE = 1e-9

_Counting = Callable[[int, Floats], Floats]


def chance_of_a_look(strata: Strata, looks: int, of: int | None = None) -> Floats:
    """The chance [H] of each stratum to have any of the first ``looks`` that were drawn.

    The looks are the first ones ``of`` so many of `draw_fixed`, or else of `draw_in_sequence`. Both order the
    examples by random times. So a stratum has no look where the others have had that many before its first,
    and the chance is summed over the time of that.
    """
    middle = (np.arange(_STEPS) + 0.5) / _STEPS
    chance = np.ones(len(strata.sizes))
    if of is None:
        rate, each = weights(strata), strata.shares
        never = (1 - np.minimum(each, 1)) ** looks

        def by_lot(at: int, time: Floats) -> Floats:
            p = -np.expm1(-rate[at] * time)[:, None]
            return np.asarray(binom.pmf(np.arange(looks), strata.sizes[at], p))

        for at in np.flatnonzero(never > _SURE):
            chance[at] = _first_in_time(by_lot, int(at), len(chance), -np.log(middle) / each[at])
        return chance
    num = allocate(strata, of)

    def evenly(at: int, time: Floats) -> Floats:
        part, whole = np.modf(num[at] * time)
        count = np.arange(looks) - whole[:, None]
        return np.asarray((count == 0) * (1 - part[:, None]) + (count == 1) * part[:, None])

    for at in np.flatnonzero(num):
        if looks <= np.ceil(np.delete(num, at) / num[at]).sum():
            chance[at] = _first_in_time(evenly, int(at), len(chance), middle / num[at])
    return chance


def _first_in_time(probability: _Counting, own: int, num: int, time: Floats) -> float:
    """The mean chance, over times, that the looks at others before are too few to fill all places.

    ``probability`` says how probable each number of looks below that of places is [times, places].
    """
    if num == 1:
        return 1.0
    below, *others = (probability(at, time) for at in range(num) if at != own)
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


_PRIOR_LOOKS = 0.3  # looks that what was foretold of a stratum counts for
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


def wealth_of_looks(strata: Strata, order: Integers, wrong: Mask, numbers: Floats) -> Wealth:
    """Bet against each of the ``numbers`` [..., T] of wrong labels, or more, while labels are looked at.

    ``order`` [..., n] has the strata of examples in the order in which they were drawn one by one in
    proportion to `weights`; ``wrong`` [..., n] is what was seen. A bet is fair where the number is true, so
    that wealth exceeds 1 / a with a probability of at most a, whenever one stops and whatever was foretold
    (Waudby-Smith and Ramdas, 2024; Shekhar and others, 2023, for weighted draws without replacement). The bet
    is on the difference to the rates that the looks before foretell, ``expected`` in the beginning, and the
    stake is Kelly's.
    """
    shape = (*order.shape[:-1], len(strata.sizes))
    looks, num_wrong = np.zeros(shape), np.zeros(shape)
    chance = weights(strata)
    log = np.zeros((order.shape[-1] + 1, *np.broadcast_shapes((*order.shape[:-1], 1), numbers.shape)))
    for at in range(order.shape[-1] + 1):
        left = strata.sizes - looks
        rates = (_PRIOR_LOOKS * strata.expected + num_wrong) / (_PRIOR_LOOKS + looks)
        all_left = (left * chance).sum(-1, keepdims=True)
        stands_for = all_left / chance  # an example of each stratum, for how many of those left
        expectation = (left * rates).sum(-1, keepdims=True)
        right, not_right = expectation - rates * stands_for, expectation + (1 - rates) * stands_for
        outcomes = np.concatenate([right, not_right], -1)
        next_look = left * chance / all_left if at < order.shape[-1] or left.any() else left
        p = np.concatenate([next_look * (1 - rates), next_look * rates], -1)
        there = np.concatenate([left > 0, left > 0], -1)
        remaining = numbers - num_wrong.sum(-1, keepdims=True)
        stake, growth = _stake(remaining, np.where(there, outcomes, expectation), p)
        if at == order.shape[-1]:
            return Wealth(log[1:], growth)
        stratum = order[..., at : at + 1]
        one = wrong[..., at : at + 1]
        outcome = np.take_along_axis(outcomes, stratum + len(strata.sizes) * one, -1)
        log[at + 1] = log[at] + np.log1p(np.maximum(stake * (remaining - outcome), -1 + 1e-12))
        np.put_along_axis(looks, stratum, np.take_along_axis(looks, stratum, -1) + 1, -1)
        np.put_along_axis(num_wrong, stratum, np.take_along_axis(num_wrong, stratum, -1) + one, -1)
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
    strata: Strata, order: Integers, wrong: Mask, confidences: Sequence[float]
) -> Integers:
    """Upper bounds [n, C] for the number of wrong labels, with confidences that hold for all looks together.

    Arguments are those of `wealth_of_looks`, for one sequence.
    """
    total = int(strata.sizes.sum())
    steps = int(np.log(total) / np.log(_FINER)) + 2
    from_one = np.unique(np.clip(np.round(np.geomspace(1, total, steps)), 1, total))
    numbers = np.union1d(from_one, total + 1 - from_one)  # close to one another near both ends
    log = np.maximum.accumulate(wealth_of_looks(strata, order, wrong, numbers).log, axis=0)
    is_refuted = log[..., None] >= -np.log(1 - np.asarray(confidences))
    # where a number is not refuted, none below it is
    is_refuted = np.logical_and.accumulate(is_refuted[:, ::-1], axis=1)[:, ::-1]
    least = np.where(is_refuted.any(axis=1), numbers[is_refuted.argmax(axis=1)], total + 1)
    right_seen = np.cumsum(~wrong)[:, None]
    return np.minimum.accumulate(np.minimum(least - 1, total - right_seen), axis=0).astype(np.int64)
