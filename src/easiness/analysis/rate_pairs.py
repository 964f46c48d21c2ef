"""Two models that answered the same items, each any number of times: what they have in common.

A rate is the probability that a model is right about an item; its rollouts are independent given the rate.
They may be of unequal numbers. Where they were stopped for what came before, agreement of the true sets is
as it was, for likelihoods are the same; shares that are right are then off themselves.
Scores in [0, 1] count as parts of a right one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from easiness.analysis.mixing import (
    POINTS_OF_TWO,
    MassFit,
    begin,
    grid_places,
    ratio,
    shares_of_tail,
    two_normals,
)
from easiness.analysis.rates import Rates, fit_rates, likelihoods
from easiness.analysis.reliability import ANGLES, Agreement, in_one_order
from easiness.analysis.selection import select
from easiness.analysis.sides import SIDES, Side, num_selected
from easiness.analysis.tail_model import Interval

_Floats = npt.NDArray[np.float64]

_PARTS = 10  # of the items, left out in turn
_POINTS_OF_PARTS = 31  # of the grid where only the spread of fits is asked for
_FREE_STEPS = 1000  # of EM over the rollouts of an item
_UNLIKELIEST = 1e-40  # less takes long to reckon with
_FEWEST = 10  # items of a set
_SHARE_HELD = 0.35  # of a true set by the items likeliest in it: with less, its order is not known
_ERRORS_AT_CUT = 0.4  # in an item's rollouts: with fewer, those beyond the cut look as those before it
_ONE_ORDER = 3.0  # log odds of the same order for both to one correlation of the grid: models are alike often
_SIMPLER = 2.0  # log odds of a correlation to two groups, which have more that can be fitted
_SHAPE_ERROR = 0.3  # over the rollouts: what few of them leave to where fits begin
_LIKELY_ENOUGH = 6.0  # log likelihood below the best at which the same order for both is not ruled out
_NUISANCES = 201  # rates of the lower model that are tried
_SAME = 1e-9  # relative difference of chances that are the same
_Z95 = 1.959963984540054


class PairedCounts(NamedTuple):
    """Rollouts and right ones of models A and B, each [K] of the same items; right ones are in 0..rollouts.

    Each item has one rollout of either model at least.
    """

    trials_a: _Floats
    right_a: _Floats
    trials_b: _Floats
    right_b: _Floats

    @property
    def rates(self) -> tuple[_Floats, _Floats]:
        """The share that is right of each item [K], of A and of B."""
        return self.right_a / self.trials_a, self.right_b / self.trials_b


@dataclass(frozen=True, eq=False)
class _PatternFit(MassFit):
    """A mixture fitted to unlike items U instead of tables of counts: ``observed`` is [B, U]."""

    @classmethod
    def of_counts(cls, counts: _Floats, observed: _Floats, points: int) -> _PatternFit:
        """``counts`` [U, 4] are `PairedCounts` of each."""
        halves = counts[:, :2].T, counts[:, 2:].T
        places = grid_places(points)
        chances = [np.maximum(likelihoods(half[0], half[1], places), _UNLIKELIEST) for half in halves]
        levels = [(right + 0.5) / (trials + 1) for trials, right in halves]
        observed = observed / observed.sum(axis=1, keepdims=True)
        num_steps = max(int(_FREE_STEPS / (observed[0] @ counts[:, ::2].sum(axis=1))), 1)
        return cls(observed, chances, levels, num_steps)

    def roughly(self) -> _PatternFit:
        return self  # what many rollouts rule out is too small for single precision

    def starts(self) -> _Floats:
        orders = [np.argsort(levels) for levels in self.counts]
        runs = list(zip(orders, self.counts, strict=True))
        return np.array([[begin(one[at], levels[at]) for one in self.observed] for at, levels in runs])

    def expected(self, mass: _Floats) -> _Floats:
        ours, theirs = self.likelihoods
        return np.asarray(((ours @ mass) * theirs).sum(axis=-1))

    def gain(self, mass: _Floats) -> _Floats:
        ours, theirs = self.likelihoods
        return np.asarray(ours.T @ (ratio(self.observed, self.expected(mass))[..., None] * theirs))


def _tells(rates: Rates, trials: _Floats, fraction: float, side: Side) -> bool:
    """Do the rollouts of a model tell which items are in its true set?"""
    members, tail = rates.belongs(fraction, side), rates.tail(fraction, side)
    share_held = np.sort(members)[-num_selected(len(members), fraction) :].sum() / members.sum()
    cut = rates.probability[np.flatnonzero(tail)[-1 if side == "hard" else 0]]
    errors = (cut if side == "hard" else 1 - cut) * (members @ trials) / members.sum()
    return bool(share_held >= _SHARE_HELD and errors >= _ERRORS_AT_CUT)


def _coarse(mass: _Floats, points: int) -> _Floats:
    """The masses on a grid of fewer points, each shared by the two that it lies between."""
    places, fine = grid_places(points), grid_places(len(mass))
    at = (fine - places[0]) / (places[1] - places[0])
    low = np.minimum(at.astype(int), points - 2)
    part = at - low
    return np.asarray(np.bincount(low, mass * (1 - part), points) + np.bincount(low + 1, mass * part, points))


def rate_agreements(
    pair: PairedCounts, fraction: float = 0.1, seed: int = 0, *, fits: Sequence[Rates] = ()
) -> dict[Side, Agreement]:
    """The overlap of the true sets of both models: the outer ``fraction`` of the items by rate, on each side.

    The distribution of the pair of rates is fitted by EM to binomials of the items' own numbers, as two
    groups of two normals, and as one order of items with the margins of either model and any correlation. The
    rate is the mean of what these say, by how likely each makes the counts. Its interval is made of how far
    they differ, of a jackknife over tenths of the items, which vary with their rollouts, and of what fits
    were seen to be off by with few rollouts. NaN with a reason where sets have fewer than ten items, or
    counts do not tell an order at their cut: few rollouts, or more items than the set never right.

    ``tests/property/test_rate_pairs_simulated.py`` holds rates and intervals to the truth. ``seed`` is that
    of the tenths; ``fits`` are those of either model, where they are known.
    """
    num = len(pair.trials_a)
    if num_selected(num, fraction) < _FEWEST:
        return dict.fromkeys(SIDES, Agreement(reason=f"sets are of fewer than {_FEWEST} items"))
    if fraction >= 1:
        return dict.fromkeys(SIDES, Agreement(reason="sets hold every item"))
    fits = fits or (fit_rates(*pair[:2]), fit_rates(*pair[2:]))
    both = list(zip((pair.trials_a, pair.trials_b), fits, strict=True))
    doubts = {
        side: Agreement(reason=f"counts of a model hardly tell its {side} items apart")
        for side in SIDES
        if not all(_tells(rates, trials, fraction, side) for trials, rates in both)
    }
    if len(doubts) == len(SIDES):
        return doubts
    patterns, at = np.unique(np.array(pair).T, axis=0, return_inverse=True)
    fit = _PatternFit.of_counts(patterns, np.bincount(at.ravel())[None].astype(float), POINTS_OF_TWO)
    groups = two_normals(fit)
    angles = [*np.linspace(*ANGLES), math.inf]
    margins = [_coarse(rates.population, POINTS_OF_TWO) for _, rates in both]
    orders = [in_one_order(margins, angle) for angle in angles]
    likely = num * np.array([fit.log_likelihood(mass[None]) for mass in (groups[0], *orders)])
    weights = _weights(likely)
    masses = np.array([fit.free(groups)[0], *orders[:-1]])
    parts = np.arange(num) % _PARTS
    np.random.default_rng(seed).shuffle(parts)
    rest = np.array([np.bincount(at.ravel(), parts != part, len(patterns)) for part in range(_PARTS)])
    smaller = _PatternFit.of_counts(patterns, rest, _POINTS_OF_PARTS)
    left = smaller.free(two_normals(smaller))
    few = _SHAPE_ERROR / min(float(np.mean(one)) for one in (pair.trials_a, pair.trials_b))
    may_be_one = likely.max() - likely[-1] < _LIKELY_ENOUGH
    told = {
        side: _with_interval(
            np.append(_overlaps(masses, fraction, side), 1.0),
            weights,
            _overlaps(left, fraction, side),
            few,
            may_be_one,
        )
        for side in SIDES
    }
    return told | doubts


def _weights(likely: _Floats) -> _Floats:
    """Probabilities of groups, and of each correlation, by their log likelihoods and what they can fit."""
    prior = np.zeros(len(likely))
    prior[-1] = _ONE_ORDER
    orders = np.exp(likely[1:] - likely[1:].max() + prior[1:])
    apart = (likely[0] - likely[1:].max() - math.log(np.exp(likely[1:] - likely[1:].max()).mean())) / 2
    groups = 1 / (1 + math.exp(min(_SIMPLER - apart, 700)))
    return np.array([groups, *(1 - groups) * orders / orders.sum()])


def _overlaps(masses: _Floats, fraction: float, side: Side) -> _Floats:
    tails = [[shares_of_tail(one, fraction, side) for one in masses.sum(axis=axis)] for axis in (2, 1)]
    both = np.einsum("bi,bij,bj->b", tails[0], masses, tails[1])
    return np.asarray(np.minimum(both / fraction, 1))


def _with_interval(
    rates: _Floats, weights: _Floats, left: _Floats, few: float, may_be_one: bool
) -> Agreement:
    from scipy.special import stdtrit

    rate = float(rates @ weights)
    between = 2 * math.sqrt(weights @ (rates - rate) ** 2)
    items = float(stdtrit(_PARTS - 1, 0.975)) * math.sqrt((_PARTS - 1) * float(np.var(left)))
    reach = math.hypot(items, between, few)
    return Agreement(rate, max(rate - reach, 0.0), 1.0 if may_be_one else min(rate + reach, 1.0))


@dataclass(frozen=True)
class RateMatch:
    """The matching rate of two sets of k items by their rates, ties at the cut shared, with its chance.

    The interval of 95 % is Wilson's (1927) for k items: other items of the same kind, as often asked.
    """

    rate: Interval
    chance: float


def match_rates(pair: PairedCounts, side: Side, fraction: float = 0.1) -> RateMatch:
    """How much of the outer ``fraction`` of the items by rate both models have in common, noise and all."""
    ours, theirs = (select(rates, fraction, side) for rates in pair.rates)
    k = num_selected(len(ours), fraction)
    rate = min(float(ours @ theirs) / k, 1.0)
    centre, total = rate + _Z95**2 / (2 * k), 1 + _Z95**2 / k
    reach = _Z95 * math.sqrt(rate * (1 - rate) / k + (_Z95 / (2 * k)) ** 2)
    low, high = max((centre - reach) / total, 0.0), min((centre + reach) / total, 1.0)
    return RateMatch(Interval(rate, low, high), k / len(ours))


@dataclass(frozen=True)
class AnswerAgreement:
    """How often an answer of A and one of B are both right or both wrong, beside what accuracies make of it.

    ``kappa`` is how far beyond chance that is, at most 1 (error consistency: Geirhos, Meding and Wichmann
    2020); None where chance alone always agrees.
    """

    agreement: Interval
    chance: float
    kappa: Interval | None


def answer_agreement(pair: PairedCounts, groups: npt.NDArray[Any] | None = None) -> AnswerAgreement:
    """The `AnswerAgreement` of one random rollout each, with 95 % intervals over items or ``groups``."""
    a, b = pair.rates
    same = a * b + (1 - a) * (1 - b)
    accuracy, other = float(a.mean()), float(b.mean())
    chance = accuracy * other + (1 - accuracy) * (1 - other)
    agreement = mean_over_items(same, groups)
    if chance >= 1:
        return AnswerAgreement(agreement, chance, None)
    value, of_chance = agreement.value, (2 * other - 1) * (a - accuracy) + (2 * accuracy - 1) * (b - other)
    change = (same - value) / (1 - chance) - of_chance * (1 - value) / (1 - chance) ** 2
    kappa = mean_over_items((value - chance) / (1 - chance) + change, groups)
    return AnswerAgreement(agreement, chance, kappa)


def mean_over_items(values: _Floats, groups: npt.NDArray[Any] | None = None) -> Interval:
    """The mean of K values in -1..1 with its 95 % interval of Student's t, for other items, asked anew.

    An item's value varies with its rollouts as well, so the spread over items holds both. ``groups`` [K] are
    clusters of items, such as questions on one text: whole groups then vary. Where hardly a value differs,
    the interval is that of one that differs by 1. NaN with one item or group.
    """
    from scipy.special import stdtrit

    mean = float(values.mean())
    rest = values - mean
    if groups is not None:
        rest = np.asarray(np.bincount(np.unique(groups, return_inverse=True)[1].ravel(), rest), np.float64)
    if len(rest) < 2:
        return Interval(mean, math.nan, math.nan)
    variance = len(rest) / (len(rest) - 1) * max(float(rest @ rest), 1.0)
    reach = float(stdtrit(len(rest) - 1, 0.975)) * math.sqrt(variance) / len(values)
    return Interval(mean, mean - reach, mean + reach)


def rate_difference(pair: PairedCounts, groups: npt.NDArray[Any] | None = None) -> Interval:
    """The mean rate of B less that of A, paired by item: `mean_over_items` of the differences."""
    a, b = pair.rates
    return mean_over_items(b - a, groups)


@dataclass(frozen=True, eq=False)
class RateChanges:
    """Of each item [K] the two-sided ``p`` that both rates are the same, and ``p_adjusted`` for all items.

    Items with ``p_adjusted`` up to a rate are those that differ, with that false discovery rate.
    """

    p: _Floats
    p_adjusted: _Floats


def rate_changes(pair: PairedCounts) -> RateChanges:
    """Fisher's exact test of each item, adjusted by what p-values its counts could have had.

    Few rollouts have few p-values, most of them large, so Benjamini and Hochberg's number of items expected
    below p, p times K, is replaced by the one that the items' own distributions expect (Heyse 2011), with the
    correction by which the rate is shown to hold for independent items (Doehler, Durand and Roquain 2018,
    step-up, their 1 - F bounded by 1 - p). Items that can never have a small p-value cost nothing.

    Right ones that are parts of scores are rounded towards the other model's rate: such tests are careful.
    """
    patterns, at = np.unique(_whole(pair), axis=0, return_inverse=True)
    at = at.ravel()
    totals = np.stack([patterns[:, 0], patterns[:, 2], patterns[:, 1] + patterns[:, 3]], axis=1)
    tables, table = np.unique(totals, axis=0, return_inverse=True)
    chances, p_values = _fisher(tables)
    p = p_values[table.ravel(), patterns[:, 1].astype(int)][at]
    num_alike = np.bincount(table.ravel()[at])[:, None] * chances
    order = np.argsort(p_values, axis=None)
    below = np.append(0.0, np.cumsum(num_alike.ravel()[order]))
    expected = below[np.searchsorted(p_values.ravel()[order], p * (1 + _SAME), side="right")]
    ranks = np.searchsorted(np.sort(p), p * (1 + _SAME), side="right")
    level = np.maximum(expected / ranks, p)
    by_p = np.argsort(p)
    level[by_p] = np.minimum.accumulate(level[by_p][::-1])[::-1]
    return RateChanges(p, np.minimum(level / np.maximum(1 - level, 0.5), 1.0))


def p_beyond_rate(pair: PairedCounts, least: float) -> _Floats:
    """Two-sided p-values [K] that the rates of an item differ by ``least`` at most, in [0, 1).

    The chances of so few right ones of the lower model and so many of the other are put
    together by their product (Fisher 1925), at the rates ``least`` apart that make them likeliest. That is
    valid for any numbers of rollouts.
    """
    from scipy.special import betainc, xlogy

    lower = np.linspace(0, 1 - least, _NUISANCES)[1:-1]
    patterns, at = np.unique(_whole(pair), axis=0, return_inverse=True)
    p = np.ones(len(patterns))
    for n, c, m, d in (patterns.T, patterns.T[[2, 3, 0, 1]]):
        with np.errstate(invalid="ignore"):
            few = np.where((c < n)[:, None], betainc((n - c)[:, None], (c + 1)[:, None], 1 - lower), 1.0)
            many = np.where((d > 0)[:, None], betainc(d[:, None], (m - d + 1)[:, None], lower + least), 1.0)
        both = (few * many).max(axis=1)
        p = np.minimum(p, 2 * (both - xlogy(both, both)))
    return np.asarray(p[at.ravel()])


def _whole(pair: PairedCounts) -> _Floats:
    """Counts [K, 4], right ones that are fractions rounded towards the rate of the other model."""
    a, b = pair.rates
    right = (
        np.where(mine < other, np.ceil(c), np.floor(c))
        for c, mine, other in ((pair.right_a, a, b), (pair.right_b, b, a))
    )
    ours, theirs = right
    return np.stack([pair.trials_a, ours, pair.trials_b, theirs], axis=1)


def _fisher(tables: _Floats) -> tuple[_Floats, _Floats]:
    """Of numbers of rollouts of A and B and right ones of both [T, 3]: each count of A's, [T, N + 1].

    Its chance where rates are the same, and Fisher's two-sided p-value; chance 0 where it cannot be.
    """
    from scipy.special import gammaln

    def log_ways(n: _Floats, c: _Floats) -> _Floats:
        possible = (c >= 0) & (c <= n)
        within = np.where(possible, c, 0)
        ways = gammaln(n + 1) - gammaln(within + 1) - gammaln(n - within + 1)
        return np.where(possible, ways, -np.inf)

    ours, theirs, right = tables.T[:, :, None]
    count = np.arange(ours.max() + 1)[None]
    logs = log_ways(ours, count) + log_ways(theirs, right - count)
    chances = np.exp(logs - logs.max(axis=1, keepdims=True))
    chances /= chances.sum(axis=1, keepdims=True)
    order = np.argsort(chances, axis=1)
    ascending = np.take_along_axis(chances, order, axis=1)
    sums = np.cumsum(ascending, axis=1)
    # counts that are as likely count together
    p_values = np.empty_like(sums)
    for row, (likely, sum_) in enumerate(zip(ascending, sums, strict=True)):
        last = np.searchsorted(likely, likely * (1 + _SAME), side="right") - 1
        p_values[row, order[row]] = np.minimum(sum_[last], 1.0)
    return chances, p_values
