"""Which groups of examples are harder than the rest of their class, of many that are tested at once.

An effect is the coefficient of a slice beside the class (least squares, Frisch and Waugh 1933). Variances are
over examples and trials, crossed (Cameron, Gelbach and Miller 2011, "Robust inference with multiway
clustering"). The largest of many statistics is held against those of permutations (Westfall and Young 1993,
"Resampling-based multiple testing", algorithm 4.1), each over its robust error (DiCiccio and Romano 2017).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from easiness.lazy import Array, Floats, Integers, Mask, Singles, pd, sparse, special

ALPHA, POWER = 0.05, 0.8
BINS, MOST_PAIRS = 4, 500
_FEWEST = 5  # examples, or groups, for a statistic
_EDGE, _FLOOR = 0.01, 0.25  # means are no nearer to 0 and 1; a variance falls no further as they come there
_SURE = 1.64  # standard errors of a p-value of permutations, so that other seeds name the same
_OF_PAIRS = 0.2  # of the chance of an error: pairs are many, and must not hide single slices
_WORTH = 16.0  # trials that the luck of more slices counts for beside that of fewer
_AT_ONCE = 250  # permutations
_STREAM = 0x736C6963  # keeps the random numbers here apart from others of the same seed


@dataclass(frozen=True, eq=False)
class Slice:
    """A hypothesis: these examples are harder, or easier.

    ``weights`` [K] are 1 for examples of the slice and 0 for others; of a ``slope`` they are ranks with mean
    0, 1 from the lowest to the highest, and 0 where the value is missing. ``within`` has the positions of the
    two slices that a pair adds to.
    """

    column: str
    value: str
    weights: Floats
    within: tuple[int, ...] = ()

    @property
    def is_slope(self) -> bool:
        return self.value == "slope" and bool((self.weights < 0).any())  # a text may read so


@dataclass(frozen=True, eq=False)
class SliceEffects:
    """Arrays [S] in the order of the slices.

    ``examples`` counts those of a slice, of a slope those with another weight than 0. ``effect`` is in units
    of the values, -1..1, with ends ``low`` and ``high`` of 95 %; NaN where class and other columns leave
    nothing of the slice. ``p_adjusted`` holds for all slices together, ``least`` is the effect that has a
    chance of 80 % to be named, and ``is_named`` where p_adjusted is at most 0.05.
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
    """Slices of each column's values, then pairs of them; the values' easiness is not used.

    Columns of numbers are cut at quantiles into at most four bins, equal numbers together, and have a slope
    if more than two differ. Others have a slice for each of the ``most_values`` most frequent values; of two
    values that all have, the rarer alone. A slice, and the rest, has ``least`` examples. A pair is of two
    columns, and ``least`` examples have both values, either alone, and neither. The 500 pairs stay that tell
    most, by the harmonic mean of these four counts, the first where they are equal.

    Args:
        columns: values [K] by name; None, "" and NaN are missing.
        least: examples of a slice, at least 1.
        most_values: of a column.
        pairs: whether to have them.
    """
    single: list[Slice] = []
    for column, values in columns.items():
        is_number = values.dtype.kind in "fiu"
        names = _bins(values) if is_number else pd.Series(values).map(str, na_action="ignore")
        of = pd.Series(names, dtype=object).fillna("").to_numpy()
        texts, sizes = np.unique(of[of != ""], return_counts=True)
        order = np.argsort(-sizes, kind="stable")
        order = order[int(len(texts) == 2 and sizes.sum() == len(of)) : most_values]  # one says both
        enough = [texts[one] for one in order if least <= sizes[one] <= len(of) - least]
        single += [Slice(column, name, (of == name).astype(np.float64)) for name in enough]
        if is_number and len(np.unique(values[np.isfinite(values)])) > 2:
            ranks = pd.Series(values).rank()
            slope = (ranks - ranks.mean()) / (ranks.max() - ranks.min())
            single.append(Slice(column, "slope", np.array(slope.fillna(0), np.float64)))
    return single + (_pairs(single, least) if pairs and single else [])


def _bins(values: Array) -> list[str]:
    """The name of the bin of each number, as "12 to 40"; equal numbers have equal ranks."""
    numbers = pd.Series(values)
    bins = numbers.groupby(BINS * (numbers.rank() - 0.5) // numbers.count())
    ends = [bins.transform(one).map("{:.5g}".format) for one in ("min", "max")]
    names = [low if low == high else f"{low} to {high}" for low, high in zip(*ends, strict=True)]
    return ["" if number != number else name for number, name in zip(values, names, strict=True)]


def _pairs(single: Sequence[Slice], least: int) -> list[Slice]:
    member = np.array([one.weights * (not one.is_slope) for one in single], np.float32)
    both, size = member @ member.T, member.sum(1)
    cells = np.stack([both, size - both, size[:, None] - both, member.shape[1] - size - size[:, None] + both])
    tells = 1 / (1 / np.maximum(cells, 1)).sum(0)
    of = np.array([one.column for one in single])
    tells[(cells.min(0) < max(least, 1)) | (of[:, None] == of) | np.tri(len(of), dtype=bool)] = 0
    best = np.argsort(-tells, axis=None, kind="stable")[: min(MOST_PAIRS, np.count_nonzero(tells))]
    pairs = []
    for one, other in (divmod(at, len(of)) for at in np.sort(best).tolist()):
        a, b = single[one], single[other]
        names = f"{a.column} x {b.column}", f"{a.value} x {b.value}"
        pairs.append(Slice(*names, a.weights * b.weights, (one, other)))
    return pairs


@np.errstate(invalid="ignore", divide="ignore")
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
    """How much harder each slice is than the rest at equal class, and which of them by more than chance.

    A pair's effect is what it adds to both its slices, a slope's the highest less the lowest by a line. The
    variance over examples is the robust one, but no less than that of exchangeable examples, whole groups
    together; trials add the luck that examples share in them. Means in 0..1 have variances that go as
    m (1 - m): an interval has the effects that the one measured is not too far from, as Wilson's (1927) has.
    Permutations are of residuals within classes, or of the signs of whole groups (Kline and Santos 2012).
    Slices of fewer than five groups have an interval, and are never named.

    Args:
        values: how hard each example was in each trial [N, K], in 0..1; NaN where a trial does not judge it.
        slices: what is tested.
        strata: class of each example [K]; 0 for all where there is none.
        groups: cluster of each example [K], such as a patient.
        adjust: other columns [K, A] to hold equal, finite.
        seed: of the permutations.
        permutations: p is above 1 / permutations.
    """
    is_judged = ~np.isnan(values).all(0)
    beside = (one if one is None else one[is_judged] for one in (groups, adjust))
    data = _Outcome(values[:, is_judged], strata[is_judged], *beside)
    weights = np.reshape([one.weights for one in slices], (len(slices), len(strata)))[:, is_judged].T
    w, rest = data.beside_mains(weights, [one.within for one in slices])
    robust = _Robust.of(data, w, rest)
    effect = (w * rest).sum(0) / robust.size
    rest -= effect * w
    null = robust.as_null(((data.groups @ (w * rest)) ** 2).sum(0)[:, None], effect[:, None])[:, 0]
    luck, trials = _luck(data, w, effect, rest, [one.column for one in slices])
    error, is_told = np.sqrt(null + luck), robust.units >= _FEWEST
    far = np.where(is_told, np.abs(effect) / error, -np.inf)
    freedom = trials * np.where(luck > 0, error**2 / luck, 1e3) ** 2
    normal = -special.ndtri(special.stdtr(freedom, -far))  # as unlikely, had trials no luck
    chance = np.concatenate([robust.statistics(one) for one in data.draws(seed, permutations)], axis=1)
    chance = np.where(is_told[:, None], chance[:, :permutations], -np.inf)
    far = np.where(np.isfinite(normal), normal, far)
    p_adjusted, critical, are_pairs = (
        np.ones(len(slices)),
        far.copy(),
        np.array([*map(_is_pair, slices)], bool),
    )
    for some, part in ((are_pairs, _OF_PAIRS), (~are_pairs, 1 - _OF_PAIRS * are_pairs.any())):
        p_adjusted[some], critical[some] = _step_down(far[some], chance[some], part)
    least = (special.stdtrit(freedom, special.ndtr(critical)) + special.ndtri(POWER)) * error
    least[~is_told] = np.nan
    ends, examples = robust.ends(effect, null, luck, trials), np.count_nonzero(weights, axis=0)
    return SliceEffects(examples, effect, *ends, p_adjusted, least, p_adjusted <= ALPHA)


def _is_pair(one: Slice) -> bool:
    return bool(one.within)


def _step_down(far: Floats, chance: Singles, part: float) -> tuple[Floats, float]:
    """Adjusted p-values [S] of statistics beside those [S, P] by chance, and the one that is just named.

    They have a ``part`` of the chance of an error.
    """
    order, num = np.argsort(-far, kind="stable"), chance.shape[1]
    most = np.maximum.accumulate(chance[order[::-1]], axis=0)[::-1]
    p = np.arange(1, num + 2) / (num + 1)  # by how many of them are as large
    p = np.minimum((p + _SURE * np.sqrt(p * (1 - p) / num)) / part, 1)
    of_all = np.ones(len(far))
    of_all[order] = np.maximum.accumulate(p[(most >= far[order, None]).sum(1)])
    largest = np.append(np.inf, np.sort(most[:1].max(0, initial=-np.inf))[::-1])
    return np.where(np.isfinite(far), of_all, 1), float(largest[np.count_nonzero(p <= ALPHA)])


def _luck(data: _Outcome, w: Floats, effect: Floats, rest: Floats, of: list[str]) -> tuple[Floats, Floats]:
    """The variance of effects [S] by luck that examples share in a trial, and its degrees of freedom.

    It is the sum over trials of products of two examples, whose mean is 0 without luck once what their common
    mean takes from it is put back. Few trials tell little of one slice: its own is drawn to its column's,
    and that to all slices', each as if these were `_WORTH` trials more. None is below that of all.
    """
    squares, size = w**2, (w**2).sum(0)
    by_judge = squares.T @ data.judges
    by_trial = ((w.T @ data.trials - effect[:, None] * by_judge) ** 2).sum(1)
    own = squares.T @ (data.trials**2).sum(1) + effect**2 * ((squares**2).T @ (data.judges**2).sum(1))
    own -= 2 * effect * ((squares * w).T @ (data.trials * data.judges).sum(1))
    share = (by_judge**2).sum(1) / size**2
    several = np.where(share < 1 - 1e-9, size**2 * (1 - share), np.inf)  # of one trial nothing is told
    noise = (own - share * (squares * rest**2).sum(0)) / several
    alone = np.nan_to_num(by_trial / several - noise)
    tells, freedom = np.where(noise > 0, 1 / noise**2, 0), np.maximum(1 / share - 1, 1)
    column = np.unique(of, return_inverse=True)[1]
    means = np.bincount(column, tells * alone) / np.maximum(np.bincount(column, tells), 1e-300)
    least = max(float(tells @ alone) / max(float(tells.sum()), 1e-300), 0.0)
    luck, trials = np.full(len(of), least), freedom * np.bincount(column)[column]
    for own, num in ((means[column], trials), (alone, freedom)):
        luck = np.maximum((num * own + _WORTH * luck) / (num + _WORTH), luck)
    return np.where(tells > 0, luck, np.maximum(alone, 0)), freedom


class _Outcome:
    """How hard K examples are beside class and other columns, ``y``, and what trials add to that."""

    def __init__(self, values: Floats, strata: Array, groups: Array | None, adjust: Array | None) -> None:
        self.classes, self.basis = _indicator(strata), np.zeros((len(strata), 0))
        if adjust is not None:
            u, size, _ = np.linalg.svd(self.beside(adjust), full_matrices=False)
            self.basis = u[:, size > 1e-9 * np.sqrt((adjust**2).sum())]
        is_there = ~np.isnan(values.T)
        self.judges = is_there / is_there.sum(1, keepdims=True)
        values = np.where(is_there, values.T, 0)
        raw = (values * self.judges).sum(1)
        self.y = self.beside(raw[:, None])[:, 0]
        self.trials = (values - (raw - self.y)[:, None]) * self.judges
        self.raw = raw
        self.spread = self.classes.T @ ((self.classes @ self.y**2) / np.maximum(self.classes.sum(1) - 1, 1))
        self.is_grouped = groups is not None
        self.groups = _indicator(np.arange(len(strata)) if groups is None else groups)
        num_pairs = (self.groups.sum(1) ** 2).sum() - len(strata)
        pairs = ((self.groups @ self.y) ** 2).sum() - (self.y**2).sum()
        self.alike = max(pairs / max(num_pairs, 1), 0)  # the covariance of two of a group

    def beside(self, columns: Floats) -> Floats:
        """The rest of columns [K, B] beside class and others."""
        rest = columns - self.classes.T @ (self.classes @ columns / self.classes.sum(1)[:, None])
        return np.asarray(rest - self.basis @ (self.basis.T @ rest))

    def beside_mains(self, weights: Floats, within: Sequence[tuple[int, ...]]) -> tuple[Floats, Floats]:
        """The rest of weights [K, S], and of ``y`` for each, beside the slices that a pair adds to too."""
        w, rest = self.beside(weights), np.repeat(self.y[:, None], len(within), axis=1)
        for at in (at for at, mains in enumerate(within) if mains):
            mains, both = w[:, list(within[at])], np.stack([w[:, at], rest[:, at]], axis=1)
            w[:, at], rest[:, at] = (both - mains @ np.linalg.lstsq(mains, both)[0]).T
        return w, rest

    def draws(self, seed: int, permutations: int) -> Iterator[Singles]:
        """Values as good as ``y`` [K, P] by chance, some at a time; where there are groups, signs [U, P]."""
        for one in np.random.SeedSequence(seed, spawn_key=(_STREAM,)).spawn(-(-permutations // _AT_ONCE)):
            rng, y = np.random.default_rng(one), np.empty((_AT_ONCE, len(self.y)))
            if self.is_grouped:
                yield rng.choice(np.array([-1, 1], np.float32), (self.groups.shape[0], _AT_ONCE))
                continue
            for rows in np.split(self.classes.indices, self.classes.indptr[1:-1]):
                y[:, rows] = rng.permuted(np.tile(self.y[rows], (_AT_ONCE, 1)), axis=1)
            yield (self.beside(y.T) if self.basis.size else y.T).astype(np.float32)


def _indicator(of: Integers) -> Any:
    """The matrix [U, K] of which value each has."""
    at = np.unique(of, return_inverse=True)[1]
    return sparse.csr_array((np.ones(len(at)), (at, np.arange(len(at)))))


class _Robust(NamedTuple):
    """Sums that variances of S slices' effects are made of, by example or group [U, S] or in all [S]."""

    once: Singles
    parts: Singles
    size: Floats
    units: Floats  # as many of equal weight tell as much
    bends: Floats  # [2, S]: of the variance with the effect, and with its square
    pooled: Floats  # variance of exchangeable examples

    @classmethod
    def of(cls, data: _Outcome, w: Floats, rest: Floats) -> _Robust:
        squares, lean = w**2, data.raw[:, None] - rest  # as class, others and both slices of a pair foretell
        parts, size = data.groups @ squares, squares.sum(0)
        is_left = size**2 > np.maximum(_FEWEST * (squares**2).sum(0), 1e-12)
        size = np.where(is_left, size, np.nan)
        once = data.groups @ (w * (data.y[:, None] if data.is_grouped else 1))
        lean = 1 - 2 * np.clip(lean, _EDGE, 1 - _EDGE, out=lean)
        bends = np.stack(
            [np.einsum("us,us,us->s", squares, w, lean), np.einsum("us,us->s", squares, squares)]
        )
        bends *= 4 / (squares.sum(0) - np.einsum("us,us,us->s", squares, lean, lean))  # m (1 - m)
        pooled = squares.T @ data.spread + data.alike * (((data.groups @ w) ** 2).sum(0) - size)
        units = np.where(is_left, size**2 / (parts**2).sum(0), 0)
        return cls(once.astype(np.float32), parts.astype(np.float32), size, units, bends, pooled / size**2)

    def as_null(self, squares: Floats, effect: Floats) -> Floats:
        """Variances [S, P] were effects 0, of sums of squared scores and effects."""
        arrays = self.size, self.units, *self.bends, self.pooled
        size, units, slope, bend, pooled = (one[:, None] for one in arrays)
        bent = np.maximum(1 + effect * (slope - effect * bend), _FLOOR)
        return np.asarray(np.maximum(squares / bent / size**2 / (1 - 1 / units), pooled))

    def ends(self, effect: Floats, null: Floats, luck: Floats, trials: Floats) -> tuple[Floats, Floats]:
        """The least and the largest effects that the one measured is not too far from."""
        units = np.where(null > self.pooled, self.units, len(self.parts))
        freedom = (null + luck) ** 2 / (null**2 / np.maximum(units - 1, 1) + luck**2 / trials)
        times = special.stdtrit(freedom, 1 - ALPHA / 2) ** 2
        slope, bend = times * null * self.bends
        middle = (effect + slope / 2) / (1 + bend)
        reach = np.sqrt(np.maximum(middle**2 - (effect**2 - times * (null + luck)) / (1 + bend), 0))
        return np.minimum(middle - reach, effect), np.maximum(middle + reach, effect)

    def statistics(self, draws: Singles) -> Singles:
        """How far from 0 effects are in draws [U, P], in standard errors, [S, P]."""
        once, parts = self.once, self.parts
        effect = np.asarray(once.T @ draws, np.float64) / self.size[:, None]
        squares = (once**2).T @ draws**2 - 2 * effect * ((once * parts).T @ draws)
        squares = np.asarray(squares + effect**2 * (parts**2).sum(0)[:, None], np.float64)
        return np.asarray(np.abs(effect) / np.sqrt(self.as_null(squares, effect)), np.float32)
