"""The rates of items of any numbers of trials: their distribution, and what further trials would tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from easiness.analysis.mixing import (
    MOST_LEVELS,
    MassFit,
    binomial,
    fit_tallies,
    grid_places,
    level_starts,
    ratio,
    shares_of_tail,
    two_normals,
)
from easiness.analysis.sides import Side
from easiness.lazy import Array, Floats, Integers, optimize, special
from easiness.spec import check_within

_POINTS, _FINE_POINTS = 121, 361  # of the grid; the latter where items have many trials
_MANY = 200  # trials of an item: its rate is known to less than the coarse grid tells apart
_STEPS = 1000  # of EM for a mass at each point, over the trials of a usual item, as for equal numbers
_FEWEST_STEPS = 10
_FEW = 4  # trials of a usual item, of which two normals would be a guess
_LOGS_OF_BETA = (-5.0, 5.0)
_SMOOTH_ITEMS = 30  # of the beta distribution: chosen by simulations of 30 to 3,000 items
_MOST_UNLIKE = 30_000  # pairs of trials and right ones that are told apart, before scores are rounded
_LEVELS = 1000  # of rounded scores, as far apart for each rate in standard deviations


@dataclass(frozen=True, eq=False)
class Rates:
    """The distribution of the true rates of K items, ``mass`` [G] at each ``probability`` [G], ascending.

    Items with as many trials and as many right ones are alike: ``weight`` [U] counts those of each kind,
    ``kind`` [K] is that of each item, and ``posterior`` [U, G] what each kind says of the rate.
    """

    places: Floats
    mass: Floats
    weight: Floats
    kind: Integers
    posterior: Floats

    @cached_property
    def probability(self) -> Floats:
        """The rates [G] of the grid."""
        return np.asarray(special.ndtr(self.places))

    @cached_property
    def population(self) -> Floats:
        """The distribution [G] of the items themselves: the mean of their posteriors."""
        return np.asarray(self.weight @ self.posterior / self.weight.sum())

    @cached_property
    def expected(self) -> Floats:
        """The posterior mean of the rate of each item, [K]."""
        return np.asarray((self.posterior @ self.probability)[self.kind])

    def tail(self, fraction: float, side: Side) -> Floats:
        """The share [G] of the items at each point that is among the easiest or hardest ``fraction``."""
        check_within("fraction", fraction, "(0, 1]")
        return shares_of_tail(self.population, fraction, side)

    def band(self, low: float, high: float) -> Floats:
        """The share [G] of each point of the grid, taken as the cell around it, with a rate in the band."""
        middle = (self.places[1:] + self.places[:-1]) / 2
        edges = np.concatenate([[-np.inf], middle, [np.inf]])
        step = self.places[1] - self.places[0]
        ends = np.clip(special.ndtri([low, high]), self.places[0] - step / 2, self.places[-1] + step / 2)
        low_at, high_at = np.where([low > 0, high < 1], ends, [-np.inf, np.inf])
        finite = np.clip(edges, self.places[0] - step / 2, self.places[-1] + step / 2)
        inside = np.minimum(finite[1:], high_at) - np.maximum(finite[:-1], low_at)
        return np.asarray(np.clip(inside / np.diff(finite), 0, 1))

    def belongs(self, fraction: float, side: Side) -> Floats:
        """The probability [K] of each item to be among the truly easiest or hardest ``fraction``."""
        return np.clip(self.posterior @ self.tail(fraction, side), 0, 1)[self.kind]

    def between(self, low: float, high: float) -> Floats:
        """The probability [K] that the true rate of each item lies in [low, high]."""
        return np.clip(self.posterior @ self.band(low, high), 0, 1)[self.kind]


def fit_rates(trials: Floats, right: Floats) -> Rates:
    """Fit the distribution of the true rates to K items, of which item i has ``trials[i]``.

    The fit is that of `fit_each`, to binomials of unequal numbers: two normals of the probit of the rate, of
    few trials a beta distribution, then a free mass at each point of a grid. It counts as K items beside 30
    of the likeliest beta distribution, since few items have spikes by chance. How many trials an item has may
    depend on those that came before, as where rollouts go on until something is known. It must not depend on
    what else tells of the rate: where hard items have more by design, rates are off by 0.05 on average.

    Args:
        trials: how many trials each item has [K], above 0; fractions are allowed.
        right: how many of them are right [K], in 0..trials; fractions are allowed, as sums of scores are.
    """
    kinds, kind, weight = _kinds(trials, right)
    points = _FINE_POINTS if kinds[:, 0].max() > _MANY else _POINTS
    places = grid_places(points)
    likelihood = likelihoods(kinds[:, 0], kinds[:, 1], places)
    usual = float(np.average(kinds[:, 0], weights=weight))
    steps = max(int(_STEPS / max(usual, 1)), _FEWEST_STEPS)
    observed = (weight / weight.sum())[None, :, None]
    counts = [(kinds[:, 1] + 0.5) / (kinds[:, 0] + 1), np.full(1, 0.5)]
    fit = MassFit(observed, [likelihood, np.ones((1, 1))], counts, steps)
    beta = _beta(kinds, weight, usual, places)
    mass = fit.free(beta[None, :, None] if usual < _FEW else two_normals(fit, ends=True))[0, :, 0]
    for end, none in ((0, kinds[:, 1]), (-1, kinds[:, 0] - kinds[:, 1])):
        if not none.any():  # all trials of all items agree
            mass = np.eye(points)[end]
    smooth_share = _SMOOTH_ITEMS / (_SMOOTH_ITEMS + len(trials))
    mass = (1 - smooth_share) * mass / mass.sum() + smooth_share * beta
    return Rates(places, mass, weight, kind, _rows_of_one(likelihood * mass))


def fit_counts(runs: Sequence[tuple[Array, int]]) -> list[Rates]:
    """Fit the distribution of the true rates to ``counts`` [K], in 0..N, of right ones among N trials each.

    A fit for each run of several: that of `fit_each`. Trials are independent and alike, so that it depends on
    how many examples have each of the N + 1 counts alone, which are the kinds.
    """
    kinds = [counts.astype(np.int64) for counts, _ in runs]
    tallies = [
        np.bincount(kind, minlength=num + 1).astype(np.float64)
        for kind, (_, num) in zip(kinds, runs, strict=True)
    ]
    fits = fit_tallies([tally[:, None] for tally in tallies], _POINTS)
    places = grid_places(_POINTS)
    return [
        Rates(places, mass, tally, kind, _rows_of_one(binomial(len(tally) - 1, special.ndtr(places)) * mass))
        for [mass], tally, kind in zip((fit.T for fit in fits), tallies, kinds, strict=True)
    ]


def _rows_of_one(joint: Floats) -> Floats:
    """The same rows [U, G], each in parts of its sum."""
    return ratio(joint, joint.sum(axis=1, keepdims=True))


def _beta(kinds: Floats, weight: Floats, usual: float, places: Floats) -> Floats:
    """The masses [G] of the likeliest beta distribution: few trials, or items, tell no more than two numbers.

    Beside those, half an item is hard and half an item easy, of ``usual`` trials: few may look all alike.
    """
    trials, right = np.concatenate([kinds, usual * np.array([[1, 0.1], [1, 0.9]])]).T
    weight = np.append(weight, [0.5, 0.5])

    def loss(logs: Floats) -> float:
        a, b = np.exp(logs)
        return -float(
            weight @ (special.betaln(right + a, trials - right + b) - special.betaln(a, b))
        ) / float(weight.sum())

    a, b = np.exp(optimize.minimize(loss, np.zeros(2), bounds=[_LOGS_OF_BETA] * 2).x)
    edges = special.ndtr(np.concatenate([[-np.inf], (places[1:] + places[:-1]) / 2, [np.inf]]))
    return np.asarray(np.diff(special.betainc(a, b, edges)))


def _kinds(trials: Floats, right: Floats) -> tuple[Floats, Integers, Floats]:
    """The unlike pairs [U, 2] of trials and right ones by rate, the pair of each item, and their weights."""
    pairs = np.stack([trials, right], axis=1)
    kinds, kind, weight = np.unique(pairs, axis=0, return_inverse=True, return_counts=True)
    if len(kinds) > _MOST_UNLIKE:
        angles = np.rint(np.arcsin(np.sqrt(right / trials)) / (np.pi / 2) * _LEVELS)
        levels = trials * np.sin(angles / _LEVELS * (np.pi / 2)) ** 2
        pairs = np.stack([trials, levels], axis=1)
        kinds, kind, weight = np.unique(pairs, axis=0, return_inverse=True, return_counts=True)
    order = np.argsort((kinds[:, 1] + 0.5) / (kinds[:, 0] + 1), kind="stable")
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    return kinds[order], place[kind.reshape(-1)], weight[order].astype(np.float64)


def likelihoods(trials: Floats, right: Floats, places: Floats) -> Floats:
    """The likelihood [U, G] of each rate on the grid where ``right`` of ``trials`` are right; at most 1."""
    logs = right[:, None] * special.log_ndtr(places) + (trials - right)[:, None] * special.log_ndtr(-places)
    return np.asarray(np.exp(logs - logs.max(axis=1, keepdims=True)))


_FARTHEST = 10  # times, beyond which nothing is foretold
_HALVINGS = 8
_FINEST = 32  # further trials up to which each number is told apart
_STEPS_APART = 16  # numbers beyond, each time they double
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
        more = of_kind * (one - 1)
        # large numbers are rounded, so that a few are told apart
        power = np.rint(np.log2(np.clip(more, _FINEST, _MOST)) * _STEPS_APART) / _STEPS_APART
        more = np.rint(np.where(more <= _FINEST, more, 2**power))
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
