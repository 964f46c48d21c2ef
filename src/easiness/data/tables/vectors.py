"""Vectors made of the columns of a table: numbers as they are, categories as a column for each of theirs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from easiness.data.tables import table as cells
from easiness.data.tables.table import Numbers, Singles, Table, Tables
from easiness.errors import BadInput, printable, shorten
from easiness.gate import check_fits, is_text
from easiness.inputs import VECTOR
from easiness.show import counted
from easiness.spec import LoadOptions

MOST_CATEGORIES = 50
MOST_FAULTS = 6
IDS = frozenset({"id", "index", "unnamed: 0", "", "__index_level_0__"})
"""Columns that count the rows, in small letters; pandas writes all but the first two."""
MOST_SHOWN = 40


Making = tuple[Sequence[str], Callable[[Table], tuple[Numbers, int, int]]]
"""Names of the columns that one becomes, and what makes them, [K, d], of a table's own.

Beside them are the numbers of cells that were missing, and of categories that no training row has.
"""


class Vectors(NamedTuple):
    """The vectors [K, D] of each split, the names of their values, and what was made of what, in words."""

    values: list[Singles]
    names: tuple[str, ...]
    note: str


def make_vectors(train: Table, held_out: Table | None, columns: Sequence[str]) -> Vectors:
    """One vector a row, of these columns in their order.

    A number that is missing becomes the median of the training rows, and a column `` is missing`` says
    where, if a training row lacks one. A category becomes a column for each of those in the training rows,
    of which that of the row is 1; where it is missing, or not among them, none.
    """
    tables = [train] if held_out is None else [train, held_out]
    kinds: list[str] = []
    names: list[str] = []
    made: list[list[Singles]] = [[] for _ in tables]
    filled = unseen = 0
    faults: list[cells.UnusableColumn] = []
    for column in columns:
        try:
            if held_out is not None and column not in held_out.names:
                problem = f"column {column} is not in {held_out.where}"
                raise cells.unusable(train.where, column, problem, "add it there")
            kinds.append(cells.kind_of_column(train, column))
            own, make = _MAKERS[kinds[-1]](train, column)
            for parts, table in zip(made, tables, strict=True):
                values, num_filled, num_unseen = make(table)
                parts.append(values.astype(np.float32))
                filled, unseen = filled + num_filled, unseen + num_unseen
            names += own
        except cells.UnusableColumn as error:
            faults.append(error)
    if len(faults) == 1:
        raise faults[0]
    if faults:
        problems = shorten((error.problem for error in faults), MOST_FAULTS)
        raise BadInput(
            f"{train.where}: {len(faults)} columns cannot be used ({problems}); leave them out with "
            f"{cells.leaving_out([error.column for error in faults])}, or mend them"
        )
    check_fits(4 * sum(table.num_rows for table in tables) * len(names), train.where)
    note = _described(columns, kinds, len(names), filled, unseen)
    joined = [np.concatenate(parts, axis=1) for parts in made]
    return Vectors(joined, tuple(map(printable, names)), note)


def _described(columns: Sequence[str], kinds: Sequence[str], width: int, filled: int, unseen: int) -> str:
    found = []
    for kind, noun in {"numbers": "numeric", "texts": "categorical", "vectors": "vector"}.items():
        if own := [column for column, one in zip(columns, kinds, strict=True) if one == kind]:
            found.append(f"{counted(len(own), f'{noun} column')} ({shorten(own, MOST_FAULTS)})")
    text = f"input: {' and '.join(found)}, {counted(width, 'value')} a row"
    if filled:
        text += f"; {counted(filled, 'missing cell')} filled in"
    if unseen:
        text += f"; {counted(unseen, 'held-out cell')} of a category that no training row has"
    return text


def _of_numbers(train: Table, name: str) -> Making:
    ours = cells.numbers_in(train, name)
    gone = np.isnan(ours)
    middle = 0.0 if gone.all() else float(np.median(ours[~gone]))
    flagged = bool(gone.any())

    def make(table: Table) -> tuple[Numbers, int, int]:
        values = cells.numbers_in(table, name)
        empty = np.isnan(values)
        filled = np.where(empty, middle, values)
        return np.column_stack([filled, empty] if flagged else [filled]), int(empty.sum()), 0

    return [name, f"{name} is missing"] if flagged else [name], make


def _of_texts(train: Table, name: str) -> Making:
    ours = cells.texts_in(train, name)
    found = sorted({text for text in ours if text is not None})
    _check_categories(train, name, ours, len(found))
    places = {text: at for at, text in enumerate(found)}
    names = [f"{name}: {text[:MOST_SHOWN]}" for text in found]
    if None in ours:
        places[None] = len(found)  # type: ignore[index]
        names.append(f"{name} is missing")

    def make(table: Table) -> tuple[Numbers, int, int]:
        texts = cells.texts_in(table, name)
        known = [row for row, text in enumerate(texts) if text in places]
        values = np.zeros((len(texts), len(names)))
        values[known, [places[texts[row]] for row in known]] = 1  # type: ignore[index]
        missing = texts.count(None)
        return values, missing, sum(text is not None and text not in places for text in texts)

    return names, make


def _check_categories(table: Table, name: str, texts: Sequence[str | None], num: int) -> None:
    given = [(row, text) for row, text in enumerate(texts) if text is not None]
    if num <= MOST_CATEGORIES and num < len(given):
        return
    others = [(row, text) for row, text in given if cells.number_in(text) is None]
    if 2 * len(others) < len(given):
        row, text = others[0]
        problem = f"the {name} is {text!r:.80}, and mostly a number"
        raise cells.unusable(table.name_at(row), name, problem, "mend it or empty the cell")
    many = f"{num} different texts, too many for a category (at most {MOST_CATEGORIES})"
    problem = many if num > MOST_CATEGORIES else "another text in each row, which is no category"
    remedy = f"give --text {name} if these are the examples, --columns path={name} if they are files"
    raise cells.unusable(table.where, name, f"column {name} holds {problem}", remedy)


def _of_vectors(train: Table, name: str) -> Making:
    width = cells.vectors_in(train, name).shape[1]

    def make(table: Table) -> tuple[Numbers, int, int]:
        values = cells.vectors_in(table, name)
        if values.shape[1] != width:
            problem = f"column {name} has lists of {width} and of {values.shape[1]} numbers held out"
            raise cells.unusable(train.where, name, problem, "give both splits the same")
        return values, 0, 0

    return [f"{name}[{at}]" for at in range(width)], make


_MAKERS: dict[str, Callable[[Table, str], Making]] = {
    "numbers": _of_numbers,
    "texts": _of_texts,
    "vectors": _of_vectors,
}


def input_columns(train: Table, label: str, options: LoadOptions) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The columns that make vectors, and a note about those that do not."""
    if options.inputs is not None:
        for name in options.inputs:
            train.check_column(name)
            if name == label:
                raise BadInput(
                    f"--inputs {name}: holds the labels; leave it out, or name others with --label"
                )
        return options.inputs, ()
    no_inputs = {label, options.group, options.id, *(options.without or ())}
    no_inputs.add((options.columns or {}).get("split", "split"))
    names = [name for name in train.names if name not in no_inputs]
    for name in VECTOR.columns:
        if name in names and cells.is_vectors(train.kind(name)):
            rest = [one for one in names if one != name]
            return (name,), _left_out(rest, f"{name} holds the vectors")
    used = [name for name in names if name.lower() not in IDS]
    if not used:
        raise BadInput(
            f"{train.where}: no column of numbers or categories beside {label} (its columns are "
            f"{shorten(train.names, 10)}); name the columns to use with "
            "--inputs, texts with --text and paths with --columns path=NAME"
        )
    notes = _left_out([name for name in names if name not in used], "it counts the rows")
    named = [name for name in used if _names_rows(train, name)]
    if len(named) == len(used):
        return tuple(used), notes
    notes += _left_out(named, "each row has another text there")
    return tuple(name for name in used if name not in named), notes


def _names_rows(of: Table, name: str) -> bool:
    if name not in of.names or not is_text(of.kind(name)):
        return False
    texts = {text for text in cells.texts_in(of, name) if text is not None}
    return len(texts) == of.num_rows and all(cells.number_in(text) is None for text in texts)


def named_by(tables: Tables, columns: Sequence[str], label: str, options: LoadOptions) -> str:
    """The column of the shortest texts that name all rows, where nobody has named the inputs; else empty."""
    unused = {*columns, label, options.group, *(options.without or ())}
    rest = [] if options.inputs else [name for name in tables.train.names if name not in unused]
    found = [name for name in rest if all(_names_rows(of, name) for of in tables.both())]
    return min(found, key=lambda name: max(map(len, cells.written_in(tables.train, name))), default="")


def _left_out(names: list[str], why: str) -> tuple[str, ...]:
    if not names:
        return ()
    named = printable(shorten(map(repr, names), 5))
    return (
        f"{'columns' if len(names) > 1 else 'column'} {named} not used, since {why} (--inputs names others)",
    )
