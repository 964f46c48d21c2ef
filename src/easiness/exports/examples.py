"""What an export has of each example: its scores, what is suspected of its label, and its picture."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from easiness.errors import BadInput
from easiness.runs import find_split, positions_in
from easiness.spec import Split
from easiness.store import Run
from easiness.studies.suspects import suspects

if TYPE_CHECKING:
    import pandas as pd

    from easiness.data import Dataset

SUSPECTED = ("suggested", "suggested_class", "p_wrong", "suggested_share")
"""The columns of the suspects that an export adds to those of the scores."""

_AT_ONCE = 256  # pictures encoded at a time


@dataclass(frozen=True, eq=False)
class Examples:
    """The examples of a ``split`` of ``run`` after ``epoch`` epochs.

    ``data`` are those of the split, where they can be had. ``notes`` say what is left out and why.
    """

    run: Run
    epoch: int
    table: pd.DataFrame
    data: Dataset | None
    notes: list[str] = field(default_factory=list)
    split: Split = "train"

    @property
    def ids(self) -> npt.NDArray[Any]:
        """Ids [K] as int64 or text of a fixed width, which NumPy writes without pickling."""
        ids = self.table["id"].to_numpy()
        return ids if ids.dtype == np.int64 else ids.astype(str)

    @cached_property
    def rows(self) -> npt.NDArray[np.int64]:
        """Where each example [K] is in the data, and by that at their source.

        Raises:
            BadInput: the data are not to be had.
        """
        if self.data is None:
            raise BadInput(f"{self.run.path}: {self.notes[0]}")
        return positions_in(self.data, self.run, self.split)

    def file(self, position: int) -> Path | None:
        """The picture's own file, absolute, where it has one."""
        assert self.data is not None
        path = Path(self.data.stored.name(int(self.rows[position])))
        return path.absolute() if path.is_file() else None

    def pictures(self) -> Iterator[list[bytes]]:
        """The pictures as PNG files, the same to the pixel, a few hundred at a time, in order."""
        assert self.data is not None
        for first in range(0, len(self.table), _AT_ONCE):
            some = np.arange(first, min(first + _AT_ONCE, len(self.table)))
            yield self.data.map_pictures(self.rows[some], png)


def png(pixels: npt.NDArray[np.uint8]) -> bytes:
    """A picture [height, width, channels] as the content of a PNG file."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels).save(file, "PNG")
    return file.getvalue()


def examples_of(run: Run, epoch: int | None, source: Any, split: Split = "train") -> Examples:
    """The examples of a split of a run: every score, what is suspected, and the data where they are found.

    Raises:
        BadInput: as `Run.scores`, or the data at the ``source`` given are others.
    """
    at = run.resolve_epoch(epoch)
    table = run.scores(at, split=split)
    notes = []
    try:
        ranked = suspects(run, split=split, epoch=at, pictures=False).ranked
    except BadInput as error:
        notes.append(f"nothing is said of suspect labels ({error})")
    else:
        chosen = ranked.set_index("id")[list(SUSPECTED)]
        table = table.join(chosen, on="id")
    data, why = find_split(run, source, split)
    if data is None:
        notes.insert(0, why)
    return Examples(run, at, table, data, notes, split)
