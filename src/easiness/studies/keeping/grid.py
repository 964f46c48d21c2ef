"""The grid: at each size heads of what each cell keeps, over seeds, all tested on the same examples."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from easiness.errors import BadInput
from easiness.inputs import tell
from easiness.spec import at_least
from easiness.studies.keeping.heads import Examples, Judgement, Labelled, Right, judged_by_others, right

SIZES = (0.05, 0.2, 0.5, 1.0)
"""Shares of the examples that there are, unless sizes are asked for."""
KEEP = (0.1, 0.2, 0.4, 0.6, 0.8)
"""Shares of them that are kept, unless others are asked for."""

ALL, EASIEST, HARDEST, RANDOM = "all", "easiest", "hardest", "random"
"""What is kept."""

Positions = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Cell:
    """Of ``size`` examples a ``share`` is kept: ``kept`` says which; suspects may be out before that.

    ``share`` is ``None`` where all are kept but the suspects, and for as many at random.
    """

    size: int
    kept: str
    share: float | None
    suspects_out: bool


def cells_of(size: int, keep: Sequence[float]) -> Iterator[Cell]:
    """All cells of a size: all, all but the suspects, and each policy at each share with and without them."""
    yield Cell(size, ALL, 1.0, suspects_out=False)
    yield Cell(size, ALL, None, suspects_out=True)
    yield Cell(size, RANDOM, None, suspects_out=False)
    for share in keep:
        for out in (False, True):
            for kept in (EASIEST, HARDEST, RANDOM):
                yield Cell(size, kept, share, out)


def kept_in(cell: Cell, judged: Judgement, lots: npt.NDArray[np.float64]) -> Positions | None:
    """Positions of the examples that a cell keeps; ``None`` where the suspects leave too few.

    ``lots`` [size] decide at random, and where examples are as easy as each other.
    """
    there = ~judged.suspects if cell.suspects_out else np.ones(cell.size, np.bool_)
    sound = int((~judged.suspects).sum())
    num = cell.size if cell.share == 1 else sound if cell.share is None else round(cell.share * cell.size)
    if num < 1 or num > there.sum():
        return None
    first = {EASIEST: -judged.p_label, HARDEST: judged.p_label}.get(cell.kept, lots)
    order = np.lexsort((lots, first))
    kept: Positions = order[there[order]][:num]
    return np.sort(kept)


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
