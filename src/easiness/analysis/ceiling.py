"""Matching rates between groups of trials of equal size: the noise ceiling, and what is compared with it."""

from __future__ import annotations

import functools
import math
import statistics
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
import numpy.typing as npt

from easiness.analysis.matching import Rule
from easiness.analysis.votes import Votes, check_same_examples
from easiness.errors import BadInput

MIN_GROUP = 5
"""Trials a group needs before a matching rate decides anything: with fewer, the levels decide."""

_Pair = tuple[tuple[int, ...], tuple[int, ...]]


@dataclass(frozen=True)
class Splits:
    """Pairs of disjoint groups of h trials each: positions [S, h] among A's trials and among B's."""

    a: npt.NDArray[np.int64]
    b: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.a)

    def resampled(self, num: int, rng: np.random.Generator) -> Splits:
        """``num`` bootstrap replicates: a random pair each, with h trials of each group drawn anew."""
        pick = rng.integers(len(self), size=num)
        a, b = self.a[pick], self.b[pick]
        draws_a, draws_b = rng.integers(a.shape[1], size=(2, *a.shape))
        return Splits(np.take_along_axis(a, draws_a, 1), np.take_along_axis(b, draws_b, 1))


def disjoint_splits(a: Votes, b: Votes, group_size: int, *, max_splits: int, seed: int) -> Splits:
    """All choices of two disjoint groups of trials, or ``max_splits`` distinct random ones if there are more.

    Of one run (``a is b``) the groups are two disjoint subsets of its trials, each pair of subsets once. Of
    two runs no trial in the second group has the index of one in the first. Trials of one index and one
    seed see the examples in one order, so they are not independent.
    """
    index_a, index_b = tuple(a.trial_indices.tolist()), tuple(b.trial_indices.tolist())
    return _splits(index_a, index_b, group_size, a is b, max_splits, seed)


@functools.lru_cache(maxsize=256)  # a run has the same groups after every epoch and on both sides
def _splits(
    trials_a: tuple[int, ...],
    trials_b: tuple[int, ...],
    group_size: int,
    same: bool,
    max_splits: int,
    seed: int,
) -> Splits:
    rng = np.random.default_rng(np.random.SeedSequence(seed).spawn(2)[0])
    index_a, index_b = np.array(trials_a), np.array(trials_b)
    found: dict[_Pair, None] = {}  # a set that keeps its order
    if _num_splits(index_a, index_b, group_size, same=same) <= max_splits:
        for first in combinations(range(len(index_a)), group_size):
            rest = np.flatnonzero(~np.isin(index_b, index_a[list(first)]))
            for second in combinations(rest.tolist(), group_size):
                found[_canonical(first, second, same=same)] = None
    else:
        while len(found) < max_splits:
            some = np.sort(rng.choice(len(index_a), group_size, replace=False))
            rest = np.flatnonzero(~np.isin(index_b, index_a[some]))
            others = np.sort(rng.choice(rest, group_size, replace=False))
            found[_canonical(tuple(some.tolist()), tuple(others.tolist()), same=same)] = None
    return Splits(np.array([s[0] for s in found]), np.array([s[1] for s in found]))


def _canonical(first: tuple[int, ...], second: tuple[int, ...], *, same: bool) -> _Pair:
    return (second, first) if same and second < first else (first, second)


def _num_splits(
    index_a: npt.NDArray[np.int64], index_b: npt.NDArray[np.int64], group_size: int, *, same: bool
) -> int:
    """The number of choices, summed over how many (j) of the first group's indices are in both runs."""
    num_a, num_b, h = len(index_a), len(index_b), group_size
    shared = len(np.intersect1d(index_a, index_b))
    total = sum(
        math.comb(shared, j) * math.comb(num_a - shared, h - j) * math.comb(num_b - j, h)
        for j in range(min(shared, h) + 1)
    )
    return total // 2 if same else total


@dataclass(frozen=True)
class GroupMatch:
    """The matching rate between groups of ``group_size`` trials, averaged over ``num_splits`` choices.

    ``rate``, ``chance``, ``class_chance``, ``tie_mass`` and ``sizes`` are means over the choices, as in
    `Match`; ``num_empty`` choices gave an empty set (under ``strict``) and do not enter rate and
    class_chance, which are NaN if no choice is left. ``interval`` is the 95 % bootstrap interval with
    ``bias``, the mean of the replicates less the rate, taken off (NaN without replicates). ``decided``
    is whether the groups have at least `MIN_GROUP` trials. ``replicates`` [R] are the rates of the bootstrap,
    their bias not taken off.
    """

    rate: float
    group_size: int
    num_splits: int
    num_empty: int
    interval: tuple[float, float]
    bias: float
    chance: float
    class_chance: float
    tie_mass: tuple[float, float]
    sizes: tuple[float, float]
    decided: bool
    replicates: npt.NDArray[np.float64] = field(
        default_factory=lambda: np.empty(0), compare=False, repr=False
    )


def mean_defined(values: Iterable[float]) -> float:
    """Mean of the values that are not NaN, rounded once, so that equal values keep theirs; NaN if none."""
    defined = [v for v in values if not math.isnan(v)]
    if not defined:
        return math.nan
    first = defined[0]  # of equal values, as sizes and chance mostly are, the mean is known
    return first if defined.count(first) == len(defined) else statistics.mean(defined)


def match_groups(
    a: Votes,
    b: Votes,
    rule: Rule = Rule(),
    *,
    group_size: int | None = None,
    max_splits: int = 100,
    num_replicates: int = 200,
    by_class: bool = True,
) -> GroupMatch | None:
    """Match groups of h trials of ``a`` with groups of h trials of ``b``; ``a is b`` gives the noise ceiling.

    h = min(n_a, n_b) // 2 unless ``group_size`` asks for fewer, and None where that is 0: one trial has
    no ceiling. The rate is averaged over all choices of disjoint groups (see `disjoint_splits`), or over
    ``max_splits`` random ones, of the sets that ``rule`` selects. Read a rate beside the ceilings at its
    own h.

    The interval is a bootstrap over trials within disjoint groups: each replicate takes one of the
    choices and draws h trials with replacement in both groups. Repeating trials adds ties and so moves
    the rate; the interval is the 2.5 to 97.5 percentiles, shifted back by that bias and kept in [0, 1].
    Groups and replicates depend on the indices of the trials, whether ``a is b``, the numbers and the seed
    alone: replicate r of one comparison and replicate r of another one of the same trials are of the same
    trials, and their rates can be subtracted. The interval is approximate: in simulated runs of 4 to 20
    trials it held the true rate 88 to 99 times in 100 under ``expected`` and ``refine``, less often under
    ``strict``. Without ``by_class`` the class chance, which takes longest, is NaN.
    """
    check_same_examples(a, b)
    largest = min(a.num_trials, b.num_trials) // 2
    if largest == 0:
        return None
    h = largest if group_size is None else group_size
    if not 1 <= h <= largest:
        raise BadInput(
            f"group size {h}: not in 1..{largest}; give half of the smaller number of trials at most"
        )
    _, replicate_seed = np.random.SeedSequence(rule.seed).spawn(2)  # the first is that of the splits
    splits = disjoint_splits(a, b, h, max_splits=max_splits, seed=rule.seed)
    sets = rule.sets(a, splits.a, 0), rule.sets(b, splits.b, 1)
    matches = rule.matches(*sets, a.num_examples, a.labels if by_class else None)
    rate = mean_defined(m.rate for m in matches)
    replicates = splits.resampled(num_replicates, np.random.default_rng(replicate_seed))
    rates = np.empty(0)
    if len(replicates):
        rates = rule.rates(rule.sets(a, replicates.a, 0), rule.sets(b, replicates.b, 1))
    interval, bias = shifted_interval(rate, rates)
    if rule.drawn < 1:
        interval = _widened(rate, interval, rule.reach_of_draw(rate, a.num_examples))
    if h == 1:  # a group of one trial is never another one
        interval = (math.nan, math.nan)
    return GroupMatch(
        rate=rate,
        group_size=h,
        num_splits=len(splits),
        num_empty=sum(math.isnan(m.rate) for m in matches),
        interval=interval,
        bias=bias,
        chance=mean_defined(m.chance for m in matches),
        class_chance=mean_defined(math.nan if m.class_chance is None else m.class_chance for m in matches),
        tie_mass=(mean_defined(m.tie_mass[0] for m in matches), mean_defined(m.tie_mass[1] for m in matches)),
        sizes=(mean_defined(m.sizes[0] for m in matches), mean_defined(m.sizes[1] for m in matches)),
        decided=h >= MIN_GROUP,
        replicates=rates,
    )


def _widened(rate: float, interval: tuple[float, float], reach: float) -> tuple[float, float]:
    """The interval in [0, 1] with an independent error of this reach added to either side of the rate."""
    low, high = interval
    return max(rate - math.hypot(rate - low, reach), 0.0), min(rate + math.hypot(high - rate, reach), 1.0)


def shifted_interval(rate: float, replicates: npt.NDArray[np.float64]) -> tuple[tuple[float, float], float]:
    """95 % interval of replicates [R] with their bias taken off, in [0, 1], and the bias; NaN without any."""
    defined = replicates[~np.isnan(replicates)]
    if math.isnan(rate) or not len(defined):
        return (math.nan, math.nan), math.nan
    bias = float(defined.mean()) - rate
    low, high = np.clip(np.percentile(defined, (2.5, 97.5)) - bias, 0, 1)
    return (float(low), float(high)), bias
