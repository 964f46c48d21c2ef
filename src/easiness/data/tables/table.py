"""The rows of one split as columns of Arrow, from whatever file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from easiness.errors import BadInput, nearest, shorten
from easiness.inputs import Blobs, Files, Positions

AT_ONCE = 1024
"""Rows that are read together."""


@dataclass(frozen=True, eq=False)
class Table:
    """The rows of one split.

    ``where`` names them in an error and ``name_at(i)`` the row at position i. ``schema`` is Arrow's; cells of
    a CSV are strings. ``read`` gives a column that is there as a `pyarrow.ChunkedArray`; texts may come as a
    dictionary, so that a million equal ones are one (`gate.objects_in` makes objects of both).
    Paths start from ``root``. ``blobs`` gives the encoded examples in a column, of which the ``rows`` are
    these, by default all. ``batches`` reads a column some rows at a time, where that saves memory.
    """

    where: str
    schema: Any
    num_rows: int
    name_at: Callable[[int], str]
    read: Callable[[str], Any]
    root: Path | None = None
    blobs: Callable[[str, Files], Blobs] | None = None
    rows: Positions | None = None
    batches: Callable[[str], Iterator[Any]] | None = None

    @property
    def names(self) -> list[str]:
        """Of the columns, in order."""
        return list(self.schema.names)

    @cached_property
    def features(self) -> dict[str, dict[str, Any]]:
        """What the library `datasets` says of columns in the metadata, as far as it can be understood."""
        try:
            found = json.loads((self.schema.metadata or {})[b"huggingface"])["info"]["features"]
            return {name: of for name, of in found.items() if isinstance(of, dict)}
        except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
            return {}

    def kind(self, name: str) -> Any:
        """Arrow's type of a column, or of the values that its places point to."""
        kind = self.schema.field(self.names.index(name)).type
        return getattr(kind, "value_type", kind) if type(kind).__name__ == "DictionaryType" else kind

    def column(self, name: str) -> Any:
        """The column of this name."""
        self.check_column(name)
        return self.read(name)

    def check_column(self, name: str, remedy: str = "") -> None:
        """Make sure that there is one column of this name; ``remedy`` is added where there is none."""
        if name not in self.names:
            raise BadInput(
                f"{self.where}: no column {name}{nearest(name, self.names)}; its columns are "
                f"{shorten(self.names, 20)}{remedy}"
            )
        if self.names.count(name) > 1:
            raise BadInput(f"{self.where}: column {name} occurs more than once; leave one out")

    def place_at(self, row: int) -> str:
        """The row in its file alone, where this is named already: ``line 7``."""
        return self.name_at(row).rpartition(": ")[2]

    def taken(self, rows: Positions, where: str) -> Table:
        """The table of these rows."""
        positions = rows.tolist()
        return replace(
            self,
            where=where,
            num_rows=len(rows),
            name_at=lambda row: self.name_at(positions[row]),
            read=lambda name: self.read(name).take(rows),
            rows=rows if self.rows is None else self.rows[rows],
            batches=None,
        )


class Tables(NamedTuple):
    """The splits of a source; ``name`` is that of the held-out one."""

    train: Table
    held_out: Table | None = None
    name: str = ""

    def both(self) -> list[Table]:
        """The splits that there are, the training one first."""
        return [self.train] if self.held_out is None else [self.train, self.held_out]


class Reader(NamedTuple):
    """A form of table in files, by the ends of their names in small letters.

    ``open`` makes one table of the files of a split, given the encoding that a user names, what to call the
    split in an error, and the folder of the source. ``is_text`` tells if files have an encoding.
    """

    suffixes: tuple[str, ...]
    open: Callable[[Sequence[Path], str | None, str, Path], Table]
    is_text: bool = True

    def reads(self, path: Path) -> bool:
        """Is a file of this form, by its name?"""
        return path.name.lower().endswith(self.suffixes)


def the_only(files: Sequence[Path]) -> Path:
    """The file of a split that cannot have several."""
    if len(files) > 1:
        names = shorten(file.name for file in files)
        raise BadInput(f"{files[0].parent}: {len(files)} files for one split ({names}); put them together")
    return files[0]
