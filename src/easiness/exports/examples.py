"""What a format is, and what it is given of each example: scores, suspicions of its label, and itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Generic, TypeVar

import numpy as np
import numpy.typing as npt

from easiness.errors import BadInput
from easiness.inputs import Cell, Exported, kind_named
from easiness.runs import Told, find_split, positions_in, told
from easiness.spec import Split
from easiness.store import Run
from easiness.studies.suspects import Suspected, suspects

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from easiness.data import Dataset

# of the table of suspects, added to the columns of the scores
_SUSPECTED = ["suggested", "suggested_class", "p_wrong", "suggested_share"]
_AT_ONCE = 256  # examples made at a time

Place = TypeVar("Place", BinaryIO, Path)


@dataclass(frozen=True)
class ToLabel:
    """Which examples people are to decide on, and what of them they see.

    Those whose label is wrong with a probability ``above`` at least, or those of a file of decisions alone
    (``only``). Of ``blind`` ones neither label nor suggestion is shown. Below ``root`` files are served to
    them; without it what they see goes along.
    """

    above: float | None = None
    only: Path | None = None
    blind: bool = False
    root: Path | None = None


@dataclass(frozen=True, eq=False)
class Examples:
    """The examples of a ``split`` of ``run`` after ``epoch`` epochs.

    ``data`` are those of the split; ``without_data`` says why there are none. ``note`` says what else is left
    out, ``to_label`` what people are to look at.
    """

    run: Run
    epoch: int
    table: pd.DataFrame
    data: Dataset | None
    without_data: str | None = None
    note: str | None = None
    split: Split = "train"
    to_label: ToLabel = ToLabel()

    @property
    def ids(self) -> npt.NDArray[Any]:
        """Ids [K] as int64 or text of a fixed width, which NumPy writes without pickling."""
        ids = self.table["id"].to_numpy()
        return ids if ids.dtype == np.int64 else ids.astype(str)

    @cached_property
    def rows(self) -> npt.NDArray[np.int64]:
        """Positions [K] of the examples in the data, and by that at their source."""
        if self.data is None:
            raise BadInput(f"{self.run.path}: {self.without_data}")
        return positions_in(self.data, self.run, self.split)

    def file(self, position: int) -> Path | None:
        """The example's own file, absolute, where it has one."""
        assert self.data is not None
        path = Path(self.data.stored.name(int(self.rows[position])))
        return path.absolute() if path.is_file() else None

    @property
    def exported(self) -> Exported | None:
        """What the examples are to other tools; ``None`` where they are not to be had, see `without`."""
        return None if self.data is None else self.data.kind.exported

    @property
    def without(self) -> str | None:
        """Why the examples themselves are not there; ``None`` where they are."""
        nouns = kind_named(self.run.spec.data.kind).nouns
        return f"without {nouns}: {self.without_data}" if self.data is None else None

    def cells(self) -> Iterator[list[Cell]]:
        """Examples as other tools have them, pictures as PNG, to the pixel: some hundred at a time."""
        data = self.data
        assert data is not None
        for first in range(0, len(self.table), _AT_ONCE):
            some = np.arange(first, min(first + _AT_ONCE, len(self.table)))
            yield data.map(self.rows[some], lambda value: data.kind.show(value, data.traits).cell)

    def with_cells(self, rows: pa.Table) -> Iterator[tuple[list[Cell], pa.Table]]:
        """`cells`, each time with those of the ``rows`` [K] that belong to them."""
        first = 0
        for cells in self.cells():
            yield cells, rows.slice(first, len(cells))
            first += len(cells)

    @cached_property
    def told(self) -> Told | None:
        """The texts of the examples, or their paths where ids are positions; see `told`."""
        return None if self.data is None else told(self.data, self.rows)

    def table_with_texts(self) -> pd.DataFrame:
        """The table, and behind it a column of what is `told` of the examples."""
        return self.table if self.told is None else self.table.assign(**{self.told.column: self.told.texts})


def examples_of(run: Run, epoch: int, source: Any, split: Split = "train") -> Examples:
    """The examples of a split of a run: every score, what is suspected, and the data where they are found."""
    table, note = run.scores(**run.asked(epoch), split=split), None
    try:
        asked = run.asked(epoch) if epoch != run.observed[-1] else {}
        ranked = suspects(Suspected((run,), split=split, pictures=False, **asked)).ranked
    except BadInput as error:
        note = f"nothing is said of suspect labels ({error})"
    else:
        chosen = ranked.set_index("id")[_SUSPECTED]
        table = table.join(chosen, on="id")
    data, why = find_split(run, source, split)
    return Examples(run, epoch, table, data, None if data is not None else why, note, split)


@dataclass(frozen=True)
class Format(Generic[Place]):
    """One format: ``write`` fills a file, or a folder that is empty, and may say a sentence about it.

    ``suffixes`` are what the name of a file ends in; without any it is a folder. ``then`` is how to read it,
    with ``{out}`` for the path and the ``{column}`` and ``{dtype}`` of `Exported`, and ``then_without`` how
    where no column needs one, if that differs. ``shows`` tells whether it shows what examples are, where that
    is not so of all kinds, or of examples that are not found; ``is_to_label`` that people decide in it on
    examples that are `ToLabel`.
    """

    name: str
    about: str
    write: Callable[[Examples, Place], str | None]
    then: str
    suffixes: tuple[str, ...] = ()
    then_without: str | None = None
    shows: Callable[[Exported], bool] | None = None
    is_to_label: bool = False
