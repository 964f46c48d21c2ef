"""The grid: at each size heads of what each cell keeps, over seeds, all tested on the same examples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from easiness.errors import BadInput
from easiness.inputs import tell
from easiness.spec import at_least
from easiness.studies.worth.cells import KEEP, SIZES, Cell, Positions, cells_of, kept_in
from easiness.studies.worth.heads import Judgement, Labelled, Right, judged_by_others, right
from easiness.studies.worth.reading import Examples

FEWEST_OF_CLASS = 5
"""Examples a class, on average, of the smallest size by default."""
FEWEST_SEEDS = 5
"""Draws from which on intervals hold, see `paired_gain`."""
_STREAM = 0x776F7274  # keeps these random numbers apart from others of the same seed


@dataclass(frozen=True)
class Asked:
    """What the grid has: ``sizes`` (numbers of examples), shares to ``keep``, and how many ``seeds``."""

    sizes: Sequence[int] | None = None
    keep: Sequence[float] = KEEP
    seeds: int = 5
    seed: int = 0

    def check(self, num_classes: int, most: int) -> None:
        """Make sure that heads can be fitted so to examples of these classes, of which there are ``most``."""
        at_least("--seeds", self.seeds, FEWEST_SEEDS)
        at_least("--seed", self.seed, 0)
        for share in self.keep:
            if not 0 < share < 1:
                raise BadInput(f"--keep {share:g}: not between 0 and 1; give shares such as 0.2,0.4")
            if round(share * most) < 1:
                raise BadInput(
                    f"--keep {share:g}: keeps none of {most:,} examples; give shares such as 0.2,0.4"
                )
        for one in self.sizes or ():
            if not 2 * num_classes <= one <= most:
                raise BadInput(
                    f"--sizes {one}: not between {2 * num_classes} (two of each class) and {most:,} (all "
                    "examples that are not tested on); give such numbers"
                )

    def of(self, examples: Examples) -> list[int]:
        """The sizes, ascending, the whole always among them."""
        whole, num_classes = len(examples.pool), examples.pool.num_classes
        self.check(num_classes, whole)
        if self.sizes is not None:
            return sorted({*self.sizes, whole})
        fewest = FEWEST_OF_CLASS * num_classes
        return sorted({n for n in (round(one * whole) for one in SIZES) if n >= fewest} | {whole})


@dataclass
class Seen:
    """The results of a ``cell``: for each seed what is ``kept``, as positions, and ``right`` [n]."""

    cell: Cell
    kept: list[Positions] = field(default_factory=list)
    right: list[Right] = field(default_factory=list)

    @property
    def num(self) -> float:
        """How many examples are kept, the mean."""
        return float(np.mean([len(one) for one in self.kept]))


def grid_of(examples: Examples, asked: Asked, own: Judgement | None = None) -> list[Seen]:
    """Each cell with the examples of the pool that it keeps, and whether heads are right.

    At a size n only n labelled examples exist: which are easy and which labels suspect is told from these
    alone, by folds within them. Of the whole size ``own``, what the run says, decides where it is given. Each
    seed draws its own examples, with the classes as all have them, smaller sizes from larger ones.
    """
    seen = {cell: Seen(cell) for size in asked.of(examples) for cell in cells_of(size, asked.keep)}
    sizes, of_whole = asked.of(examples), dict[bytes, Right]()
    for seed in range(asked.seeds):
        order = _in_turn(examples.pool, _generator(asked.seed, seed))
        own_seed = asked.seed << 32 | seed  # two numbers to `SeedSequence`, so that no two studies share any
        for at, size in enumerate(sizes):
            tell("trying what to keep", seed * len(sizes) + at, asked.seeds * len(sizes))
            whole = size == len(examples.pool)
            drawn = np.arange(size) if whole else np.sort(order[:size])
            some = examples.pool if whole else examples.pool.part(drawn)
            judged = own if whole and own is not None else judged_by_others(some, own_seed)
            cells = [one for one in seen.values() if one.cell.size == size]
            rng, before = _generator(own_seed, size), of_whole if whole else {}
            _try(some, drawn, examples.test, judged, cells, rng, before)
    return [one for one in seen.values() if len(one.right) == asked.seeds]


def _try(
    some: Labelled,
    drawn: Positions,
    test: Labelled,
    judged: Judgement,
    cells: Sequence[Seen],
    rng: np.random.Generator,
    before: dict[bytes, Right],
) -> None:
    """Fit the heads of all cells of a size, whose examples are at positions ``drawn`` in the pool.

    What kept the same examples ``before`` is not fitted again.
    """
    lots = rng.random(len(some))
    for one in cells:
        kept = kept_in(one.cell, judged, lots)
        if kept is None:
            continue
        key = kept.tobytes()
        if key not in before:
            before[key] = right(some.part(kept), test)
        one.kept.append(drawn[kept])
        one.right.append(before[key])


def _generator(seed: int, number: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(_STREAM, number)))


def _in_turn(some: Labelled, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Positions in a random order of which any beginning has the classes as all have."""
    labels = some.labels.numpy()
    order = np.lexsort((rng.random(len(labels)), labels))
    sizes = np.bincount(labels, minlength=some.num_classes)
    rank = np.empty(len(labels))
    rank[order] = np.arange(len(labels)) - (np.cumsum(sizes) - sizes)[labels[order]]
    place = (rank + rng.random(some.num_classes)[labels]) / sizes[labels]
    return np.argsort(place, kind="stable")
