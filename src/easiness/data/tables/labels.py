"""The labels of tables: names of classes, or numbers of them; and what there may be instead."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from easiness.csv_cells import from_cell
from easiness.data.tables.table import INTEGER, Table, usable, values_in
from easiness.errors import BadInput, shorten
from easiness.gate import first_come, is_text

CROP = "crop each box to a picture of its own, and give those with a class each"
LOOKED_AT = 1000
"""Cells of each column that tell what it holds."""
_BOXES = ("bbox", "bndbox", "boxes", "x y w h", "x y width height", "xmin ymin xmax ymax", "x1 y1 x2 y2")
_TRUE, _FLAGS = ("1", "1.0", "true"), ({"0", "1"}, {"0.0", "1.0"}, {"true", "false"})
_NUMBERED = re.compile(r"(.*[^\W\d])(?:[ _-]?\d+|[ _-][^\W\d_])")  # ann1, rater_2, annotator_a
_NUMBER = re.compile(r"-?\d+(\.\d+)?", re.ASCII)
_LIST = re.compile(r"""\[\s*("[^"]*"|'[^']*')[\s,]+["'].*\]""")  # of two texts or more
_MOST_PEOPLE, _MOST_GIVEN = 20, 50  # columns, and different labels in them
_FEW = 20  # numbers that may be classes however few examples they have
_DECIMAL = re.compile(r"-?\d+(\.\d*(e[-+]?\d+)?|e[-+]?\d+)", re.ASCII | re.IGNORECASE)
_NULL = -1
_NAME_IT = "; name the column of the labels with --label NAME"


class Labels(NamedTuple):
    """Labels [K] of the rows of each split, and names of their classes where these have some."""

    values: list[npt.NDArray[np.int64]]
    classes: Sequence[str] | None
    notes: tuple[str, ...] = ()


def read_labels(
    tables: Sequence[Table], column: str, classes: Sequence[str] | None, *, is_list: bool = False
) -> Labels:
    """The labels in a column of the training table, which is the first, and of a held-out one.

    Those that are all whole numbers from 0 on without a gap are indices of ``classes``, or of the names that
    the metadata of `datasets` have, or the column ``class`` where the table ``is_list``. All others are names
    of classes: in alphabetical order, of numbers in that of their size.
    """
    for table in tables:
        table.check_column(column, _NAME_IT + ("" if column in table.names else _told(table)))
    given = [_distinct(table, column) for table in tables]
    if len({type(value) for one in given for value in one.values}) > 1:
        given = [replace(one, values=list(map(str, one.values))) for one in given]
    order: list[Any] = sorted(set(given[0].values))
    numbers = all(isinstance(value, int) for one in given for value in one.values)
    named = [_described(table, column) for table in tables]
    if classes is None and None not in named and any(names != named[0] for names in named):
        raise BadInput(
            f"{tables[-1].where}: its class names differ from those of {tables[0].where}; give both splits "
            "the same names in the same order"
        )
    known = named[0] if classes is None else classes
    if numbers and known is None and is_list and "class" in tables[0].names:
        known = _listed(given[0], order)
    if numbers and known is not None:
        return Labels([one.labels(one.values) for one in given], known)
    notes = check_one_class_each(map(str, order), tables[0].num_rows, tables[0].where)
    if numbers and order == list(range(len(order))):
        _check_known(given, order)
        return Labels([one.labels(one.values) for one in given], None, notes)
    if classes is not None:
        raise BadInput(f"{tables[0].where}: its labels are class names already; leave out classes=")
    places = _check_known(given, order)
    found = [one.labels([places[value] for value in one.values]) for one in given]
    return Labels(found, [str(value) for value in order], notes)


def _check_known(given: Sequence[_Distinct], order: Sequence[Any]) -> dict[Any, int]:
    places = {value: place for place, value in enumerate(order)}
    for one in given:
        for at, value in enumerate(one.values):
            if value not in places:
                raise BadInput(
                    f"{one.name_at(at)}: class {str(value)!r:.80} does not occur in train; add it there "
                    "or leave the row out"
                )
    return places


def _listed(given: _Distinct, order: Sequence[int]) -> list[str] | None:
    cells = [from_cell(str(cell or "")) for cell in values_in(given.table, "class")]
    named: dict[int, tuple[str, int]] = {}
    for row, (at, name) in enumerate(zip(given.rows.tolist(), cells, strict=True)):
        first, first_row = named.setdefault(given.values[at], (name, row))
        if name != first:
            raise BadInput(
                f"{given.table.name_at(row)}: label {given.values[at]} is class {name!r} here and {first!r} "
                f"in {given.table.place_at(first_row)}; make label and class agree"
            )
    names = [named[value][0] for value in order]
    return names if all(names) and order == list(range(len(order))) else None


def _told(table: Table) -> str:
    cells = {name: table.read(name).slice(0, LOOKED_AT).to_pylist() for name in usable(table)}
    return instead_of_labels({name: [str(cell).strip() for cell in cells[name]] for name in cells})


@dataclass(frozen=True, eq=False)
class _Distinct:
    """The different ``values`` of a column, in the order they first occur, and which each row [K] has."""

    table: Table
    values: list[Any]
    rows: npt.NDArray[np.int64]

    def name_at(self, at: int) -> str:
        return self.table.name_at(int(np.argmax(self.rows == at)))

    def labels(self, numbers: list[int]) -> npt.NDArray[np.int64]:
        return np.array(numbers, np.int64)[self.rows]


def _distinct(table: Table, column: str) -> _Distinct:
    import pyarrow as pa

    cells = table.column(column)
    types, kind = pa.types, cells.type
    texts = is_text(kind)
    numbers = types.is_floating(kind) or types.is_decimal(kind)
    if not (texts or numbers or types.is_integer(kind) or types.is_boolean(kind)):
        raise BadInput(
            f"{table.where}: column {column} holds {kind} and no labels; name another with --label"
        )
    if types.is_float16(kind):
        cells = cells.cast(pa.float32())
    if types.is_decimal(kind) and kind.bit_width < 128:  # for which there is no dictionary
        cells = cells.cast(pa.decimal128(kind.precision, kind.scale))
    valid = cells.is_valid().to_numpy()
    rows, values = np.full(len(cells), _NULL), []
    if valid.any():
        encoded = first_come(cells.drop_null())
        rows[valid], values = encoded.indices.to_numpy(), encoded.dictionary.to_pylist()
    found = _Distinct(table, values, rows)
    empty = [_NULL, *(at for at, value in enumerate(found.values) if _is_empty(value))]
    without = np.isin(rows, empty)
    if without.any():
        raise BadInput(
            f"{table.name_at(int(without.argmax()))}: the {column} is empty; fill it in or leave the row out"
        )
    if texts:
        return _of_texts(found, column)
    return _of_numbers(found, column) if numbers else _in_range(found)


def _is_empty(value: Any) -> bool:
    return bool(value != value or (isinstance(value, str) and not value.strip()))


def _of_texts(found: _Distinct, column: str) -> _Distinct:
    values = [from_cell(cell) for cell in found.values]
    if all(INTEGER.fullmatch(value) for value in values):
        return _in_range(replace(found, values=values))
    for at, value in enumerate(values):
        if value != value.strip() or len(value.splitlines()) > 1:
            raise BadInput(
                f"{found.name_at(at)}: the label {value!r:.80} has spaces around it or a line break in it, "
                "which makes it another class; take them out"
            )
    numbers = [_number(value) for value in values]
    if None in numbers:
        return replace(found, values=values)
    return _of_numbers(replace(found, values=numbers), column)


def _number(text: str) -> float | None:
    """The number that a text is, as programs write them: ``007`` is a name."""
    return float(text) if INTEGER.fullmatch(text) or _DECIMAL.fullmatch(text) else None


def _of_numbers(found: _Distinct, column: str) -> _Distinct:
    for at, value in enumerate(found.values):
        if abs(value) >= 2**62 or value != int(value):
            raise BadInput(
                f"{found.name_at(at)}: the {column} is {float(value):g}, and labels are whole numbers or "
                "names; put the values into classes, or name another column with --label"
            )
    return _in_range(found)


def _in_range(found: _Distinct) -> _Distinct:
    values = [int(value) for value in found.values]
    for at, value in enumerate(values):
        if not 0 <= value < 2**62:
            raise BadInput(f"{found.name_at(at)}: label {value} is out of range; labels are 0, 1, 2, ...")
    return replace(found, values=values)


def _described(table: Table, column: str) -> list[str] | None:
    names = table.features.get(column, {}).get("names")
    return [str(name) for name in names] if isinstance(names, list) else None


def instead_of_labels(columns: Mapping[str, Sequence[str]]) -> str:
    """A clause on what columns may hold, if they are no inputs, by the first cells of each, or empty."""
    ours = {name.lower().replace("_", ""): name for name in columns}
    for box in _BOXES:
        if {*box.split()} <= ours.keys():
            return f"; if {', '.join(ours[one] for one in box.split())} hold boxes, {CROP}"
    flags = [name for name, cells in columns.items() if {cell.lower() for cell in cells} in _FLAGS]
    rows = zip(*(columns[name] for name in flags), strict=True)
    one_each = {sum(cell.lower() in _TRUE for cell in row) for row in rows} == {1}
    stems = {name: found[1] for name in columns if (found := _NUMBERED.fullmatch(name))}
    by_stem = ([name for name in stems if stems[name] == stem] for stem in dict.fromkeys(stems.values()))
    people = next((names for names in by_stem if _are_people([columns[name] for name in names])), [])
    if len(flags) > 1 and (one_each or not people):
        return (
            f"; if {shorten(flags)} hold 0 and 1, a class each, put the name of the class of each row into a "
            "column label, or give a row for each label where there are several"
        )
    take = "take the majority into a column, or choose one"
    told = f"; if {shorten(people)} hold labels, of a person each, {take}"
    return f"{told} (--label {people[0]})" if people else ""


def _are_people(columns: Sequence[Sequence[str]]) -> bool:
    """Do columns hold few labels (texts, or the same whole numbers each), and the first two mostly agree?"""
    numbers = [{cell for cell in column if _NUMBER.fullmatch(cell)} for column in columns]
    if any(own != numbers[0] or not all(float(one).is_integer() for one in own) for own in numbers):
        return False
    if not 1 < len(columns) <= _MOST_PEOPLE or len(set().union(*columns)) > _MOST_GIVEN:
        return False
    agree: list[bool] = [one == other != "" for one, other in zip(*columns[:2], strict=True)]
    return 2 * sum(agree) > len(agree)


def check_one_class_each(labels: Iterable[str], num: int, where: str) -> tuple[str, ...]:
    """A note where one of the different ``labels`` of ``num`` examples may be several, or all may measure."""
    names = {*labels}
    share = 0.5 if any("." in name for name in names) else 0.9  # nearly each its own, as 301 classes have not
    if _FEW < len(names) > share * num and all(_NUMBER.fullmatch(name) for name in names):
        raise BadInput(
            f"{where}: the labels are {len(names):,} different numbers of {num:,} examples, targets and no "
            "classes; put them into bins, or name a column of classes with --label"
        )
    what = "several labels ({} between them), and one class each is what is measured"
    remedy = "name another column with --label, or keep one of them for each example"
    ordered = sorted(names)
    listed = next(filter(_LIST.fullmatch, ordered), None)
    if listed is not None:
        raise BadInput(f"{where}: the label {listed!r:.80} is a list of several labels; {remedy}")
    for sign in ";|,":
        several = {name: [part.strip() for part in name.split(sign)] for name in ordered if sign in name}
        alone = names - several.keys()
        enough, first = (all, 0) if sign == "," else (any, 1)  # Maine may stand beside "Portland, Maine"
        for name, parts in several.items():
            if enough(part in alone for part in parts[first:]):
                raise BadInput(f"{where}: the label {name!r} is {what.format(sign)}; {remedy}")
        recur = Counter(part for parts in several.values() for part in {*parts})
        always = not alone and sign != "," and 2 * sum(times > 1 for times in recur.values()) > len(recur)
        for name, parts in several.items():
            if always or {*parts} & alone:
                return (f"the label {shorten([name])!r} may be {what.format(sign)}",)
    if len(names) > _FEW and all(re.fullmatch(r"[1-9]\d{0,17}", name, re.ASCII) for name in names):
        low, *_, high = sorted(map(int, names))
        if low > 1:
            return (
                f"the labels are {len(names):,} whole numbers from {low} to {high}, each taken as a class; "
                "if they measure something, make classes of them (bins)",
            )
    return ()
