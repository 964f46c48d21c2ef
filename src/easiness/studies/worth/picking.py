"""Which examples of a pool to label next: the rules that pick some.

The first of them covers what is uncertain. A label at example i says something about those near to it: about
j as much as they are alike, ``exp(-d_ij^2 / (s_i s_j))``, with d the distance between their features and s
that of an example to its tenth nearest, the local scale (Zelnik-Manor and Perona 2004). What an example is
covered by is the most alike example with a label. One after another those are picked that add most, ``sum_j
u_j max(0, alike_ij - covered_j)`` over the nearest j in the pool, with u their uncertainty: a facility
location weighted by it (Wei, Iyer and Bilmes 2015). Of copies so only one is picked, and of what has labels
near by none.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from easiness.analysis import nearest_rows

RARE, MARGIN, RANDOM = "rare and uncertain", "margin", "random"
RULES = (RARE, MARGIN)
"""Those that are held against `RANDOM`."""

NUM_NEAREST = 50
_SCALE = 10  # the nearest whose distance is the local scale

Positions = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Near:
    """Of K examples the ``nearest`` [K, n], itself first, and how ``alike`` they are [K, n], in 0..1."""

    nearest: Positions
    alike: npt.NDArray[np.float32]

    def covered(self, labelled: Positions) -> npt.NDArray[np.float32]:
        """How alike each example [K] is to one with a label: 0 where none is near."""
        cover = np.zeros(len(self.nearest), np.float32)
        np.maximum.at(cover, self.nearest[labelled], self.alike[labelled])
        return cover


def near_of(x: npt.NDArray[np.float32], num: int = NUM_NEAREST) -> Near:
    """What is near to each example by its features ``x`` [K, D]; ``num`` of them, or all others."""
    every, num = np.arange(len(x)), min(num, len(x) - 1)
    found, far = nearest_rows(x, x, num, every)
    scale = far[:, min(_SCALE, num) - 1].clip(min=1e-6)
    alike = np.exp(-np.square(far) / (scale[:, None] * scale[found]))
    itself = np.ones(len(x), np.float32)
    return Near(np.column_stack([every, found]), np.column_stack([itself, alike]).astype(np.float32))


@dataclass(frozen=True, eq=False)
class Judged:
    """A ``pool``, positions among K examples, ``labelled`` others, and the ``margin`` of those of the pool.

    The margin, in 0..1, is the probability of the first class less that of the second.
    """

    pool: Positions
    labelled: Positions
    margin: Floats

    def uncertain(self, num: int) -> npt.NDArray[np.float32]:
        """Of ``num`` examples one less the margin, and 0 of those that are not in the pool [num]."""
        weights = np.zeros(num, np.float32)
        weights[self.pool] = 1 - self.margin
        return weights


def rare_and_uncertain(near: Near, judged: Judged, num: int) -> Positions:
    """Places in the pool of those that together cover most of what is uncertain, the first one first."""
    covered, weights = near.covered(judged.labelled), judged.uncertain(len(near.nearest))

    def adds(position: int) -> float:
        others = near.nearest[position]
        return float((weights[others] * (near.alike[position] - covered[others]).clip(min=0)).sum())

    # what one adds only falls as others are picked, so that most need no second look (Minoux 1978)
    waiting = [(-adds(position), place) for place, position in enumerate(judged.pool.tolist())]
    heapq.heapify(waiting)
    picked: list[int] = []
    while len(picked) < num:
        _, place = heapq.heappop(waiting)
        position = int(judged.pool[place])
        now = -adds(position)
        if waiting and now > waiting[0][0]:
            heapq.heappush(waiting, (now, place))
            continue
        picked.append(place)
        others = near.nearest[position]
        covered[others] = np.maximum(covered[others], near.alike[position])
    return np.array(picked, np.int64)


def smallest_margin(_: Near, judged: Judged, num: int) -> Positions:
    """Places in the pool of those with the smallest margins, the smallest first."""
    return np.argsort(judged.margin, kind="stable")[:num]


def first(_: Near, judged: Judged, num: int) -> Positions:
    """The first places of a pool, which is in random order."""
    return np.arange(min(num, len(judged.pool)))


Rule = Callable[[Near, Judged, int], Positions]

PICKS: dict[str, Rule] = {RARE: rare_and_uncertain, MARGIN: smallest_margin, RANDOM: first}
"""Each rule takes a pool in random order, and says which ``num`` of it to label."""
