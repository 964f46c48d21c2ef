"""The labels of tables: names of classes, or numbers of them."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from easiness.csv_cells import from_cell
from easiness.data.tables.table import Table
from easiness.errors import BadInput

INTEGER = re.compile(r"0|-?[1-9]\d{0,17}", re.ASCII)  # as str() writes them; "007" is a name
_DECIMAL = re.compile(r"-?\d+(\.\d*(e[-+]?\d+)?|e[-+]?\d+)", re.ASCII | re.IGNORECASE)
_NAME_IT = "; name the column of the labels with --label NAME"


class Labels(NamedTuple):
    """Labels [K] of the rows of each split, and names of their classes where these have some."""

    values: list[npt.NDArray[np.int64]]
    classes: Sequence[str] | None


def read_labels(tables: Sequence[Table], column: str, classes: Sequence[str] | None) -> Labels:
    """The labels in a column of the training table, which is the first, and of a held-out one.

    Those that are all whole numbers from 0 on without a gap are indices of ``classes``, or of the names that
    the metadata of `datasets` have. All others are names of classes: in alphabetical order, of numbers in
    that of their size.

    Raises:
        BadInput: there is no such column, a label is missing, has spaces around it, is a number that is not
            whole, or does not occur in the training split.
    """
    for table in tables:
        table.check_column(column, _NAME_IT)
    given = [_values(table, column) for table in tables]
    if len({type(value) for values in given for value in values}) > 1:
        given = [list(map(str, values)) for values in given]
    if all(isinstance(value, int) for values in given for value in values):
        known = classes if classes is not None else _described(tables[0], column)
        used = sorted(set(given[0]))
        if known is not None or used == list(range(len(used))):
            return Labels(_arrays(given), known)
        order: list[Any] = used
    else:
        order = sorted(set(given[0]))
    if classes is not None:
        raise BadInput(f"{tables[0].where}: its labels are class names already; leave out classes=")
    places = {value: at for at, value in enumerate(order)}
    for table, values in zip(tables, given, strict=True):
        for row, value in enumerate(values):
            if value not in places:
                raise BadInput(
                    f"{table.name_at(row)}: class {str(value)!r:.80} does not occur in train; add it there "
                    "or leave the row out"
                )
    found = _arrays([[places[value] for value in values] for values in given])
    return Labels(found, [str(value) for value in order])


def _arrays(given: list[list[Any]]) -> list[npt.NDArray[np.int64]]:
    return [np.array(values, np.int64) for values in given]


def _values(table: Table, column: str) -> list[Any]:
    """The labels as they are: all integers, or all strings."""
    import pyarrow as pa

    cells = table.column(column)
    types, kind = pa.types, cells.type
    values = cells.to_pylist()
    for row, value in enumerate(values):
        if value is None or value != value or (isinstance(value, str) and not value.strip()):
            raise BadInput(f"{table.name_at(row)}: the {column} is empty; fill it in or leave the row out")
    if types.is_string(kind) or types.is_large_string(kind):
        return _of_texts(table, column, values)
    if types.is_floating(kind) or types.is_decimal(kind):
        return _of_numbers(table, column, values)
    if types.is_integer(kind) or types.is_boolean(kind):
        return _in_range(table, [int(value) for value in values])
    raise BadInput(f"{table.where}: column {column} holds {kind} and no labels; name another with --label")


def _of_texts(table: Table, column: str, cells: list[str]) -> list[Any]:
    values = [from_cell(cell) for cell in cells]
    if all(INTEGER.fullmatch(value) for value in values):
        return _in_range(table, [int(value) for value in values])
    for row, value in enumerate(values):
        if value != value.strip() or len(value.splitlines()) > 1:
            raise BadInput(
                f"{table.name_at(row)}: the label {value!r:.80} has spaces around it or a line break in it, "
                "which makes it another class; take them out"
            )
    numbers = [_number(value) for value in values]
    return values if None in numbers else _of_numbers(table, column, numbers)


def _number(text: str) -> float | None:
    """The number that a text is, as programs write them: ``007`` is a name."""
    return float(text) if INTEGER.fullmatch(text) or _DECIMAL.fullmatch(text) else None


def _of_numbers(table: Table, column: str, values: Sequence[Any]) -> list[int]:
    for row, value in enumerate(values):
        if abs(value) >= 2**62 or value != int(value):
            raise BadInput(
                f"{table.name_at(row)}: the {column} is {float(value):g}, and labels are whole numbers or "
                "names; put the values into classes, or name another column with --label"
            )
    return _in_range(table, [int(value) for value in values])


def _in_range(table: Table, values: list[int]) -> list[int]:
    for row, value in enumerate(values):
        if not 0 <= value < 2**62:
            raise BadInput(f"{table.name_at(row)}: label {value} is out of range; labels are 0, 1, 2, ...")
    return values


def _described(table: Table, column: str) -> list[str] | None:
    """Names of classes in the metadata of `datasets`; ``None`` where none can be understood."""
    try:
        features = json.loads((table.metadata or {})[b"huggingface"])["info"]["features"]
        names = features[column]["names"]
    except (KeyError, TypeError, ValueError, RecursionError):
        return None
    return [str(name) for name in names] if isinstance(names, list) else None
