"""Groups of examples that are harder than the rest at equal class, with intervals and errors of many held.

Effects are coefficients of least squares after the class is taken out (Frisch and Waugh 1933, Lovell 1963).
Their variance is over examples and trials, crossed (Cameron, Gelbach and Miller 2011, "Robust inference with
multiway clustering"), and many are tested by the largest statistic of permutations (Westfall and Young 1993,
"Resampling-based multiple testing"), each divided by its robust error (DiCiccio and Romano 2017).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from easiness.errors import BadInput
from easiness.lazy import Array, Floats, Integers, Mask, Reals, Singles, sparse, special

BINS = 4
MOST_PAIRS = 500
POWER, ALPHA = 0.8, 0.05
_FEWEST = 5.0  # examples, or clusters, that a statistic is worth anything of
_EDGE = 0.01  # how near to 0 and to 1 means are taken to be, for their variance
_FLOOR = 0.25  # of the variance where a mean is at its edge
_CELLS = 2_000_000  # numbers of a matrix that is worked on at once
_STREAM = 0x736C6963  # keeps the random numbers here apart from others of the same seed


@dataclass(frozen=True, eq=False)
class Slice:
    """A hypothesis: examples that may be harder than the rest.

    ``weights`` [K] are 1 for examples of the slice and 0 for others; of a ``slope`` ranks, whose mean is 0
    and which span 1 from the lowest to the highest, 0 where the value is missing. ``within`` has the
    positions of the two slices that a pair adds to.
    """

    column: str
    value: str
    weights: Floats
    within: tuple[int, ...] = ()


@dataclass(frozen=True, eq=False)
class SliceEffects:
    """Arrays [S] in the order of the slices.

    ``examples`` are how many each has (of a slope, those with a value). ``effect`` is how much harder it is
    than the rest, from ``low`` to ``high`` in 95 of 100; NaN where nothing is left of it beside class and
    other columns. ``p_adjusted`` holds over all slices, ``least`` is the least effect that is named in
    80 of 100, and ``is_named`` says where p_adjusted is at most 0.05.
    """

    examples: Integers
    effect: Floats
    low: Floats
    high: Floats
    p_adjusted: Floats
    least: Floats
    is_named: Mask


def make_slices(
    columns: Mapping[str, Array], *, least: int = 20, most_values: int = 50, pairs: bool = True
) -> list[Slice]:
    """Slices by each column's values, then pairs of them.

    Text and objects are categories: a slice for each of the ``most_values`` that are most frequent, one alone
    where there are two. Numbers are cut at quantiles into at most four bins, equal ones together, and have a
    slope where they have more than two bins. A slice has ``least`` examples and leaves as many to the rest.
    A pair is of two columns and needs ``least`` examples with both, each and neither of its values; of more
    than 500 those stay that can be told best, by the harmonic mean of the four counts. No outcome is used.

    Args:
        columns: values [K] by the column's name; missing are None, "" and NaN.
        least: examples of a slice.
        most_values: slices of a column of categories.
        pairs: whether to have them.
    """
    single: list[Slice] = []
    for column, values in columns.items():
        make = _of_numbers if values.dtype.kind in "fiu" else _of_categories
        single += make(column, values, least, most_values)
    return single + (_pairs(single, least) if pairs else [])


def _of_categories(column: str, values: Array, least: int, most: int) -> list[Slice]:
    names = np.array(["" if one is None or one != one else str(one) for one in values], dtype=object)
    found, at, sizes = np.unique(names, return_inverse=True, return_counts=True)
    order = [int(one) for one in np.argsort(-sizes, kind="stable") if found[one]]
    if len(order) == 2 and sizes[order].sum() == len(values):
        order = order[1:]  # the other says the same
    return [
        Slice(column, found[one], (at == one).astype(np.float64))
        for one in order[:most]
        if least <= sizes[one] <= len(values) - least
    ]


def _of_numbers(column: str, values: Array, least: int, _: int) -> list[Slice]:
    there = np.isfinite(values)
    found, at, sizes = np.unique(values[there], return_inverse=True, return_counts=True)
    if len(found) < 2:
        return []
    middle = (np.cumsum(sizes) - sizes / 2) / sizes.sum()
    bins = np.unique((BINS * middle).astype(int), return_inverse=True)[1]
    slices, num_bins = [], int(bins.max()) + 1
    for one in range(num_bins if num_bins > 2 or not there.all() else 1):
        low, high = found[bins == one][[0, -1]]
        weights = np.zeros(len(values))
        weights[there] = bins[at] == one
        if num_bins > 1 and least <= weights.sum() <= len(values) - least:
            slices.append(Slice(column, f"{low:.5g}" if low == high else f"{low:.5g} to {high:.5g}", weights))
    if len(found) > 2 and there.sum() >= 2 * least:
        rank = np.cumsum(sizes) - (sizes - 1) / 2
        weights = np.zeros(len(values))
        weights[there] = ((rank - rank @ sizes / sizes.sum()) / (rank[-1] - rank[0]))[at]
        slices.append(Slice(column, "slope", weights))
    return slices


def _pairs(single: Sequence[Slice], least: int) -> list[Slice]:
    places = [place for place, one in enumerate(single) if one.value != "slope"]
    if not places:
        return []
    member = np.array([single[place].weights for place in places], np.float32)
    both, sizes = (member @ member.T).astype(float), member.sum(1)
    cells = np.stack(
        [both, sizes[:, None] - both, sizes - both, member.shape[1] - sizes[:, None] - sizes + both]
    )
    told = np.where(cells.min(0) >= max(least, 1), 1 / (1 / np.maximum(cells, 1)).sum(0), 0)
    columns = np.array([single[place].column for place in places])
    told[(columns[:, None] == columns) | np.tri(len(places), dtype=bool)] = 0
    best = np.argsort(-told, axis=None, kind="stable")[: min(MOST_PAIRS, int((told > 0).sum()))]
    pairs = []
    for first, second in zip(*np.unravel_index(np.sort(best), told.shape), strict=True):
        one, other = single[places[first]], single[places[second]]
        names = f"{one.column} x {other.column}", f"{one.value} x {other.value}"
        pairs.append(Slice(*names, one.weights * other.weights, (places[first], places[second])))
    return pairs


def slice_effects(
    values: Floats,
    slices: Sequence[Slice],
    strata: Integers,
    *,
    groups: Integers | None = None,
    adjust: Floats | None = None,
    seed: int = 0,
    permutations: int = 1000,
) -> SliceEffects:
    """How much harder each slice is than the rest, at equal class.

    An effect is the coefficient of the slice beside class and ``adjust``; of a pair beside both its slices
    too; of a slope the highest less the lowest by a line. The variance over examples is the larger of the
    robust one (with leverage taken out, HC2) and that of exchangeable examples, with the cells of ``groups``
    taken together; luck that a trial's examples share is added as far as trials show it. Values are bounded,
    so that variances change with the mean as m (1 - m) does: intervals are Wilson's (1927), turned to this.

    Residuals change places within classes in each permutation; with ``groups``, whole groups change signs.
    p-values are those of step-down max-T. Slices of fewer than five groups have an interval, and are never
    named.

    Args:
        values: how hard an example was in each trial [N, K], in 0..1; NaN where a trial does not judge it.
        slices: S of them, of K examples.
        strata: class of each example [K]; the same for all where there is none.
        groups: cluster of each example [K], as of one patient.
        adjust: other columns [K, A], finite.
        seed: of the permutations.
        permutations: their number; no p is below 1 / (permutations + 1).
    """
    if values.ndim != 2 or strata.shape != values.shape[1:]:
        raise BadInput(f"values {values.shape} and strata {strata.shape}: give values [N, K] and strata [K]")
    is_judged = ~np.isnan(values).all(0)
    of_examples = (one if one is None else one[is_judged] for one in (strata, groups, adjust))
    data = _Outcome(values[:, is_judged], *of_examples)
    weights = [np.asarray(one.weights, np.float64)[is_judged] for one in slices]
    step = max(_CELLS // max(len(data.y), 1), 1)
    parts = [
        _sums(data, slices, weights, range(len(slices))[at : at + step]) for at in range(0, len(slices), step)
    ]
    sums = _Sums(*(np.concatenate(one, axis=-1) for one in zip(*parts, strict=True)))
    luck = _pooled_luck(sums, [one.column for one in slices])
    variance, effect = sums.null + luck, sums.effect
    far = np.where(sums.units >= _FEWEST, np.abs(effect) / np.sqrt(variance), -np.inf)
    of_luck = sums.trials * np.divide(variance, luck, out=np.full(len(luck), 1e6), where=luck > 0) ** 2
    normal = -special.ndtri(special.stdtr(of_luck, -far))  # as unlikely, had trials no luck
    far = np.where(np.isfinite(normal), normal, far)
    chance = np.concatenate([sums.statistics(one) for one in data.permuted(seed, permutations)], axis=1)
    p_adjusted, critical = _step_down(far, chance)
    quantile = special.stdtrit(of_luck, special.ndtr(critical)) + special.ndtri(POWER)
    low, high = sums.ends(luck)
    return SliceEffects(
        examples=np.array([np.count_nonzero(one) for one in weights], np.int64),
        effect=effect,
        low=low,
        high=high,
        p_adjusted=p_adjusted,
        least=np.where(sums.units >= _FEWEST, quantile * np.sqrt(variance), np.nan),
        is_named=p_adjusted <= ALPHA,
    )


def _step_down(far: Floats, chance: Singles) -> tuple[Floats, float]:
    """Adjusted p-values [S] of statistics beside those [S, P] by chance, and the value that names the first."""
    order = np.argsort(-far, kind="stable")
    most = np.maximum.accumulate(chance[order[::-1]], axis=0)[::-1]
    p = np.ones(len(far))
    p[order] = np.maximum.accumulate((1 + (most >= far[order, None]).sum(1)) / (1 + most.shape[1]))
    return np.where(np.isfinite(far), p, 1), float(np.quantile(most[0], 1 - ALPHA))


def _pooled_luck(sums: _Sums, columns: Sequence[str]) -> Floats:
    """The variance [S] of trials' luck: a slice's own or, if more, that of its column's or of all slices.

    Few trials tell little of one slice's, and the least of many would be far too small. Slices count by what
    they tell where there is no luck.
    """
    tells = np.divide(1, sums.noise**2, out=np.zeros(len(columns)), where=sums.noise > 0)
    luck = np.maximum(sums.luck, 0)
    for at in (np.unique(columns, return_inverse=True)[1], np.zeros(len(columns), np.int64)):
        total = np.bincount(at, tells)
        mean = np.divide(np.bincount(at, tells * sums.luck), total, out=np.zeros(len(total)), where=total > 0)
        luck = np.maximum(luck, np.where(tells > 0, mean[at], 0))
    return luck


class _Outcome:
    """What class and other columns leave of how hard K examples are, ``y``, and how its parts vary."""

    def __init__(
        self, values: Floats, strata: Integers, groups: Integers | None, adjust: Floats | None
    ) -> None:
        self.strata, self.sizes = np.unique(strata, return_inverse=True, return_counts=True)[1:]
        self.classes = _indicator(self.strata)
        self.basis = np.empty((len(strata), 0))
        if adjust is not None and adjust.shape[1]:
            u, size, _ = np.linalg.svd(self.beside(adjust), full_matrices=False)
            self.basis = u[:, size > 1e-9 * np.sqrt((adjust**2).sum())]
        self.groups = None if groups is None else _indicator(np.unique(groups, return_inverse=True)[1])
        is_there = ~np.isnan(values.T)
        num = is_there.sum(1)
        raw = np.where(is_there, values.T, 0).sum(1) / num
        self.y = self.beside(raw[:, None])[:, 0]
        fit = raw - self.y
        self.judges = is_there / num[:, None]
        self.trials = np.where(is_there, values.T - fit[:, None], 0) / num[:, None]
        mean = np.clip(fit, _EDGE, 1 - _EDGE)
        self.bends = mean * (1 - mean), 1 - 2 * mean
        lost = 1 - self.basis.shape[1] / max(len(num), 1)
        by_class = np.bincount(self.strata, self.y**2) / np.maximum(self.sizes - 1, 1) / lost
        self.spread = by_class[self.strata]
        self.leverage = 1 / self.sizes[self.strata] + (self.basis**2).sum(1)
        self.alike = 0.0  # the covariance of two of a group
        if self.groups is not None:
            pairs = (self.groups @ np.ones(len(num))) ** 2
            both = ((self.groups @ self.y) ** 2).sum() - (self.y**2).sum()
            self.alike = max(both / max(pairs.sum() - len(num), 1), 0.0)

    def beside(self, columns: Floats) -> Floats:
        """What is left of columns [K, B]."""
        rest = columns - ((self.classes @ columns) / self.sizes[:, None])[self.strata]
        return np.asarray(rest - self.basis @ (self.basis.T @ rest))

    def by_group(self, columns: Floats) -> Floats:
        """Sums [U, B] of columns [K, B] over groups; columns as they are where there are none."""
        return columns if self.groups is None else np.asarray(self.groups @ columns)

    def permuted(self, seed: int, permutations: int) -> Iterator[Singles]:
        """What ``y``, or the signs of groups, could as well have been, [U, P] at a time."""
        step = max(5 * _CELLS // max(len(self.y), 1), 1)
        seeds = np.random.SeedSequence(seed, spawn_key=(_STREAM,)).spawn(-(-permutations // step))
        for at, one in enumerate(seeds):
            rng, num = np.random.default_rng(one), min(step, permutations - at * step)
            if self.groups is not None:
                yield rng.choice(np.array([-1, 1], np.float32), (self.groups.shape[0], num))
                continue
            y = np.empty((len(self.y), num))
            for place in range(len(self.sizes)):
                rows = np.flatnonzero(self.strata == place)
                y[rows] = rng.permuted(np.tile(self.y[rows], (num, 1)), axis=1).T
            yield (self.beside(y) if self.basis.shape[1] else y).astype(np.float32)


class _Sums(NamedTuple):
    """Sums over examples for S slices; in the first three by example or group, [U, S]."""

    once: Singles
    twice: Singles
    thrice: Singles
    four: Floats
    size: Floats
    bends: Floats  # [2, S]: how the variance changes with the effect and its square
    pooled: Floats  # variance of exchangeable examples
    effect: Floats
    units: Floats  # as many examples or groups tell as much, of equal weight
    null: Floats  # variance of the effect over examples, were it 0
    freedom: Floats
    luck: Floats  # variance over trials, less that of their noise
    noise: Floats
    trials: Floats  # degrees of freedom of luck

    def ends(self, luck: Floats) -> tuple[Floats, Floats]:
        """The effects [S] that are not too far from those measured."""
        freedom = (self.null + luck) ** 2 / (self.null**2 / self.freedom + luck**2 / self.trials)
        times = special.stdtrit(freedom, 1 - ALPHA / 2) ** 2
        b, (slope, bend) = self.effect, times * self.null * self.bends
        middle = (b + slope / 2) / (1 + bend)
        reach = np.sqrt(np.maximum(middle**2 - (b**2 - times * (self.null + luck)) / (1 + bend), 0))
        return np.minimum(middle - reach, b), np.maximum(middle + reach, b)

    def statistics(self, draws: Singles) -> Singles:
        """How far effects are from 0 in draws [U, P], in standard errors, [S, P]."""
        num = self.size.astype(np.float32)[:, None]
        b = self.once.T @ draws / num
        robust = self.twice.T @ draws**2 - 2 * b * (self.thrice.T @ draws)
        robust = (robust + b**2 * self.four.astype(np.float32)[:, None]) / num**2
        far = np.abs(b) / np.sqrt(_as_null(robust, b, self.bends, self.pooled))
        far[self.units < _FEWEST] = -np.inf
        return far


def _as_null(variance: Reals, effect: Reals, bends: Floats, pooled: Floats) -> Reals:
    """The variances [S, ...] were effects 0, and never below those of exchangeable examples."""
    slope, bend, least = (
        one.astype(effect.dtype).reshape(-1, *[1] * (effect.ndim - 1)) for one in (*bends, pooled)
    )
    return np.maximum(variance / np.maximum(1 + effect * (slope - effect * bend), _FLOOR), least)


def _indicator(of: Integers) -> Any:
    return sparse.csr_array((np.ones(len(of)), (of, np.arange(len(of)))))


def _sums(data: _Outcome, slices: Sequence[Slice], weights: Sequence[Floats], places: range) -> _Sums:
    w = data.beside(np.stack([weights[place] for place in places], axis=1))
    rest = np.repeat(data.y[:, None], len(places), axis=1)
    for column, place in enumerate(places):
        if slices[place].within:
            mains = np.linalg.qr(
                data.beside(np.stack([weights[one] for one in slices[place].within], axis=1))
            )[0]
            w[:, column] -= mains @ (mains.T @ w[:, column])
            rest[:, column] -= mains @ (mains.T @ rest[:, column])
    squares, fourth = w**2, (w**4).sum(0)
    size = squares.sum(0)
    is_left = size**2 > np.maximum(_FEWEST * fourth, 1e-12)
    size = np.where(is_left, size, np.nan)
    b = w.T @ data.y / size
    rest -= b * w
    share = data.by_group(squares) / size
    units = np.where(is_left, 1 / (share**2).sum(0), 0)
    leverage = share + data.leverage[:, None] if data.groups is None else share
    less = 1 / np.clip(1 - leverage, 0.05, 1)
    scores = data.by_group(w * rest)
    once = w if data.groups is None else scores + b * share * size
    robust, bends = (less * scores**2).sum(0) / size**2, _bends(data, w, squares, fourth)
    pooled = squares.T @ data.spread
    if data.groups is not None:
        pooled += data.alike * ((data.by_group(w) ** 2).sum(0) - size)
    pooled /= size**2
    null = _as_null(robust, b, bends, pooled)
    return _Sums(
        *(one.astype(np.float32) for one in (once, less * once**2, less * once * share * size)),
        (less * (share * size) ** 2).sum(0),
        size,
        bends,
        pooled,
        b,
        units,
        null,
        np.maximum(np.where(null > pooled, units, len(share)) - 1, 1),
        *_luck(data, w, b, (scores**2).sum(0)),
    )


def _bends(data, w, squares, fourth):
    curve, slope = data.bends
    whole = squares.T @ curve
    return np.stack([(squares * w).T @ slope, fourth]) / np.where(whole > 0, whole, np.inf)


def _luck(data: _Outcome, w: Floats, b: Floats, plain: Floats) -> tuple[Floats, Floats, Floats]:
    """Variances of effects ``b`` [S] over trials, of their noise, and degrees of freedom.

    Products of two examples (or groups) in a trial have a mean of 0 without luck, but for what taking out the
    mean takes from each, which is put back.
    """
    squares, size = w**2, (w**2).sum(0)
    by_trial = w.T @ data.trials - b[:, None] * (squares.T @ data.judges)
    own = np.zeros(len(b))
    for x, judges in zip(data.trials.T, data.judges.T, strict=True):
        own += (data.by_group(w * x[:, None] - b * squares * judges[:, None]) ** 2).sum(0)
    share = ((squares.T @ data.judges) ** 2).sum(1) / size**2
    several = np.where(share < 1 - 1e-9, 1 - share, np.inf)
    noise = (own - plain * share) / size**2 / several
    return (by_trial**2).sum(1) / size**2 / several - noise, noise, np.maximum(1 / share - 1, 1)
