"""Groups of examples that are harder than the rest at equal class, with intervals and errors of many held.

Effects are coefficients of least squares after the class is taken out (Frisch and Waugh 1933, Lovell 1963).
Their variance is over examples and trials, crossed (Cameron, Gelbach and Miller 2011, "Robust inference with
multiway clustering"), and many are tested by the largest statistic of permutations (Westfall and Young 1993,
"Resampling-based multiple testing"), each divided by its robust error (DiCiccio and Romano 2017).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from easiness.errors import BadInput
from easiness.lazy import Array, Floats, Integers, Mask, Singles, sparse, special, stats

BINS = 4
MOST_PAIRS = 500
POWER = 0.8
LEVEL = 0.95
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
    judged = ~np.isnan(values).all(0)
    data = _Outcome(
        values[:, judged], *(one if one is None else one[judged] for one in (strata, groups, adjust))
    )
    size = max(_CELLS // max(len(data.strata), 1), 1)
    blocks = [
        _Block(data, slices, at, judged)
        for at in range(0, len(slices), size)
        for at in [slice(at, at + size)]
    ]
    effect, null, luck, freedom, is_told = (
        np.concatenate([getattr(one, name) for one in blocks])
        for name in ("effect", "null", "luck", "freedom", "is_told")
    )
    error = np.sqrt(null + luck)
    of_luck = freedom * np.divide(null + luck, luck, out=np.full(len(luck), 1e6), where=luck > 0) ** 2
    far = np.where(is_told, np.abs(effect) / np.where(error > 0, error, np.inf), -np.inf)
    normal = -special.ndtri(special.stdtr(of_luck, -far))  # with as little chance to be as large
    far = np.where(np.isfinite(normal), normal, far)
    chance = [
        np.concatenate([one.statistics(*draw) for one in blocks]) for draw in data.draws(seed, permutations)
    ]
    p_adjusted, critical = _step_down(far, np.concatenate(chance, axis=1))
    quantile = special.stdtrit(of_luck, special.ndtr(critical)) + special.ndtri(POWER)
    low, high = np.concatenate([one.ends() for one in blocks], axis=1)
    return SliceEffects(
        examples=np.array([int(np.count_nonzero(one.weights)) for one in slices], np.int64),
        effect=effect,
        low=low,
        high=high,
        p_adjusted=p_adjusted,
        least=np.where(is_told, quantile * error, np.nan),
        is_named=p_adjusted <= 1 - LEVEL,
    )


def _step_down(far: Floats, chance: Singles) -> tuple[Floats, float]:
    """The adjusted p-values [S] of statistics among those [S, P] by chance, and the value that names first."""
    order = np.argsort(-far, kind="stable")
    most = np.maximum.accumulate(chance[order[::-1]], axis=0)[::-1]
    num = 1 + most.shape[1]
    p = np.empty(len(far))
    p[order] = np.maximum.accumulate((1 + (most >= far[order, None]).sum(1)) / num)
    return np.where(np.isfinite(far), p, 1.0), float(np.quantile(most[0], LEVEL)) if len(far) else math.nan


class _Outcome:
    """What examples that are judged [K] came to, and the part of it that class and other columns leave."""

    def __init__(
        self, values: Floats, strata: Integers, groups: Integers | None, adjust: Floats | None
    ) -> None:
        self.strata, self.sizes = np.unique(strata, return_inverse=True, return_counts=True)[1:]
        self.basis = np.empty((len(strata), 0))
        if adjust is not None and adjust.shape[1]:
            u, size, _ = np.linalg.svd(self.left(adjust), full_matrices=False)
            self.basis = u[:, size > 1e-9 * max(size[0], 1e-300)]
        self.groups = None if groups is None else _indicator(np.unique(groups, return_inverse=True)[1])
        there = ~np.isnan(values.T)
        num = there.sum(1)
        y = np.where(there, values.T, 0).sum(1) / num
        self.y = self.left(y[:, None])[:, 0]
        self.mean = np.clip(y - self.y, _EDGE, 1 - _EDGE)
        self.judges = there / num[:, None]  # [K, N]
        self.trials = np.where(there, values.T - (y - self.y)[:, None], 0) / num[:, None]
        squares = self.y**2 * len(y) / max(len(y) - self.basis.shape[1], 1)
        by_class = np.bincount(self.strata, squares) / np.maximum(self.sizes - 1, 1)
        self.spread = by_class[self.strata]
        self.alike = 0.0  # covariance of two of a group
        if self.groups is not None:
            sizes = (
                self.groups.sum(1).A1 if hasattr(self.groups.sum(1), "A1") else np.asarray(self.groups.sum(1))
            )
            together = ((self.groups @ self.y) ** 2).sum() - (self.y**2).sum()
            self.alike = max(together / max((sizes**2 - sizes).sum(), 1), 0.0)

    def left(self, columns: Floats) -> Floats:
        """What is left of columns [K, B] beside class and others."""
        means = (_indicator(self.strata) @ columns) / self.sizes[:, None]
        left = columns - means[self.strata]
        basis = getattr(self, "basis", np.empty((len(columns), 0)))
        return left - basis @ (basis.T @ left)

    def together(self, columns: Floats) -> Floats:
        """Sums over groups, or columns as they are where there are none."""
        return columns if self.groups is None else self.groups @ columns

    def draws(self, seed, permutations):
        rngs = np.random.SeedSequence(seed, spawn_key=(_STREAM,))
        size = max(10 * _CELLS // len(self.y), 1)
        for at in range(0, permutations, size):
            rng = np.random.default_rng(rngs.spawn(1)[0])
            num = min(size, permutations - at)
            if self.groups is not None:
                yield (rng.integers(0, 2, (self.groups.shape[0], num)).astype(np.float32) * 2 - 1,)
                continue
            r = np.empty((num, len(self.y)))
            for one in range(len(self.sizes)):
                at_class = np.flatnonzero(self.strata == one)
                r[:, at_class] = rng.permuted(np.tile(self.y[at_class], (num, 1)), axis=1)
            r = self.left(r.T) if self.basis.shape[1] else r.T
            yield (r.astype(np.float32),)


def _indicator(of: Integers):
    return sparse.csr_array((np.ones(len(of)), (of, np.arange(len(of)))))


class _Block:
    def __init__(self, data: _Outcome, slices, at, judged) -> None:
        self.data = data
        some = slices[at]
        w = data.left(np.stack([one.weights[judged] for one in some], 1))
        whole = (w**2).sum(0)
        r = data.y[:, None]
        if any(one.within for one in some):
            r = np.repeat(r, len(some), 1)
            for column, one in enumerate(some):
                if one.within:
                    mains = data.left(np.stack([slices[place].weights[judged] for place in one.within], 1))
                    q, _ = np.linalg.qr(mains)
                    w[:, column] -= q @ (q.T @ w[:, column])
                    r[:, column] -= q @ (q.T @ r[:, column])
        self.size = D = (w**2).sum(0)
        raw = np.array([(one.weights[judged] ** 2).sum() for one in some])
        with np.errstate(invalid="ignore", divide="ignore"):
            is_left = (D > 1e-6 * raw) & (D**2 >= _FEWEST * (w**4).sum(0))
            self.effect = np.where(is_left, w.T @ data.y / D, np.nan)
        self.size = D = np.where(is_left, D, 1)
        w[:, ~is_left] = 0
        b = np.where(is_left, self.effect, 0)
        self.w = w.astype(np.float32)
        parts = data.together(w**2)
        self.num = D**2 / np.where(is_left, (parts**2).sum(0), 1)
        self.is_told = is_left & (self.num >= _FEWEST)
        leverage = parts / D
        if data.groups is None:
            leverage = leverage + 1 / data.sizes[data.strata][:, None] + (data.basis**2).sum(1)[:, None]
        self.a = (1 / np.clip(1 - leverage, 0.05, 1)).astype(np.float32)
        self.m = np.stack(
            [
                (w**2 * (data.mean * (1 - data.mean))[:, None]).sum(0),
                (w**3 * (1 - 2 * data.mean)[:, None]).sum(0),
                (w**4).sum(0),
            ]
        )
        scores = data.together(w * (r - b * w))
        robust = (self.a * scores**2).sum(0) / D**2
        plain = (scores**2).sum(0) / D**2
        self.pooled = (w**2).T @ data.spread / D**2
        if data.groups is not None:
            self.pooled += data.alike * (((data.groups @ w) ** 2).sum(0) - (w**2).sum(0)) / D**2
        self.null = self.as_null(robust, b)
        self._luck(w, b, plain)

    def as_null(self, variance, effect):
        return np.maximum(
            variance / self.ratio(effect),
            self.pooled.astype(variance.dtype).reshape(-1, *[1] * (variance.ndim - 1)),
        )

    def ratio(self, b):
        shape = (3, -1) + (1,) * (b.ndim - 1)
        m = (
            np.where(self.m[0] > 0, self.m / np.where(self.m[0] > 0, self.m[0], 1), [[1], [0], [0]])
            .reshape(shape)
            .astype(b.dtype)
        )
        return np.maximum(1 + b * m[1] - b**2 * m[2], np.float32(_FLOOR))

    def _luck(self, w, b, plain):
        data, D = self.data, self.size
        x, j = data.trials, data.judges
        t = (w.T @ x - b[:, None] * ((w**2).T @ j)) / D[:, None]
        if data.groups is None:
            own = (
                (w**2).T @ (x**2).sum(1)
                - 2 * b * ((w**3).T @ (x * j).sum(1))
                + b**2 * ((w**4).T @ (j**2).sum(1))
            )
        else:
            own = sum(
                (data.together(w * x[:, [n]] - b * w**2 * j[:, [n]]) ** 2).sum(0) for n in range(x.shape[1])
            )
        g = (w**2).T @ j / D[:, None]
        g2 = (g**2).sum(1)
        room = 1 - g2
        luck = ((t**2).sum(1) - own / D**2 + plain * g2) / np.where(room > 1e-9, room, np.inf)
        self.luck = np.maximum(luck, 0)
        self.freedom = np.where(room > 1e-9, 1 / np.maximum(g2, 1e-9) - 1, 1)

    def ends(self):
        null, luck = self.null, self.luck
        num = (
            self.num
            if self.data.groups is None
            else np.where(self.null > self.pooled, self.num, len(self.data.sizes))
        )
        freedom = (null + luck) ** 2 / (
            null**2 / np.maximum(self.num - 1, 1) + luck**2 / self.freedom + 1e-300
        )
        c2 = special.stdtrit(freedom, 0.975) ** 2
        slope, bend = self.m[1:] / np.where(self.m[0] > 0, self.m[0], np.inf)
        b = self.effect
        lead = 1 + c2 * null * bend
        middle = (b + c2 * null * slope / 2) / lead
        reach = np.sqrt(np.maximum(middle**2 - (b**2 - c2 * (null + luck)) / lead, 0))
        return np.stack([np.minimum(middle - reach, b), np.maximum(middle + reach, b)])

    def statistics(self, r):
        w, a, D = self.w, self.a, self.size.astype(np.float32)[:, None]
        data = self.data
        if data.groups is None:
            b = (w.T @ r) / D
            wa = w * w * a
            v = wa.T @ (r * r) - 2 * b * ((wa * w).T @ r) + b**2 * (wa * w * w).sum(0)[:, None]
        else:
            s = data.together(self.w * data.y[:, None]).astype(np.float32)
            parts = data.together(self.w**2).astype(np.float32)
            b = (s.T @ r) / D
            v = (
                (a * s * s).sum(0)[:, None]
                - 2 * b * ((a * s * parts).T @ r)
                + b**2 * (a * parts * parts).sum(0)[:, None]
            )
        v = self.as_null(np.maximum(v, 0) / D**2, b)
        out = np.abs(b) / np.sqrt(np.where(v > 0, v, np.inf))
        out[~self.is_told] = -np.inf
        return out
