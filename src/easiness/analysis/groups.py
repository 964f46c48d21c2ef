"""Disjoint groups of trials of equal size, and groups resampled from them."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt

from easiness.analysis.votes import Votes

_Pair = tuple[tuple[int, ...], tuple[int, ...]]


def group_rows(rows: npt.NDArray[np.int64], num_trials: int) -> npt.NDArray[np.float32]:
    """How often each of ``num_trials`` trials occurs in the rows [R, h] of trial positions: [R, N]."""
    groups = np.zeros((len(rows), num_trials), np.float32)
    np.add.at(groups, (np.arange(len(rows))[:, None], rows), 1)
    return groups


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

    For one run (``a is b``) the groups are two disjoint subsets of its trials, in either order once. For
    two runs the groups have no trial index in common either: runs of one seed share the order of
    examples between trials of the same index, and such trials are not independent.
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
    """How many choices there are, by the number j of the first group's trials whose index is in both runs."""
    num_a, num_b, h = len(index_a), len(index_b), group_size
    shared = len(np.intersect1d(index_a, index_b))
    total = sum(
        math.comb(shared, j) * math.comb(num_a - shared, h - j) * math.comb(num_b - j, h)
        for j in range(min(shared, h) + 1)
    )
    return total // 2 if same else total
