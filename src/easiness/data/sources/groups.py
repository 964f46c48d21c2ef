"""The column of a source whose examples of one value are of one origin: the patient, the film."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from easiness.csv_cells import csv_rows, from_cell
from easiness.data.checks import Ids
from easiness.data.dataset import Dataset
from easiness.data.sources.source import SourceRequest, listed_path
from easiness.data.tables.splits import open_tables
from easiness.errors import BadInput, nearest
from easiness.gate import objects_in, open_parquet, read_column

Groups = npt.NDArray[np.object_]


def groups_in_manifest(
    path: Path, column: str, path_columns: Sequence[str], ids: Ids, encoding: str | None = None
) -> Groups:
    """The values [K] in a column of a CSV file, of the examples whose normalized paths are ``ids``."""
    rows = csv_rows(path, "manifest", encoding=encoding)
    _, header = next(rows, (1, []))
    _check_column(path, column, header)
    of_path = next(header.index(name) for name in path_columns if name in header)
    place = header.index(column)
    found = {
        listed_path(from_cell(cells[of_path]), path.parent): (line, from_cell(cells[place]).strip())
        for line, cells in rows
        if cells
    }
    values = []
    for one in ids.tolist():
        line, value = found[one]
        if not value:
            raise _missing(f"{path}: line {line}", column)
        values.append(value)
    return np.array(values, object)


def groups_in_parquet(files: Sequence[Path], column: str, ids: Ids) -> Groups:
    """The values [K] in a column of Parquet files, of the examples in the rows ``ids`` of all together."""
    import pyarrow as pa

    values: list[Any] = []
    for file in files:
        schema = open_parquet(file).schema_arrow
        _check_column(file, column, schema.names)
        kind = schema.field(column).type
        if pa.types.is_nested(kind):
            raise BadInput(f"{file}: column {column} holds {kind}; name one of texts or numbers")
        values += [(file, row, value) for row, value in enumerate(objects_in(read_column(file, column)))]
    for file, row, value in (values[at] for at in ids.tolist()):
        if is_missing(value):
            raise _missing(f"{file}: row {row}", column)
    return np.array([str(values[at][2]) for at in ids.tolist()], object)


def groups_in_table(request: SourceRequest, data: Dataset) -> Groups:
    """The values [K] in the column of ``--group``, of the training rows."""
    import pyarrow as pa

    table, column = open_tables(request).train, request.options.group or ""
    table.check_column(column)
    cells = table.column(column)
    if pa.types.is_nested(cells.type):
        raise BadInput(f"{table.where}: column {column} holds {cells.type}; name one of texts or numbers")
    values = objects_in(cells).tolist()
    for row in data.ids.tolist():
        if is_missing(values[row]):
            raise _missing(table.name_at(row), column)
    return np.array([str(values[row]) for row in data.ids.tolist()], object)


def is_missing(value: Any) -> bool:
    """Does a value say nothing: none, not a number, or an empty text?"""
    return value is None or value != value or not str(value).strip()


def _check_column(path: Path, column: str, names: Sequence[str]) -> None:
    if column not in names:
        raise BadInput(
            f"{path}: no column {column}{nearest(column, names)} to group by; name one of {', '.join(names)}"
        )
    if list(names).count(column) > 1:
        raise BadInput(f"{path}: column {column} occurs more than once; leave one out")


def _missing(where: str, column: str) -> BadInput:
    return BadInput(f"{where}: the {column} to group by is empty; fill it in or leave the row out")
