"""Examples that have to stay in one fold: identical and nearly identical ones, and those of one origin."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from easiness.analysis import nearest_rows, unit_rows

_FEWEST, _MOST = 16, 50_000  # examples that are compared in pairs
_AT_ONCE = 1024
_NUM_DIRECTIONS = 64  # that pairs are compared in at first
_SAMPLE = 512  # examples that tell the usual distance
_NEAR = 0.5  # of the median distance to the fifth nearest example
_BY_CHANCE = 0.002  # of the examples: so few may be joined that are no copies
_FEWEST_DIMENSIONS = 3.0  # in which distances are alike enough to tell copies by them
_LARGEST = 0.02  # of the examples: more of them look alike without being copies

Groups = npt.NDArray[np.int64]
Pairs = tuple[Groups, Groups]


def kept_together(
    features: Sequence[npt.NDArray[np.floating]],
    groups: npt.NDArray[np.object_] | None = None,
    same: Groups | None = None,
    *,
    most: int = _MOST,
) -> Groups:
    """A number for each example [K], the same for those that heads are to see together or not at all.

    These are examples with the same vectors, or nearly the same: in the first features, as rows of length
    one, nearer than half of the usual distance to the fifth nearest example, as copies are that were saved
    anew. Of 100 pictures of imagenette224 so 96 are joined with their copies at JPEG quality 50, 100 with
    those at nine tenths of the size, and no other two of 1,000; of CIFAR-10, where little is left of 32
    pixels, 27 (quality 90) and 91, and 60 of 10,000 examples with another. Where that would chain many,
    they look alike without being copies, and only the same vectors count, as among fewer than 16 and more
    than ``most``: time goes with the square. Memory holds the first features once more, at single precision.
    """
    num = len(features[0])
    sure = [_pairs_of(one) for one in (_same(features), same) if one is not None]
    if not _FEWEST <= num <= most:
        return joined(num, [*sure, *_pairs_of_groups(groups)])
    return joined_with_near(num, sure, _near(unit_rows(features[0])), groups)


def joined_with_near(
    num: int, sure: Sequence[Pairs], near: Pairs, groups: npt.NDArray[np.object_] | None
) -> Groups:
    """Examples `joined` by ``sure`` pairs, ``groups`` and ``near`` pairs, unless these chain many."""
    known = [*sure, *_pairs_of_groups(groups)]
    found, grown = joined(num, known), joined(num, [*known, near])
    most = max(np.bincount(found).max(), _LARGEST * num, 2)
    return grown if np.bincount(grown).max() <= most else found


def _pairs_of_groups(groups: npt.NDArray[np.object_] | None) -> list[Pairs]:
    return [] if groups is None else [_pairs_of(np.unique(groups.astype(str), return_inverse=True)[1])]


def _same(features: Sequence[npt.NDArray[np.floating]]) -> Groups:
    """A number for each example [K], the same for those of equal vectors; read some at a time."""
    seen: dict[bytes, int] = {}
    numbers = np.empty(len(features[0]), np.int64)
    for at in range(0, len(numbers), _AT_ONCE):
        parts = [np.ascontiguousarray(one[at : at + _AT_ONCE]) for one in features]
        for i in range(len(parts[0])):
            digest = hashlib.blake2b(digest_size=16)
            for part in parts:
                digest.update(part[i])
            numbers[at + i] = seen.setdefault(digest.digest(), len(seen))
    return numbers


def _pairs_of(numbers: Groups) -> Pairs:
    """Pairs of examples that follow each other among those of one number."""
    order = np.argsort(numbers, kind="stable")
    same = numbers[order[1:]] == numbers[order[:-1]]
    return order[1:][same], order[:-1][same]


def joined(num: int, pairs: Sequence[Pairs]) -> Groups:
    """Numbers [K] of examples, the same for those that pairs of positions join."""
    a, b = (np.concatenate([pair[side] for pair in pairs] or [np.empty(0, np.int64)]) for side in (0, 1))
    graph = coo_array((np.ones(len(a), np.bool_), (a, b)), shape=(num, num))
    return np.asarray(connected_components(graph, directed=False)[1], np.int64)


def _near(rows: npt.NDArray[np.float32]) -> Pairs:
    """Pairs of examples nearer than by chance, each and the nearest; rows, of length one, are changed."""
    rows -= rows.mean(axis=0)
    few = rows
    if rows.shape[1] > _NUM_DIRECTIONS:  # distances are kept well enough to look for the nearest
        directions = np.random.default_rng(0).standard_normal((rows.shape[1], _NUM_DIRECTIONS))
        few = rows @ (directions / np.sqrt(_NUM_DIRECTIONS)).astype(np.float32)
    nearest = nearest_rows(few, few, 1, np.arange(len(few)))[0][:, 0]
    parts = (slice(at, at + _AT_ONCE) for at in range(0, len(rows), _AT_ONCE))
    distance = np.concatenate([np.linalg.norm(rows[part] - rows[nearest[part]], axis=1) for part in parts])
    pairs = np.flatnonzero(distance < _usual_distance(rows))
    return pairs, nearest[pairs]


def _usual_distance(rows: npt.NDArray[np.float32]) -> float:
    """The distance below which an example is a copy: 0 where none can be told.

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
