"""The tags of tables: several in a cell, or a column for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from easiness.data.other_targets import check_no_parts, refusal_of_column, tag_lists
from easiness.data.tables import table as cells
from easiness.data.tables.labels import Labels, check_columns, check_no_measure, class_names
from easiness.data.tables.table import INTEGER, Table
from easiness.errors import BadInput, printable, shorten
from easiness.gate import check_fits
from easiness.lazy import Array, Floats

SEPARATORS = ";|,"


def read_tags(tables: Sequence[Table], columns: Sequence[str], classes: Sequence[str] | None) -> Labels:
    """The tags [K, T] in columns of the training table, which is the first, and of a held-out one.

    Several columns, or one of 0 and 1, are a tag each. Cells of another have lists, or texts that the first
    of `SEPARATORS` that there is separates; tags are in alphabetical order, and whole numbers in that of
    their size, or by the names that the metadata of `datasets` or ``classes`` give them.
    """
    check_columns(tables, columns)
    train, column = tables[0], columns[0]
    names = classes or class_names(train, column)
    if len(columns) > 1 or (names is None and _is_tag(train, column)):
        return Labels([np.column_stack([_tag(table, one) for one in columns]) for table in tables], columns)
    parts = [_cells(table, column) for table in tables]
    texts = [cell for part in parts for cell in part if isinstance(cell, str)]
    check_no_parts(texts, train.where)
    separator = next((sign for sign in SEPARATORS if any(sign in text for text in texts)), "\0")
    by_number = {str(number): name for number, name in enumerate(names or ())}
    rows = [[_names(cell, separator, by_number) for cell in part] for part in parts]
    present = {name for row in rows[0] for name in row}
    check_no_parts(present, train.where)
    check_no_measure(present, train.num_rows, train.where)
    order = sorted(present, key=int if all(map(INTEGER.fullmatch, present)) else None)
    order = order if names is None else [name for name in names if name in present]
    values = [_matrix(table, part, order) for table, part in zip(tables, rows, strict=True)]
    return Labels(values, order, (f"the tags are the column {printable(column)!r}: {shorten(order)}",))


def _is_tag(table: Table, column: str) -> bool:
    is_value = cells.is_value(table.kind(column))
    texts = {*cells.texts_in(table, column)} - {None} if is_value else {}
    return bool(texts) and {cells.number_in(text or "") for text in texts} <= {0, 1}


def _tag(table: Table, column: str) -> Floats:
    """The values of the tag in a column of its own, NaN where a cell is empty."""
    numbers = cells.numbers_in(table, column)
    others = np.flatnonzero((numbers != 0) & (numbers != 1) & ~np.isnan(numbers))
    if len(others):
        problem = f"the {column} is {numbers[others[0]]:g}, and a tag is 1, 0, or empty where nobody knows"
        where = table.name_at(int(others[0]))
        raise BadInput(f"{where}: {problem}; mend it, or name other columns with --label")
    return numbers


def _cells(table: Table, column: str) -> Sequence[str | list[str]]:
    if (lists := tag_lists(table, column)) is not None:
        return lists
    if not cells.is_value(table.kind(column)):
        raise refusal_of_column(table, column)
    return [text or "" for text in cells.texts_in(table, column)]


def _names(cell: str | list[str], separator: str, by_number: Mapping[str, str]) -> list[str]:
    around = " '\"[]" if isinstance(cell, str) and cell[:1] == "[" else None  # a list as Python writes it
    names = (name.strip(around) for name in (cell.split(separator) if isinstance(cell, str) else cell))
    return [by_number.get(name, name) for name in names if name]


def _matrix(table: Table, rows: Sequence[Sequence[str]], names: Sequence[str]) -> Array:
    check_fits(len(rows) * len(names), table.where, "name a column of fewer tags with --label")
    places = {name: place for place, name in enumerate(names)}
    values = np.zeros((len(rows), len(names)), np.int8)
    for row, parts in enumerate(rows):
        for part in parts:
            if part not in places:
                problem = f"the tag {part!r:.80} is none of the {len(names)} of the training examples"
                raise BadInput(f"{table.name_at(row)}: {problem}; add it there, or take it out here")
            values[row, places[part]] = 1
    return values
