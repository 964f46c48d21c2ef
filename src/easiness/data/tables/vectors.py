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
"""Columns of which a message says why they cannot be used."""
IDS = frozenset({"id", "index", "unnamed: 0", "", "__index_level_0__"})
"""Columns that count the rows, in small letters; pandas writes all but the first two."""
MOST_SHOWN = 40
"""Characters of a category in the name of its column."""


class Made(NamedTuple):
    """Columns [K, d] made of one: for the training rows, the held-out ones if any, with their names.

    ``num_filled`` counts the cells that were missing, and ``num_unseen`` held-out categories that no training
    row has.
    """

    train: Numbers
    held_out: Numbers | None
    names: Sequence[str]
    num_filled: int = 0
    num_unseen: int = 0


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
    made: dict[str, tuple[str, Made]] = {}
    faults: list[cells.UnusableColumn] = []
    for name in columns:
        try:
            if held_out is not None and name not in held_out.names:
                problem = f"column {name} is not in {held_out.where}"
                raise cells.unusable(train.where, name, problem, "add it there")
            kind = cells.kind_of_column(train, name)
            made[name] = kind, _MAKERS[kind](train, held_out, name)
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
    names = tuple(printable(name) for _, one in made.values() for name in one.names)
    num = train.num_rows + (0 if held_out is None else held_out.num_rows)
    check_fits(4 * num * len(names), train.where)
    values = [_joined([one.train for _, one in made.values()])]
    if held_out is not None:
        values.append(_joined([one.held_out for _, one in made.values() if one.held_out is not None]))
    return Vectors(values, names, _described(list(made.values())))


def _joined(parts: Sequence[Numbers]) -> Singles:
    return np.concatenate([part.astype(np.float32) for part in parts], axis=1)


def _described(columns: Sequence[tuple[str, Made]]) -> str:
    kinds, made = [kind for kind, _ in columns], [one for _, one in columns]
    nouns = {"numbers": "numeric", "texts": "categorical", "vectors": "vector"}
    found = [f"{kinds.count(kind)} {noun}" for kind, noun in nouns.items() if kind in kinds]
    width = sum(len(one.names) for one in made)
    filled, unseen = sum(one.num_filled for one in made), sum(one.num_unseen for one in made)
    text = (
        f"{' and '.join(found)} {'column' if len(kinds) == 1 else 'columns'} make {counted(width, 'value')}"
    )
    if filled:
        text += f"; {counted(filled, 'missing cell')} filled in"
    if unseen:
        text += f"; {counted(unseen, 'held-out cell')} of a category that no training row has"
    return text


def _of_numbers(train: Table, held_out: Table | None, name: str) -> Made:
    ours = cells.numbers_in(train, name)
    gone = np.isnan(ours)
    middle = 0.0 if gone.all() else float(np.median(ours[~gone]))
    flagged = bool(gone.any())

    def made(values: Numbers) -> Numbers:
        empty = np.isnan(values)
        filled = np.where(empty, middle, values)
        return np.column_stack([filled, empty] if flagged else [filled])

    theirs = None if held_out is None else cells.numbers_in(held_out, name)
    return Made(
        made(ours),
        None if theirs is None else made(theirs),
        [name, f"{name} is missing"] if flagged else [name],
        int(gone.sum()) + (0 if theirs is None else int(np.isnan(theirs).sum())),
    )


def _of_texts(train: Table, held_out: Table | None, name: str) -> Made:
    ours = cells.texts_in(train, name)
    found = sorted({text for text in ours if text is not None})
    _check_categories(train, name, ours, len(found))
    places = {text: at for at, text in enumerate(found)}
    flagged = None in ours

    def made(texts: Sequence[str | None]) -> Numbers:
        values = np.zeros((len(texts), len(found) + flagged))
        for row, text in enumerate(texts):
            if text in places:
                values[row, places[text]] = 1
            elif text is None and flagged:
                values[row, -1] = 1
        return values

    theirs = None if held_out is None else cells.texts_in(held_out, name)
    names = [f"{name}: {text[:MOST_SHOWN]}" for text in found]
    return Made(
        made(ours),
        None if theirs is None else made(theirs),
        [*names, f"{name} is missing"] if flagged else names,
        ours.count(None) + (0 if theirs is None else theirs.count(None)),
        sum(text is not None and text not in places for text in theirs or ()),
    )


def _check_categories(table: Table, name: str, texts: Sequence[str | None], num: int) -> None:
    """Make sure that the texts of a column are categories: few, and some of them of several rows."""
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


def _of_vectors(train: Table, held_out: Table | None, name: str) -> Made:
    ours = cells.vectors_in(train, name)
    theirs = None if held_out is None else cells.vectors_in(held_out, name)
    if theirs is not None and theirs.shape[1] != ours.shape[1]:
        problem = f"column {name} has lists of {ours.shape[1]} and of {theirs.shape[1]} numbers held out"
        raise cells.unusable(train.where, name, problem, "give both splits the same")
    return Made(ours, theirs, [f"{name}[{at}]" for at in range(ours.shape[1])])


_MAKERS: dict[str, Callable[[Table, Table | None, str], Made]] = {
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
    """Has the column another text in each row, as names of patients or files are?"""
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
