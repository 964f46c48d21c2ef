"""The labels of tables: names of classes, or numbers of them; and what there may be instead."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from easiness.csv_cells import from_cell
from easiness.data.other_targets import BOXES, NUMBERS, TAGS, check_no_parts, refusal_of_column
from easiness.data.tables.table import INTEGER, Table, usable
from easiness.errors import BadInput, shorten
from easiness.gate import first_come, is_text
from easiness.lazy import Array, Integers, pa

_LOOKED_AT = 1000  # cells of each column that tell what it holds
_BOXES = ("bbox", "bndbox", "boxes", "x y w h", "x y width height", "xmin ymin xmax ymax", "x1 y1 x2 y2")
_FLAGS = ({"0", "1"}, {"0.0", "1.0"}, {"true", "false"})
_NUMBER = re.compile(r"-?\d+(\.\d+)?", re.ASCII)
_LIST = re.compile(r"""\[\s*("[^"]*"|'[^']*')[\s,]+["'].*\]""")  # of two texts or more
_FEW = 20  # numbers that may be classes however few examples they have
_DECIMAL = re.compile(r"-?\d+(\.\d*(e[-+]?\d+)?|e[-+]?\d+)", re.ASCII | re.IGNORECASE)
_NULL = -1


class Labels(NamedTuple):
    """Labels [K], or tags [K, T], of the rows of each split, and names of their classes or of the tags."""

    values: list[Array]
    classes: Sequence[str] | None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class _Distinct:
    """The different ``values`` of a column, in the order they first occur, and which each row [K] has."""

    table: Table
    values: list[Any]
    rows: Integers

    def name_at(self, at: int) -> str:
        return self.table.name_at(int(np.argmax(self.rows == at)))

    def labels(self, numbers: list[int]) -> Integers:
        return np.array(numbers, np.int64)[self.rows]


def read_labels(tables: Sequence[Table], columns: Sequence[str], classes: Sequence[str] | None) -> Labels:
    """The labels in the first column of the training table, which is the first, and of a held-out one.

    Labels that are all whole numbers from 0 on without a gap are indices of ``classes``, or of the names that
    the metadata of `datasets` have. All others are names of classes: in alphabetical order, of numbers in
    that of their size.
    """
    column = columns[0]
    check_columns(tables, [column])
    parts = [_distinct(table, column) for table in tables]
    if len({type(value) for one in parts for value in one.values}) > 1:
        parts = [replace(one, values=list(map(str, one.values))) for one in parts]
    order: list[Any] = sorted(set(parts[0].values))
    numbers = all(isinstance(value, int) for one in parts for value in one.values)
    by_metadata = [class_names(table, column) for table in tables]
    if classes is None and None not in by_metadata and any(one != by_metadata[0] for one in by_metadata):
        problem = f"its class names differ from those of {tables[0].where}"
        raise BadInput(f"{tables[-1].where}: {problem}; give both splits the same names in the same order")
    names = by_metadata[0] if classes is None else classes
    if numbers and names is not None:
        return Labels([one.labels(one.values) for one in parts], names)
    notes = check_one_class_each(map(str, order), tables[0].num_rows, tables[0].where)
    if classes is not None:
        raise BadInput(f"{tables[0].where}: its labels are class names already; leave out classes=")
    places = {value: place for place, value in enumerate(order)}
    for one in parts:
        for at, value in enumerate(one.values):
            if value not in places:
                problem = f"class {str(value)!r:.80} does not occur in train"
                raise BadInput(f"{one.name_at(at)}: {problem}; add it there or leave the row out")
    values = [one.labels([places[value] for value in one.values]) for one in parts]
    are_indices = numbers and order == list(range(len(order)))
    return Labels(values, None if are_indices else list(map(str, order)), notes)


def _distinct(table: Table, column: str) -> _Distinct:
    cells = table.column(column)
    types, kind = pa.types, cells.type
    numbers = types.is_floating(kind) or types.is_decimal(kind)
    if not (is_text(kind) or numbers or types.is_integer(kind) or types.is_boolean(kind)):
        raise refusal_of_column(table, column)
    if types.is_float16(kind):
        cells = cells.cast(pa.float32())
    if types.is_decimal(kind) and kind.bit_width < 128:  # for which there is no dictionary
        cells = cells.cast(pa.decimal128(kind.precision, kind.scale))
    valid = cells.is_valid().to_numpy()
    rows, values = np.full(len(cells), _NULL), []
    if valid.any():
        dictionary = first_come(cells.drop_null())
        rows[valid], values = dictionary.indices.to_numpy(), dictionary.dictionary.to_pylist()
    empty = [at for at, one in enumerate(values) if one != one or (isinstance(one, str) and not one.strip())]
    is_empty = np.isin(rows, [_NULL, *empty])
    if is_empty.any():
        row = table.name_at(int(is_empty.argmax()))
        raise BadInput(f"{row}: the {column} is empty; fill it in or leave the row out")
    distinct = _Distinct(table, values, rows)
    return _of_texts(distinct, column) if is_text(kind) else _of_numbers(distinct, column)


def _of_texts(column: _Distinct, name: str) -> _Distinct:
    texts = [from_cell(cell) for cell in column.values]
    numbers = [
        int(text) if INTEGER.fullmatch(text) else float(text) if _DECIMAL.fullmatch(text) else None
        for text in texts
    ]
    if None not in numbers:
        return _of_numbers(replace(column, values=numbers), name)
    for at, text in enumerate(texts):
        if text != text.strip() or len(text.splitlines()) > 1:
            problem = f"the label {text!r:.80} has spaces around it or a line break in it"
            raise BadInput(f"{column.name_at(at)}: {problem}; take them out")
    return replace(column, values=texts)


def _of_numbers(column: _Distinct, name: str) -> _Distinct:
    for at, value in enumerate(column.values):
        if not isinstance(value, int) and (abs(value) >= 2**62 or value != int(value)):
            problem = f"the {name} is {float(value):g}, and labels are whole numbers or names"
            raise BadInput(f"{column.name_at(at)}: {problem}; {NUMBERS}")
        if not 0 <= value < 2**62:
            raise BadInput(f"{column.name_at(at)}: label {value} is out of range; labels are 0, 1, 2, ...")
    return replace(column, values=list(map(int, column.values)))


def class_names(table: Table, column: str) -> list[str] | None:
    of = table.features.get(column, {})
    names = (of["feature"] if isinstance(of.get("feature"), dict) else of).get("names")  # of lists or not
    return [str(name) for name in names] if isinstance(names, list) else None


def check_columns(tables: Sequence[Table], columns: Sequence[str]) -> None:
    for table in tables:
        for column in columns:
            instead = "" if column in table.names else _instead_of_labels(table)
            table.check_column(column, f"; name the column of the labels with --label NAME{instead}")


def _instead_of_labels(table: Table) -> str:
    """A clause on what columns may hold, if they are no inputs, by the first cells of each, or empty."""
    ours = {name.lower().replace("_", ""): name for name in table.names}
    for box in _BOXES:
        if {*box.split()} <= ours.keys():
            return f"; if {', '.join(ours[one] for one in box.split())} hold boxes, {BOXES}"
    columns = {name: table.read(name).slice(0, _LOOKED_AT).to_pylist() for name in usable(table)}
    flags = [name for name in columns if {str(cell).strip().lower() for cell in columns[name]} in _FLAGS]
    if len(flags) < 2:
        return ""
    return (
        f"; if {shorten(flags)} hold 0 and 1, a class each, put the name of the class of each row into a "
        f"column label, or where a row has several give --tags --label {','.join(flags)}"
    )


def check_no_measure(names: Collection[str], num: int, where: str) -> None:
    """Refuse labels of ``num`` examples that are nearly as many different numbers."""
    share = 0.5 if any("." in name for name in names) else 0.9  # nearly each its own, as 301 classes have not
    if _FEW < len(names) > share * num and all(map(_NUMBER.fullmatch, names)):
        problem = f"the labels are {len(names):,} different numbers of {num:,} examples, and no classes"
        raise BadInput(f"{where}: {problem}; {NUMBERS}, or name a column of classes with --label")


def check_one_class_each(labels: Iterable[str], num: int, where: str) -> tuple[str, ...]:
    """A note where one of the different ``labels`` of ``num`` examples may be several, or all may measure."""
    names = sorted({*labels})
    check_no_measure(names, num, where)
    check_no_parts([name for name in names if name[:1] == "[" or " " in name], where)  # "O" may be a class
    what = "several labels ({} between them), and one class each is what is measured"
    remedy = f"{TAGS}, or name another column with --label"
    list_label = next(filter(_LIST.fullmatch, names), None)
    if list_label is not None:
        raise BadInput(f"{where}: the label {list_label!r:.80} is a list of several labels; {remedy}")
    for sign in ";|,":
        several = {name: [part.strip() for part in name.split(sign)] for name in names if sign in name}
        alone = {*names} - several.keys()
        enough, first = (all, 0) if sign == "," else (any, 1)  # Maine may stand beside "Portland, Maine"
        for name, parts in several.items():
            if enough(part in alone for part in parts[first:]):
                raise BadInput(f"{where}: the label {name!r} is {what.format(sign)}; {remedy}")
        for name, parts in several.items():
            if {*parts} & alone:
                return (f"the label {shorten([name])!r} may be {what.format(sign)}; {TAGS}",)
    if len(names) > _FEW and all(re.fullmatch(r"[1-9]\d{0,17}", name, re.ASCII) for name in names):
        low, *_, high = sorted(map(int, names))
        if low > 1:
            return (
                f"the labels are {len(names):,} whole numbers from {low} to {high}, each taken as a class; "
                "if they measure something, make classes of them (bins)",
            )
    return ()
