"""What lies near an example in some features: how much of its own class, and how much of others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from easiness.analysis import drawn_examples, nearest_rows, unit_rows
from easiness.errors import BadInput
from easiness.heads import kept_together

NUM_NEAREST = 50
OTHER_SCALES = (10, 50, 100)
"""The k by which frequency is counted again, to see whether what is found hangs on it."""
AT_MOST = 50_000
"""Training examples among which neighbours are looked for; of more, so many are drawn."""

_AT_ONCE = 1024
_ROUNDED = np.float32(1e-6)  # of squared distances
_PER_REGION, _FEWEST_REGIONS, _MOST_REGIONS = 25, 20, 200

_Floats = npt.NDArray[np.float32]
_Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Neighbourhood:
    """What lies near each of Q examples among the training examples, each picture counted once a class.

    With d the distance of two examples by direction (between features of unit length), y their labels, s_k(i)
    the distance of i to the k-th nearest example of any class, and k = ``nearest``:

        ``frequency`` [Q]: the number of j with y_j = y_i and d(i, j) <= median over training examples of s_k
        ``contradiction`` [Q]: the share of j with y_j != y_i among the k nearest of i

    The unit of distances is one for all. In units of its own s_k(i) every example would have as many
    neighbours, and what is frequent could not be told from what is rare; where patterns of known frequency
    are planted, counts in units of local scales find less of it (docs/results/patterns.md). ``others`` has
    both ways at other k: ``common k`` as above, and ``local k``, where j counts if
    d(i, j)^2 <= s_k(i) s_k(j) (Zelnik-Manor and Perona 2004).

    An example's own copies with its label are no neighbours of it, and copies of one another with one label
    are one neighbour. A copy with another label is one: the surest contradiction. ``picture`` [Q] numbers the
    examples, copies alike, ``num_copies`` of all Q are a copy of one before them, and ``regions`` [Q] number
    parts of the space of features in which all examples are alike.
    """

    frequency: _Integers
    contradiction: npt.NDArray[np.float64]
    others: dict[str, _Integers]
    picture: _Integers
    regions: _Integers
    nearest: int
    num_among: int

    @property
    def num_copies(self) -> int:
        """Examples that are a copy of another one before them."""
        return len(self.picture) - len(np.unique(self.picture))


def neighbourhood(
    train: npt.NDArray[np.floating],
    labels: _Integers,
    asked: tuple[npt.NDArray[np.floating], _Integers] | None = None,
    *,
    nearest: int | None = None,
    same: _Integers | None = None,
) -> Neighbourhood:
    """The neighbourhood of the training examples, or of others that are ``asked`` about.

    Memory holds the features twice more, at single precision, and a block of distances. Most of the time
    goes into one product of all features with those of the examples looked among.
    """
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
    space = _Space(unit, of_class, picture, among)
    ks = sorted({nearest, *(k for k in OTHER_SCALES if k < len(among))})
    place = slice(0 if asked is None else len(labels), len(every))
    of_asked, contradiction = space.scales(place, ks, nearest)
    of_among = of_asked[among] if asked is None else space.scales(among, ks, nearest)[0]
    common, local = space.counts(place, of_asked, of_among)
    others = {f"common {k}": common[:, column] for column, k in enumerate(ks)}
    others |= {f"local {k}": local[:, column] for column, k in enumerate(ks)}
    return Neighbourhood(
        frequency=others[f"common {nearest}"],
        contradiction=contradiction,
        others=others,
        picture=picture[place],
        regions=_regions(unit[place], picture[place]),
        nearest=nearest,
        num_among=len(among),
    )


def _once(picture: _Integers, labels: _Integers) -> _Integers:
    """The places of the first example of each picture and class, at most `AT_MOST`, ascending."""
    pairs = np.stack([picture, labels], axis=1)
    first = np.sort(np.unique(pairs, axis=0, return_index=True)[1])
    drawn = drawn_examples(len(first), AT_MOST)
    return np.asarray(first if drawn is None else first[drawn], np.int64)


@dataclass(frozen=True)
class _Space:
    """All examples as ``unit`` vectors [K, D] with labels and pictures, and those looked ``among``."""

    unit: _Floats
    labels: _Integers
    picture: _Integers
    among: _Integers

    @cached_property
    def own(self) -> _Integers:
        """Where among those each example [K] or its copy of the same label is, -1 where none is."""
        pairs = self.picture * (self.labels.max() + 1) + self.labels
        known = pairs[self.among]
        order = np.argsort(known)
        found = order[np.searchsorted(known, pairs, sorter=order).clip(max=len(known) - 1)]
        return np.where(known[found] == pairs, found, -1)

    def scales(
        self, place: _Integers | slice, ks: Sequence[int], nearest: int
    ) -> tuple[_Floats, npt.NDArray[np.float64]]:
        """Of the examples at ``place`` [n]: s_k for each k [n, k], and the contradiction [n]."""
        found, far = nearest_rows(self.unit[place], self.unit[self.among], max(ks), self.own[place])
        neighbours = self.among[found[:, :nearest]]
        other = (self.labels[neighbours] != self.labels[place][:, None]).mean(axis=1)
        return np.asarray(far[:, [k - 1 for k in ks]], np.float32), other

    def counts(self, place: slice, scales: _Floats, theirs: _Floats) -> tuple[_Integers, _Integers]:
        """How many of its class are near each example at ``place``, of which s_k are ``scales`` [n, k].

        ``theirs`` are the s_k of those among which is looked. Near is within their median, or within the mean
        of both scales (of squares: the product), [n, k] each.
        """
        usual = np.median(theirs, axis=0) ** 2
        common, local = np.zeros((2, *scales.shape), np.int64)
        unit, labels, itself = self.unit[place], self.labels[place], self.own[place]
        of_among = self.labels[self.among]
        for label in np.unique(of_among):
            own, mine = np.flatnonzero(of_among == label), np.flatnonzero(labels == label)
            others = self.unit[self.among[own]]
            for at in range(0, len(mine), _AT_ONCE):
                rows = mine[at : at + _AT_ONCE]
                squares = 2 - 2 * (unit[rows] @ others.T)
                squares[itself[rows, None] == own] = np.inf
                for column, limit in enumerate(usual):
                    both = scales[rows, column, None] * theirs[own, column]
                    common[rows, column] = np.count_nonzero(squares <= limit + _ROUNDED, axis=1)
                    local[rows, column] = np.count_nonzero(squares <= both + _ROUNDED, axis=1)
        return common, local


def _regions(unit: _Floats, picture: _Integers) -> _Integers:
    """Numbers [Q] of the parts of the space that are nearest to examples drawn at random; copies together."""
    num = min(max(len(unit) // _PER_REGION, _FEWEST_REGIONS), _MOST_REGIONS, len(unit))
    seeds = unit[np.sort(np.random.default_rng(0).choice(len(unit), num, replace=False))]
    nearest = nearest_rows(unit, seeds, 1)[0][:, 0]
    first = np.unique(picture, return_index=True, return_inverse=True)
    return np.unique(nearest[first[1]][first[2].ravel()], return_inverse=True)[1].astype(np.int64)
