"""The cells of the grid at one size: which of its examples each keeps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from easiness.studies.worth.heads import Judgement

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
