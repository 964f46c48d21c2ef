"""Folds of the examples that rotate from trial to trial, and nested shares of them, by class and by group.

A group stays in one fold: identical and nearly identical examples, and those of one origin.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from easiness.analysis import nearest_rows, unit_rows
from easiness.lazy import Floats, Integers, Mask, Reals, Singles
from easiness.spec import TrialSpec, fraction_of

Positions = Integers
Values = Floats
Pairs = tuple[Positions, Positions]

_STREAM = 0x666F6C64  # keeps these random numbers apart from those of trials
_FEWEST, _MOST = 16, 50_000  # examples that are compared in pairs
_AT_ONCE = 1024
_NUM_DIRECTIONS = 64  # that pairs are compared in at first
_SAMPLE = 512  # examples that tell the usual distance
_NEAR = 0.5  # of the median distance to the fifth nearest example
_BY_CHANCE = 0.002  # of the examples: so few may be joined that are no copies
_FEWEST_DIMENSIONS = 3.0  # in which distances are alike enough to tell copies by them
_LARGEST = 0.02  # of the examples: more of them look alike without being copies


@dataclass(frozen=True, eq=False)
class Deal:
    """A division of examples into folds by ``labels`` [K]; ``groups`` [K] stay whole.

    Examples that are ``never`` [K] trained on are dealt too, and then left out of their folds.
    """

    labels: Positions
    groups: Positions | None = None
    never: Mask | None = None

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of the labels and the mask ``never``; groups follow from the examples."""
        never = b"" if self.never is None else self.never.tobytes()
        return hashlib.sha256(self.labels.astype("<i8").tobytes() + never).hexdigest()

    def ranking(self, spec: TrialSpec, ranking: Values | None) -> Values:
        """A ``ranking`` [K], or zeros, with NaN for examples outside ``spec.train_share`` of a trial."""
        repeat, turn = divmod(spec.index, fraction_of(spec.train_share).denominator)
        in_training = self.partition((spec.train_share,), spec.seed, repeat).trained_on(turn)[0]
        return np.where(in_training, 0.0 if ranking is None else ranking, np.nan)

    def partition(self, shares: tuple[float, ...], seed: int, repeat: int) -> Partition:
        """Deal the examples for a repeat; classes are spread evenly over folds and within each."""
        largest = fraction_of(shares[-1])
        rng = np.random.default_rng(np.random.SeedSequence(entropy=seed, spawn_key=(repeat, _STREAM)))
        alone = np.arange(len(self.labels)) if self.groups is None else self.groups
        fold = _deal(self.labels, alone, largest.denominator, rng)
        if self.never is not None:
            fold[self.never] = -1
        cuts, blocks = _cuts(shares, largest.denominator), []
        for at in range(largest.denominator):
            order = _spread(np.flatnonzero(fold == at), self.labels, alone, rng)
            blocks.append(_parts(order, alone, cuts))
        return Partition(tuple(blocks), shares, largest.denominator - largest.numerator, len(self.labels))


@dataclass(frozen=True, eq=False)
class Partition:
    """``num`` examples of a repeat in ``blocks`` [folds][parts] of positions; shares are made of parts."""

    blocks: tuple[tuple[Positions, ...], ...]
    shares: tuple[float, ...]
    num_left_out: int
    num: int

    def blocks_of(self, turn: int, row: int) -> list[tuple[int, int]]:
        """The blocks (fold, part) that train the heads of a row in the ``turn``-th trial of the repeat.

        Every fold is left out in equally many turns, and smaller shares are parts of larger ones. Empty
        blocks are left out; the smallest share has one block at least.
        """
        num = len(self.blocks)
        whole, part = _folds_and_parts(self.shares, num)[row]
        parts = len(self.blocks[0])
        order = [
            ((turn + self.num_left_out + i) % num, at)
            for i in range(num - self.num_left_out)
            for at in range(parts)
        ]
        has_examples = [len(self.blocks[fold][at]) > 0 for fold, at in order]
        end = max(whole * parts + part, has_examples.index(True) + 1)
        return [block for block, has in zip(order[:end], has_examples, strict=False) if has]

    def positions(self, turn: int, row: int) -> Positions:
        """Positions of the training examples of the heads of a row, in the order of the deal."""
        return np.concatenate([self.blocks[fold][part] for fold, part in self.blocks_of(turn, row)])

    def trained_on(self, turn: int) -> Mask:
        """Mask [shares, K] of the training examples of heads."""
        mask = np.zeros((len(self.shares), self.num), np.bool_)
        for row in range(len(self.shares)):
            mask[row, self.positions(turn, row)] = True
        return mask


def _deal(labels: Positions, groups: Positions, num: int, rng: np.random.Generator) -> Positions:
    """The fold [K] of each example: groups of several first, by size, then the others evenly."""
    _, group, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    fold = np.full(len(labels), -1, np.int64)
    counts = np.zeros((num, int(labels.max()) + 1), np.int64)  # by fold and class
    several = np.flatnonzero(sizes > 1)
    by_group = np.argsort(group, kind="stable")
    starts = np.cumsum(sizes) - sizes
    totals = np.zeros(num, np.int64)
    for one in several[np.lexsort((rng.random(len(several)), -sizes[several]))].tolist():
        members = by_group[starts[one] : starts[one] + sizes[one]]
        own, times = np.unique(labels[members], return_counts=True)
        best = np.lexsort((totals, counts[:, own] @ times))[0]
        fold[members] = best
        counts[best, own] += times
        totals[best] += len(members)
    by_class = rng.permutation(np.flatnonzero(fold < 0))
    by_class = by_class[np.argsort(labels[by_class], kind="stable")]
    for rest in np.split(by_class, np.flatnonzero(np.diff(labels[by_class])) + 1):
        if not len(rest):
            continue
        # slots by how full a fold is with this class, then by how full it is at all
        label = labels[rest[0]]
        level = counts[:, label, None] + np.arange(len(rest))
        total, lots = (np.broadcast_to(one[:, None], level.shape) for one in (totals, rng.random(num)))
        slots = np.lexsort((lots.ravel(), total.ravel(), level.ravel()))[: len(rest)]
        fold[rest] = slots // len(rest)
        totals += np.bincount(fold[rest], minlength=num)
    return fold


def _spread(
    positions: Positions, labels: Positions, groups: Positions, rng: np.random.Generator
) -> Positions:
    """An order of positions whose every beginning has the class shares of the whole; groups stay together."""
    order = rng.permutation(positions)
    _, first, group = np.unique(groups[order], return_index=True, return_inverse=True)
    leader = order[first]  # a group has the place of its first member
    own = labels[leader]
    by_class = np.lexsort((rng.random(len(leader)), own))
    sizes = np.bincount(own)
    starts = np.cumsum(sizes) - sizes
    rank = np.empty(len(leader))
    rank[by_class] = np.arange(len(leader)) - starts[own[by_class]]
    place = (rank + rng.random(len(leader))) / sizes[own]
    return order[np.lexsort((group, place[group]))]


def _parts(order: Positions, groups: Positions, cuts: tuple[Fraction, ...]) -> tuple[Positions, ...]:
    ends = np.append(np.flatnonzero(np.diff(groups[order])) + 1, len(order))  # where a group ends
    at = [int(ends[np.abs(ends - float(cut) * len(order)).argmin()]) for cut in cuts]
    return tuple(np.split(order, at))


def _folds_and_parts(shares: tuple[float, ...], num: int) -> list[tuple[int, int]]:
    """The number of whole folds of each share, and of parts of the next one."""
    cuts = _cuts(shares, num)
    numbers = []
    for share in _fractions(shares):
        whole, rest = divmod(share * num, 1)
        numbers.append((int(whole), cuts.index(rest) + 1 if rest else 0))
    return numbers


def _cuts(shares: tuple[float, ...], num: int) -> tuple[Fraction, ...]:
    return tuple(sorted({share * num % 1 for share in _fractions(shares)} - {Fraction(0)}))


def _fractions(shares: tuple[float, ...]) -> list[Fraction]:
    largest = fraction_of(shares[-1])
    return [*(min(Fraction(share).limit_denominator(10_000), largest) for share in shares[:-1]), largest]


def kept_together(
    features: Sequence[Reals],
    groups: npt.NDArray[np.object_] | None = None,
    same: Positions | None = None,
    *,
    most: int = _MOST,
) -> Positions:
    """Group numbers [K] of examples; heads train on all of a group or on none.

    Examples of a group have equal vectors, or nearly equal ones, as copies that were saved anew: in the first
    features, as rows of length one, their distance is below half of the usual one to the fifth nearest
    example. This joins 96 of 100 pictures of imagenette224 with copies at JPEG quality 50, 100 with copies at
    nine tenths of the size, and no other two of 1,000. If it chains many examples, they look alike without
    being copies, and only equal vectors count, as among fewer than 16 and more than ``most`` examples.
    """
    num = len(features[0])
    sure = [_pairs_of(one) for one in (_same(features), same) if one is not None]
    if not _FEWEST <= num <= most:
        return join_pairs(num, [*sure, *_pairs_of_groups(groups)])
    return join_with_near(num, sure, _near(unit_rows(features[0])), groups)


def join_with_near(
    num: int, sure: Sequence[Pairs], near: Pairs, groups: npt.NDArray[np.object_] | None
) -> Positions:
    """Examples joined by ``sure`` pairs, ``groups`` and ``near`` pairs, unless these chain many."""
    pairs = [*sure, *_pairs_of_groups(groups)]
    without, with_near = join_pairs(num, pairs), join_pairs(num, [*pairs, near])
    most = max(np.bincount(without).max(), _LARGEST * num, 2)
    return with_near if np.bincount(with_near).max() <= most else without


def _pairs_of_groups(groups: npt.NDArray[np.object_] | None) -> list[Pairs]:
    return [] if groups is None else [_pairs_of(np.unique(groups.astype(str), return_inverse=True)[1])]


def _same(features: Sequence[Reals]) -> Positions:
    numbers_by_digest: dict[bytes, int] = {}
    numbers = np.empty(len(features[0]), np.int64)
    for at in range(0, len(numbers), _AT_ONCE):
        parts = [np.ascontiguousarray(one[at : at + _AT_ONCE]) for one in features]
        for i in range(len(parts[0])):
            digest = hashlib.blake2b(digest_size=16)
            for part in parts:
                digest.update(part[i])
            numbers[at + i] = numbers_by_digest.setdefault(digest.digest(), len(numbers_by_digest))
    return numbers


def _pairs_of(numbers: Positions) -> Pairs:
    order = np.argsort(numbers, kind="stable")
    same = numbers[order[1:]] == numbers[order[:-1]]
    return order[1:][same], order[:-1][same]


def join_pairs(num: int, pairs: Sequence[Pairs]) -> Positions:
    """Group numbers [K] of examples that pairs of positions join."""
    from scipy.sparse import coo_array  # a slow import that trainings of networks do not need
    from scipy.sparse.csgraph import connected_components

    a, b = (np.concatenate([pair[side] for pair in pairs] or [np.empty(0, np.int64)]) for side in (0, 1))
    graph = coo_array((np.ones(len(a), np.bool_), (a, b)), shape=(num, num))
    return np.asarray(connected_components(graph, directed=False)[1], np.int64)


def _near(rows: Singles) -> Pairs:
    """Pairs of an example and its nearest, if nearer than by chance; changes the rows, of length one."""
    rows -= rows.mean(axis=0)
    few = rows
    if rows.shape[1] > _NUM_DIRECTIONS:  # distances stay good enough to find the nearest
        directions = np.random.default_rng(0).standard_normal((rows.shape[1], _NUM_DIRECTIONS))
        few = rows @ (directions / np.sqrt(_NUM_DIRECTIONS)).astype(np.float32)
    nearest = nearest_rows(few, few, 1, np.arange(len(few)))[0][:, 0]
    parts = (slice(at, at + _AT_ONCE) for at in range(0, len(rows), _AT_ONCE))
    distance = np.concatenate([np.linalg.norm(rows[part] - rows[nearest[part]], axis=1) for part in parts])
    pairs = np.flatnonzero(distance < _usual_distance(rows))
    return pairs, nearest[pairs]


def _usual_distance(rows: Singles) -> float:
    """The distance below which an example is a copy: 0 if copies cannot be told.

    In n dimensions a share x^n of the nearest examples is nearer than x times the usual distance, by chance
    (n as in Levina and Bickel 2004, of the distances to the third and the sixth example).
    """
    sample = np.random.default_rng(0).permutation(len(rows))[:_SAMPLE]
    third, fifth, sixth = nearest_rows(rows[sample], rows, 6, sample)[1][:, [2, 4, 5]].T
    growth = float(np.median(sixth / np.maximum(third, 1e-12)))
    if growth <= 1:
        return 0.0
    dimension = np.log(2) / np.log(growth)
    if dimension < _FEWEST_DIMENSIONS:
        return 0.0
    return float(min(_NEAR, _BY_CHANCE ** (1 / dimension)) * np.median(fifth))
