"""The suspects themselves, beside what is said of them: their texts, pictures and sounds."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from easiness.data import Dataset
from easiness.errors import BadInput
from easiness.runs import Told, positions_in, told
from easiness.show import ShownExample
from easiness.spec import Split
from easiness.store import Run

if TYPE_CHECKING:
    import pandas as pd

_BEHIND = "reason"
_MOST_BYTES = 4_000_000  # of pictures and sounds in a notebook


@dataclass(frozen=True)
class Telling:
    """What `told` has of all examples of a split [K], and the ``first`` suspects as notebooks show them.

    ``in_pairs`` are the texts of the pairs that conflict, by split and id.
    """

    told: Told | None = None
    first: tuple[ShownExample, ...] = ()
    in_pairs: Mapping[tuple[str, object], str] = field(default_factory=dict)


def found_examples(
    run: Run, data: Dataset | None, split: Split, listed: npt.NDArray[np.int64], pairs: pd.DataFrame
) -> Telling:
    """The examples of a ``split`` of a run, where its ``data`` have them and they can be read.

    ``listed`` are positions of the first suspects in the run, and ``pairs`` those that conflict.
    """
    part = data if data is None or split == "train" else data.held_out
    if data is None or part is None:
        return Telling()
    with suppress(BadInput):
        rows = positions_in(part, run, split)
        first = part.map(rows[listed], lambda value: part.kind.show(value, part.traits).in_page())
        return Telling(told(part, rows), tuple(_fitting(first)), _in_pairs(data, pairs))
    return Telling()


def _in_pairs(data: Dataset, pairs: pd.DataFrame) -> dict[tuple[str, object], str]:
    sides = [pairs[[f"split_{side}", f"id_{side}"]] for side in "ab"]
    wanted = {name for side in sides for name in side.itertuples(index=False, name=None)}
    found: dict[tuple[str, object], str] = {}
    for split, part in data.splits.items():
        ids = enumerate(part.ids.tolist())
        rows = np.array([at for at, one in ids if (split, one) in wanted], np.int64)
        of_split = told(part, rows)
        if of_split is not None:
            names = ((split, one) for one in part.ids[rows].tolist())
            found |= dict(zip(names, of_split.texts, strict=True))
    return found


def _fitting(examples: list[ShownExample]) -> list[ShownExample]:
    """The first with their pictures and sounds, as many as a notebook should hold."""
    fits = np.cumsum([one.size for one in examples]) <= _MOST_BYTES
    return [one if there else one.in_words() for one, there in zip(examples, fits, strict=True)]


def with_told(table: pd.DataFrame, found: Told | None) -> pd.DataFrame:
    """The table of suspects with the column that tells who they are, behind those that it always has."""
    if found is None:
        return table
    added = table.copy()
    added.insert(list(table).index(_BEHIND) + 1, found.column, found.texts)
    return added
