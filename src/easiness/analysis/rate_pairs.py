"""Two models that answered the same items, each any number of times: what they have in common.

A rate is the probability that a model is right about an item; its rollouts are independent given the rate.
They may be of unequal numbers. Where they were stopped for what came before, likelihoods are the same, and so
is the agreement of true sets, but shares that are right are off. A score in [0, 1] is a part of a right one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from easiness.analysis import mixing
from easiness.analysis.mixing import POINTS_OF_TWO, MassFit, grid_places, ratio, shares_of_tail
from easiness.analysis.rates import Rates, fit_rates, likelihoods
from easiness.analysis.reliability import ANGLES, Agreement, in_one_order
from easiness.analysis.selection import select
from easiness.analysis.sides import SIDES, Side, num_selected
from easiness.analysis.tail_model import Interval
from easiness.lazy import Array, Floats, special, stats

_PARTS = 10  # of the items, left out in turn
_POINTS_OF_PARTS = 31  # of the grid where only the spread of fits is asked for
_FREE_STEPS = 1000  # of EM over the rollouts of an item
_UNLIKELIEST = 1e-40  # less takes long to reckon with
_FEWEST = 10  # items of a set
_SHARE_HELD = 0.35  # of a true set by the items likeliest in it: with less, its order is not known
_ERRORS_AT_CUT = 0.4  # in an item's rollouts: with fewer, those beyond the cut look as those before it
_ONE_ORDER = 2.0  # log odds of the same order for both to one correlation: models are alike often
_SHAPE_ERROR = 0.3  # over the rollouts: what few of them leave to where fits begin
_LIKELY_ENOUGH = 6.0  # log likelihood below the best at which the same order for both is not ruled out
_NUISANCES = 201  # rates of the lower model that are tried
_ERRORS_OF_TIES = 0.05  # in an item's rollouts: items with fewer may be never right, or never wrong
_LUMP = 0.5  # share of those of the items that look like them, from which on they are taken as ties
_ERROR_OF_TIES = 0.05  # of a rate where there are some: fits were seen to be off by as much
_SAME = 1e-9  # relative difference of chances that are the same
_Z95 = 1.959963984540054


class PairedCounts(NamedTuple):
    """Rollouts and right ones of models A and B, each [K] of the same items; right ones are in 0..rollouts.

    Each item has one rollout of either model at least.
    """

    trials_a: Floats
    right_a: Floats
    trials_b: Floats
    right_b: Floats

    @property
    def rates(self) -> tuple[Floats, Floats]:
        """The share that is right of each item [K], of A and of B."""
        return self.right_a / self.trials_a, self.right_b / self.trials_b


@dataclass(frozen=True, eq=False)
class _PatternFit(MassFit):
    """A mixture fitted to unlike items U instead of tables of counts: ``observed`` is [B, U]."""

    @classmethod
    def of_counts(cls, counts: Floats, observed: Floats, points: int) -> _PatternFit:
        """``counts`` [U, 4] are `PairedCounts` of each."""
        halves = [counts[:, :2].T, counts[:, 2:].T]
        places = grid_places(points)
        chances = [np.maximum(likelihoods(n, c, places), _UNLIKELIEST) for n, c in halves]
        observed = observed / observed.sum(axis=1, keepdims=True)
        num_steps = max(int(_FREE_STEPS / (observed[0] @ counts[:, ::2].sum(axis=1))), 1)
        return cls(observed, chances, [(c + 0.5) / (n + 1) for n, c in halves], num_steps)

    def roughly(self) -> _PatternFit:
        return self  # what many rollouts rule out is too small for single precision

    def starts(self) -> Floats:
        runs = [(np.argsort(levels), levels) for levels in self.counts]
        return np.array([[mixing.begin(one[at], levels[at]) for one in self.observed] for at, levels in runs])

    def expected(self, mass: Floats) -> Floats:
        ours, theirs = self.likelihoods
        return np.asarray(((ours @ mass) * theirs).sum(axis=-1))

    def gain(self, mass: Floats) -> Floats:
        ours, theirs = self.likelihoods
        return np.asarray(ours.T @ (ratio(self.observed, self.expected(mass))[..., None] * theirs))


def rate_agreements(
    pair: PairedCounts, fraction: float = 0.1, seed: int = 0, *, fits: Sequence[Rates] = ()
) -> dict[Side, Agreement]:
    """The overlap of the true sets of both models: the outer ``fraction`` of the items by rate, on each side.

    The distribution of the pair of rates is fitted by EM to binomials of the items' own numbers, as two
    groups of two normals, and as one order of items with the margins of either model and any correlation. The
    rate is the mean of what these say, by how likely each makes the counts. Its interval is made of how far
    they differ, of a jackknife over tenths of the items, which vary with their rollouts, and of what fits
    were seen to be off by with few rollouts. Where more items than the set hold are never right (or never
    wrong), as rollouts show, these are ties that the sets share. NaN with a reason where sets have fewer than
    ten items, or counts do not tell an order at their cut.

    ``tests/property/test_rate_pairs_simulated.py`` holds rates and intervals to the truth. ``seed`` is that
    of the tenths; ``fits`` are those of either model, where they are known.
    """
    num = len(pair.trials_a)
    if not _FEWEST <= num_selected(num, fraction) < num:
        return dict.fromkeys(SIDES, Agreement(reason=f"sets are of every item, or of fewer than {_FEWEST}"))
    fits = fits or (fit_rates(*pair[:2]), fit_rates(*pair[2:]))
    least = {
        side: [_least_told(rates, n, fraction, side) for rates, n in zip(fits, pair[::2], strict=True)]
        for side in SIDES
    }
    least = {side: ends for side, ends in least.items() if not any(map(math.isnan, ends))}
    agreements = {
        side: Agreement(reason=f"counts of a model hardly tell its {side} items apart") for side in SIDES
    }
    if least:
        agreements |= _agreements(pair, fraction, least, fits, np.random.default_rng(seed))
    return agreements


def _least_told(rates: Rates, trials: Floats, fraction: float, side: Side) -> float:
    """The share of errors below which items of the true set are taken as ties: as never right, or wrong.

    0 where trials tell the items at the cut from those. NaN where they do not, and most of the items that
    could be ties need not be, or where trials do not tell which items are in the set.
    """
    members, tail = rates.belongs(fraction, side), rates.tail(fraction, side)
    errors, population = rates.probability, rates.population
    if side == "easy":
        errors, population, tail = (1 - errors)[::-1], population[::-1], tail[::-1]
    trials_of_set = float(members @ trials / members.sum())
    least = _ERRORS_AT_CUT / trials_of_set
    if errors[np.flatnonzero(tail)[-1]] >= least:
        share_held = np.sort(members)[-num_selected(len(members), fraction) :].sum() / members.sum()
        return 0.0 if share_held >= _SHARE_HELD else math.nan
    of_ties = _ERRORS_OF_TIES / trials_of_set
    share_tied = population[errors < of_ties].sum() / population[errors < least].sum()
    return of_ties if share_tied >= _LUMP else math.nan


def _agreements(
    pair: PairedCounts,
    fraction: float,
    least: Mapping[Side, Sequence[float]],
    fits: Sequence[Rates],
    rng: np.random.Generator,
) -> dict[Side, Agreement]:
    patterns, at = np.unique(np.array(pair).T, axis=0, return_inverse=True)
    num, at = len(at), at.ravel()
    fit = _PatternFit.of_counts(patterns, np.bincount(at)[None].astype(float), POINTS_OF_TWO)
    groups = mixing.two_normals(fit)
    margins = [_coarse(rates.population) for rates in fits]
    orders = [in_one_order(margins, angle) for angle in (*np.linspace(*ANGLES), math.inf)]
    likely = num * np.array([fit.log_likelihood(mass[None]) for mass in (groups[0], *orders)])
    weights = special.softmax([*likely[:-1], likely[-1] + _ONE_ORDER])
    may_be_one = likely.max() - likely[-1] < _LIKELY_ENOUGH

    parts = rng.permutation(np.arange(num) % _PARTS)
    rest = np.array([np.bincount(at, parts != part, len(patterns)) for part in range(_PARTS)])
    smaller = _PatternFit.of_counts(patterns, rest, _POINTS_OF_PARTS)
    left = smaller.free(mixing.two_normals(smaller))
    few = _SHAPE_ERROR / min(float(n.mean()) for n in pair[::2])
    agreements = {}
    for side, ends in least.items():
        overlaps = [
            _overlaps(masses, fraction, side, ends) for masses in (fit.free(groups), np.array(orders), left)
        ]
        rates = np.concatenate(overlaps[:2])
        if not any(ends):
            rates[-1] = 1.0  # of the same order, whatever the grid makes of its cut
        rate = float(rates @ weights)
        between = 2 * math.sqrt(weights @ (rates - rate) ** 2)
        items = float(special.stdtrit(_PARTS - 1, 0.975)) * math.sqrt(
            (_PARTS - 1) * float(np.var(overlaps[2]))
        )
        reach = math.hypot(items, between, few, _ERROR_OF_TIES * any(ends))
        high = max(rate + reach, rates[-1] if may_be_one else 0.0)
        agreements[side] = Agreement(rate, max(rate - reach, 0.0), min(high, 1.0))
    return agreements


def _coarse(mass: Floats) -> Floats:
    """The masses on the grid of two runs, each shared by the points that it lies between."""
    places = grid_places(POINTS_OF_TWO)
    away = np.abs(grid_places(len(mass))[:, None] - places) / (places[1] - places[0])
    return np.asarray(mass @ np.maximum(1 - away, 0))


def _overlaps(masses: Floats, fraction: float, side: Side, least: Sequence[float]) -> Floats:
    """The overlap by each of the ``masses`` [B, G, G], where items with ``least`` errors at most are ties."""
    errors = special.ndtr(grid_places(masses.shape[1]))
    if side == "easy":  # the grid is symmetric
        masses = masses[:, ::-1, ::-1]
    for axis, end in enumerate(least, 1):
        num = max(int(np.count_nonzero(errors <= end)), 1)
        masses = np.add.reduceat(masses, [0, *range(num, len(errors))], axis=axis)
    tails = [[shares_of_tail(one, fraction, "hard") for one in masses.sum(axis=axis)] for axis in (2, 1)]
    both = np.einsum("bi,bij,bj->b", tails[0], masses, tails[1])
    return np.asarray(np.minimum(both / fraction, 1))


def match_rates(pair: PairedCounts, side: Side, fraction: float = 0.1) -> Interval:
    """The matching rate of the outer ``fraction`` of the items by rate, as counted, ties at the cut shared.

    Chance is the fraction. The interval of 95 % is Wilson's (1927) for k items: for others of the same kind.
    """
    ours, theirs = (select(rates, fraction, side) for rates in pair.rates)
    k = num_selected(len(ours), fraction)
    rate = min(float(ours @ theirs) / k, 1.0)
    centre, total = rate + _Z95**2 / (2 * k), 1 + _Z95**2 / k
    reach = _Z95 * math.sqrt(rate * (1 - rate) / k + (_Z95 / (2 * k)) ** 2)
    return Interval(rate, max((centre - reach) / total, 0.0), min((centre + reach) / total, 1.0))


@dataclass(frozen=True)
class AnswerAgreement:
    """How often an answer of A and one of B are both right or both wrong, beside what accuracies make of it.

    ``kappa`` is how far beyond chance that is, at most 1 (error consistency: Geirhos, Meding and Wichmann
    2020); None where chance alone always agrees.
    """

    agreement: Interval
    chance: float
    kappa: Interval | None


def answer_agreement(pair: PairedCounts, groups: Array | None = None) -> AnswerAgreement:
    """The `AnswerAgreement` of one random rollout each, with 95 % intervals over items or ``groups``."""
    a, b = pair.rates
    same = a * b + (1 - a) * (1 - b)
    accuracy, other = float(a.mean()), float(b.mean())
    chance = accuracy * other + (1 - accuracy) * (1 - other)
    agreement = mean_over_items(same, groups, 0.0)
    if chance >= 1:
        return AnswerAgreement(agreement, chance, None)
    value, of_chance = agreement.value, (2 * other - 1) * (a - accuracy) + (2 * accuracy - 1) * (b - other)
    change = (same - value) / (1 - chance) - of_chance * (1 - value) / (1 - chance) ** 2
    kappa = mean_over_items((value - chance) / (1 - chance) + change, groups)
    return AnswerAgreement(agreement, chance, kappa)


def mean_over_items(values: Floats, groups: Array | None = None, least: float = -1.0) -> Interval:
    """The mean of K values in ``least``..1 with its 95 % interval of Student's t, for other items asked anew.

    An item's value varies with its rollouts as well, so the spread over items holds both. ``groups`` [K] are
    clusters of items, such as questions on one text: whole groups then vary. Where hardly a value differs,
    the interval is that of one that differs by 1. NaN with one item or group.
    """
    mean = float(values.mean())
    rest = values - mean
    if groups is not None:
        rest = np.asarray(np.bincount(np.unique(groups, return_inverse=True)[1].ravel(), rest), np.float64)
    if len(rest) < 2:
        return Interval(mean, math.nan, math.nan)
    variance = len(rest) / (len(rest) - 1) * max(float(rest @ rest), 1.0)
    reach = float(special.stdtrit(len(rest) - 1, 0.975)) * math.sqrt(variance) / len(values)
    return Interval(mean, max(mean - reach, least), min(mean + reach, 1.0))


def rate_difference(pair: PairedCounts, groups: Array | None = None) -> Interval:
    """The mean rate of B less that of A, paired by item: `mean_over_items` of the differences."""
    a, b = pair.rates
    return mean_over_items(b - a, groups)


def rate_changes(pair: PairedCounts) -> tuple[Floats, Floats]:
    """Two-sided p-values [K] that an item's rates are the same, by Fisher's exact test, and adjusted for all.

    Few rollouts have few p-values, most of them large. So in the place of p times K, the number of items that
    Benjamini and Hochberg expect below p, is the one that the items' own distributions expect (Heyse 2011),
    with the correction by which the rate is shown to hold for independent items (Doehler, Durand and Roquain
    2018, step-up, their 1 - F bounded by 1 - p). Items that can never have a small p-value cost nothing.

    Right ones that are parts of scores are rounded towards the other model's rate: such tests are careful.
    """
    patterns, at = np.unique(_whole(pair), axis=0, return_inverse=True)
    totals = np.stack([patterns[:, 0], patterns[:, 2], patterns[:, 1] + patterns[:, 3]], axis=1)
    tables, table = np.unique(totals, axis=0, return_inverse=True)
    at, table = at.ravel(), table.ravel()
    chances, p_values = _fisher(tables)
    p = p_values[table, patterns[:, 1].astype(int)][at]
    num_alike = np.bincount(table[at])[:, None] * chances
    order = np.argsort(p_values, axis=None)
    below = np.append(0.0, np.cumsum(num_alike.ravel()[order]))
    least = p * (1 + _SAME)
    expected = below[np.searchsorted(p_values.ravel()[order], least, side="right")]
    level = np.maximum(expected / np.searchsorted(np.sort(p), least, side="right"), p)
    by_p = np.argsort(p)
    level[by_p] = np.minimum.accumulate(level[by_p][::-1])[::-1]
    return p, np.minimum(level / np.maximum(1 - level, 0.5), 1.0)


def p_beyond_rate(pair: PairedCounts, least: float) -> Floats:
    """Two-sided p-values [K] that the rates of an item differ by ``least`` at most, in [0, 1).

    The chances of so few right ones of the lower model and so many of the other are put
    together by their product (Fisher 1925), at the rates ``least`` apart that make them likeliest. It is
    valid for any numbers of rollouts.
    """
    lower = np.linspace(0, 1 - least, _NUISANCES)[1:-1]
    patterns, at = np.unique(_whole(pair), axis=0, return_inverse=True)
    p = np.ones(len(patterns))
    for n, c, m, d in (patterns.T, patterns.T[[2, 3, 0, 1]]):
        with np.errstate(invalid="ignore"):
            few = np.where(
                (c < n)[:, None], special.betainc((n - c)[:, None], (c + 1)[:, None], 1 - lower), 1.0
            )
            many = np.where(
                (d > 0)[:, None], special.betainc(d[:, None], (m - d + 1)[:, None], lower + least), 1.0
            )
        both = (few * many).max(axis=1)
        p = np.minimum(p, 2 * (both - special.xlogy(both, both)))
    return np.asarray(p[at.ravel()])


def _whole(pair: PairedCounts) -> Floats:
    """Counts [K, 4], right ones that are fractions rounded towards the rate of the other model."""
    a, b = pair.rates
    right = (
        np.where(mine < other, np.ceil(c), np.floor(c))
        for c, mine, other in ((pair.right_a, a, b), (pair.right_b, b, a))
    )
    ours, theirs = right
    return np.stack([pair.trials_a, ours, pair.trials_b, theirs], axis=1)


def _fisher(tables: Floats) -> tuple[Floats, Floats]:
    """The chance of each count of A's where rates are the same, and Fisher's two-sided p-value: [T, N + 1].

    ``tables`` [T, 3] have the rollouts of A and of B, and the right ones of both.
    """
    ours, theirs, right = tables.T[:, :, None]
    chances = stats.hypergeom.pmf(np.arange(ours.max() + 1), ours + theirs, ours, right)
    p_values = np.empty_like(chances)
    for row, likely in enumerate(chances):
        ascending = np.sort(likely)  # counts that are as likely count together
        last = np.searchsorted(ascending, likely * (1 + _SAME), side="right") - 1
        p_values[row] = np.minimum(np.cumsum(ascending)[last], 1.0)
    return chances, p_values
