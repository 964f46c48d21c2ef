"""Neighbours of an example in some features: how much of its own class, and how much of others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from easiness.analysis import drawn_examples, nearest_rows, unit_rows
from easiness.errors import BadInput
from easiness.heads import kept_together
from easiness.lazy import Floats, Integers

NUM_NEAREST = 50
OTHER_SCALES = (10, 50, 100)
"""The k by which frequency is counted again, to see whether what is found hangs on it."""
AT_MOST = 50_000
"""Training examples among which neighbours are looked for; of more, so many are drawn."""

_AT_ONCE = 1024
_ROUNDED = np.float32(1e-6)  # of squared distances
_PER_REGION, _FEWEST_REGIONS, _MOST_REGIONS = 25, 20, 200

_Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Neighbourhood:
    """Neighbours of each of Q examples among the training examples, each picture counted once a class.

    With d the distance of two examples by direction (between features of unit length), y their labels, s_k(i)
    the distance of i to the k-th nearest example of any class, and k = ``nearest``:

        ``frequency`` [Q]: the number of j with y_j = y_i and d(i, j) <= median over training examples of s_k
        ``contradiction`` [Q]: the share of j with y_j != y_i among the k nearest of i

    The unit of distances is one for all: in units of its own s_k(i) every example would have as many
    neighbours (docs/results/patterns.md). ``others`` has both ways at other k: ``common k`` as above, and
    ``local k``, where j counts if d(i, j)^2 <= s_k(i) s_k(j) (Zelnik-Manor and Perona 2004).

    An example's own copies with its label are no neighbours of it, and copies of one another with one label
    are one neighbour. A copy with another label is one: the surest contradiction. ``picture`` [Q] numbers the
    examples, copies alike, and ``regions`` [Q] number parts of the space of features.
    """

    frequency: Integers
    contradiction: Floats
    others: dict[str, Integers]
    picture: Integers
    regions: Integers
    nearest: int
    num_among: int

    @property
    def num_copies(self) -> int:
        """Examples that are a copy of another one before them."""
        return len(self.picture) - len(np.unique(self.picture))


def neighbourhood(
    train: npt.NDArray[np.floating],
    labels: Integers,
    asked: tuple[npt.NDArray[np.floating], Integers] | None = None,
    *,
    nearest: int | None = None,
    same: Integers | None = None,
) -> Neighbourhood:
    """The neighbourhood of the training examples, or of others that are ``asked`` about."""
    every = train if asked is None else np.concatenate([train, asked[0]])
    picture = kept_together([every], same=same, most=len(every) if same is None else 0)
    of_class = labels if asked is None else np.concatenate([labels, asked[1]])
    unit = unit_rows(every)
    among = _once(picture[: len(labels)], labels)
    if nearest is None:
        of_own = np.bincount(labels[among])[labels[among]]
        nearest = max(min(NUM_NEAREST, len(among) // 4, int(np.median(of_own)) // 2), 1)
    if not 0 < nearest < len(among):
        raise BadInput(
            f"--nearest {nearest}: not between 1 and {len(among) - 1}, the neighbours that {len(among)} "
            "different examples have; give such a number"
        )
    ks = sorted({nearest, *(k for k in OTHER_SCALES if k < len(among))})
    place = slice(0 if asked is None else len(labels), len(every))
    pairs = picture * (of_class.max() + 1) + of_class
    order = np.argsort(pairs[among])
    own = order[np.searchsorted(pairs[among], pairs, sorter=order).clip(max=len(among) - 1)]
    own = np.where(pairs[among][own] == pairs, own, -1)  # where an example is among them, or its copy

    def scales(place: Integers | slice) -> tuple[_Floats, Integers]:
        """s_k for each k [n, k] of the examples at a place, and where their nearest are [n, nearest]."""
        found, far = nearest_rows(unit[place], unit[among], max(ks), own[place])
        return np.asarray(far[:, [k - 1 for k in ks]], np.float32), among[found[:, :nearest]]

    of_asked, neighbours = scales(place)
    of_among = of_asked[among] if asked is None else scales(among)[0]
    looked_at = (unit[among], of_class[among], of_among)
    common, local = _counts((unit[place], of_class[place], of_asked), looked_at, own[place])
    others = {f"common {k}": common[:, column] for column, k in enumerate(ks)}
    others |= {f"local {k}": local[:, column] for column, k in enumerate(ks)}
    return Neighbourhood(
        frequency=others[f"common {nearest}"],
        contradiction=(of_class[neighbours] != of_class[place][:, None]).mean(axis=1),
        others=others,
        picture=picture[place],
        regions=_regions(unit[place], picture[place]),
        nearest=nearest,
        num_among=len(among),
    )


def _once(picture: Integers, labels: Integers) -> Integers:
    """The places of the first example of each picture and class, at most `AT_MOST`, ascending."""
    pairs = np.stack([picture, labels], axis=1)
    first = np.sort(np.unique(pairs, axis=0, return_index=True)[1])
    drawn = drawn_examples(len(first), AT_MOST)
    return np.asarray(first if drawn is None else first[drawn], np.int64)


_Looked: TypeAlias = tuple[_Floats, Integers, _Floats]
"""Unit vectors, labels and s_k of examples."""


def _counts(asked: _Looked, among: _Looked, itself: Integers) -> tuple[Integers, Integers]:
    """How many of its class are near each example [n, k]: by a common limit, and by both scales."""
    (unit, labels, scales), (others, of_others, theirs) = asked, among
    usual = np.median(theirs, axis=0) ** 2
    common, local = np.zeros((2, *scales.shape), np.int64)
    for label in np.unique(of_others):
        own, mine = np.flatnonzero(of_others == label), np.flatnonzero(labels == label)
        of_class = others[own]
        for at in range(0, len(mine), _AT_ONCE):
            rows = mine[at : at + _AT_ONCE]
            squares = 2 - 2 * (unit[rows] @ of_class.T)
            squares[itself[rows, None] == own] = np.inf
            for column, limit in enumerate(usual):
                both = scales[rows, column, None] * theirs[own, column]
                common[rows, column] = np.count_nonzero(squares <= limit + _ROUNDED, axis=1)
                local[rows, column] = np.count_nonzero(squares <= both + _ROUNDED, axis=1)
    return common, local


def _regions(unit: _Floats, picture: Integers) -> Integers:
    """Numbers [Q] of the parts of the space that are nearest to examples drawn at random; copies together."""
    num = min(max(len(unit) // _PER_REGION, _FEWEST_REGIONS), _MOST_REGIONS, len(unit))
    seeds = unit[np.sort(np.random.default_rng(0).choice(len(unit), num, replace=False))]
    nearest = nearest_rows(unit, seeds, 1)[0][:, 0]
    first = np.unique(picture, return_index=True, return_inverse=True)
    return np.unique(nearest[first[1]][first[2].ravel()], return_inverse=True)[1].astype(np.int64)
