"""The rows of one split as columns of Arrow, from whatever file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from easiness.csv_cells import csv_rows
from easiness.data.sources.tables import column_of
from easiness.errors import BadInput, nearest, shorten
from easiness.gate import check_fits, check_rows, open_parquet, read_column
from easiness.inputs import Positions

AT_ONCE = 1024
"""Rows that are read together."""


@dataclass(frozen=True, eq=False)
class Table:
    """The rows of one split.

    ``where`` names them in an error and ``name_at(i)`` the row at position i. ``read`` gives a column that is
    there as a `pyarrow.ChunkedArray`: cells of a CSV are `large_string`, texts of Parquet a dictionary of
    these, so that a million equal ones are one (`objects_in` makes objects of both). ``metadata`` is that of
    the schema.
    """

    where: str
    names: tuple[str, ...]
    num_rows: int
    name_at: Callable[[int], str]
    read: Callable[[str], Any]
    metadata: dict[bytes, bytes] | None = None

    def column(self, name: str) -> Any:
        """The column of this name.

        Raises:
            BadInput: there is none, or several, or it cannot be read.
        """
        self.check_column(name)
        return self.read(name)

    def check_column(self, name: str, remedy: str = "") -> None:
        """Make sure that there is one column of this name; ``remedy`` is added where there is none.

        Raises:
            BadInput: there is none, or there are several.
        """
        if name not in self.names:
            raise BadInput(
                f"{self.where}: no column {name}{nearest(name, self.names)}; its columns are "
                f"{shorten(self.names, 20)}{remedy}"
            )
        if self.names.count(name) > 1:
            raise BadInput(f"{self.where}: column {name} occurs more than once; leave one out")

    def vectors(self, name: str, rows: Positions) -> Iterator[npt.NDArray[Any]]:
        """Vectors [n, D] in a column of lists of numbers, of some rows; as `column_of`."""
        import pyarrow as pa

        values = pa.table({name: self.column(name)})
        for start in range(0, len(rows), AT_ONCE):
            yield column_of(values.take(rows[start : start + AT_ONCE]), name, self.where)

    def taken(self, rows: Positions, where: str) -> Table:
        """The table of these rows."""
        positions = rows.tolist()
        return Table(
            where,
            self.names,
            len(rows),
            lambda row: self.name_at(positions[row]),
            lambda name: self.read(name).take(rows),
            self.metadata,
        )


def csv_table(path: Path, encoding: str | None, where: str) -> Table:
    """A CSV file, whose cells are strings; its rows are named by the lines that they end on.

    Raises:
        BadInput: it cannot be read, has no rows, or a row has more or fewer cells than the header.
    """
    import pyarrow as pa

    rows = csv_rows(path, "table", encoding=encoding)
    _, header = next(rows, (1, []))
    if not any(header):
        raise BadInput(f"{path}: no header; name the columns in the first line")
    lines: list[int] = []
    parts: list[list[Any]] = [[] for _ in header]
    num_bytes = 0
    filled = (row for row in rows if row[1])
    while some := list(islice(filled, AT_ONCE)):
        for line, cells in some:
            if len(cells) != len(header):
                raise BadInput(
                    f"{path}: line {line}: {len(cells)} values for {len(header)} columns; quote values that "
                    "hold a separator"
                )
            lines.append(line)
        for part, column in zip(parts, zip(*(cells for _, cells in some), strict=True), strict=True):
            part.append(_strings(column, path))
            num_bytes += part[-1].nbytes
        check_fits(num_bytes, str(path))
    if not lines:
        raise BadInput(f"{path}: no rows; give one for each example")
    places = {name: at for at, name in reversed(list(enumerate(header)))}
    return Table(
        where,
        tuple(header),
        len(lines),
        lambda row: f"{path}: line {lines[row]}",
        lambda name: pa.chunked_array(parts[places[name]]),
    )


def _strings(cells: Sequence[str], path: Path) -> Any:
    import pyarrow as pa

    try:
        return pa.array(cells, pa.large_string())
    except UnicodeError:  # halves of pairs, which some encodings have
        raise BadInput(f"{path}: holds halves of characters; save it as UTF-8") from None


def parquet_table(files: Sequence[Path], where: str) -> Table:
    """The rows of Parquet files one after another; they are named by their file and the row in it, from 0.

    Raises:
        BadInput: a file is not Parquet, or they differ in the names of columns.
    """
    opened = [open_parquet(file) for file in files]
    names = opened[0].schema_arrow.names
    for file, one in zip(files, opened, strict=True):
        if sorted(one.schema_arrow.names) != sorted(names):
            raise BadInput(f"{file}: its columns are not those of {files[0].name}; give all the same")
    starts = np.cumsum([0, *(one.metadata.num_rows for one in opened)])
    if not starts[-1]:
        raise BadInput(f"{files[0]}: no rows; give one for each example")
    check_rows(int(starts[-1]), where)

    def name_at(row: int) -> str:
        at = int(np.searchsorted(starts, row, side="right")) - 1
        return f"{files[at]}: row {row - starts[at]}"

    return Table(
        where,
        tuple(names),
        int(starts[-1]),
        name_at,
        lambda name: _parquet_column(files, name),
        opened[0].schema_arrow.metadata,
    )


def _parquet_column(files: Sequence[Path], name: str) -> Any:
    import pyarrow as pa

    columns = [read_column(file, name) for file in files]
    kinds = {column.type for column in columns}
    if len(kinds) > 1:
        raise BadInput(
            f"{files[0]}: column {name} holds {shorten(sorted(map(str, kinds)))} in different files; give "
            "all the same"
        )
    parts = [part for column in columns for part in column.chunks]
    return pa.chunked_array(parts, columns[0].type).unify_dictionaries()


def hub_table(table: Any, where: str) -> Table:
    """A `datasets.Dataset`; its rows are named by their number, from 0.

    Raises:
        BadInput: it has a transform.
    """
    if table.format["type"] == "custom":
        raise BadInput(f"{where}: the Dataset has a transform; call reset_format() on it")
    return Table(
        where,
        tuple(table.column_names),
        len(table),
        lambda row: f"{where}: row {row}",
        lambda name: table.select_columns([name]).with_format("arrow")[:].column(name),
    )
