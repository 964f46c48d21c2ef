"""Vectors made of the columns of a table: numbers as they are, categories as a column for each of theirs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from easiness.data.tables import cells
from easiness.data.tables.cells import Numbers, Singles
from easiness.data.tables.table import Table
from easiness.errors import BadInput, printable
from easiness.gate import check_fits
from easiness.show import counted

MOST_CATEGORIES = 50
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

    Raises:
        BadInput: a column cannot be used, with the row where that is one's fault.
    """
    kinds = {name: cells.kind_of_column(train, name) for name in columns}
    made = [_MAKERS[kinds[name]](train, held_out, name) for name in columns]
    names = tuple(printable(name) for one in made for name in one.names)
    num = train.num_rows + (0 if held_out is None else held_out.num_rows)
    check_fits(4 * num * len(names), train.where)
    values = [_joined([one.train for one in made])]
    if held_out is not None:
        values.append(_joined([one.held_out for one in made if one.held_out is not None]))
    return Vectors(values, names, _described(list(kinds.values()), made))


def _joined(parts: Sequence[Numbers]) -> Singles:
    return np.concatenate([part.astype(np.float32) for part in parts], axis=1)


def _described(kinds: Sequence[str], made: Sequence[Made]) -> str:
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
        raise BadInput(
            f"{table.name_at(row)}: the {name} is {text!r:.80}, and mostly a number; mend it, or leave the "
            "cell empty where it is missing"
        )
    many = f"{num} different texts, too many for a category (at most {MOST_CATEGORIES})"
    problem = many if num > MOST_CATEGORIES else "another text in each row, which is no category"
    raise BadInput(
        f"{table.where}: column {name} holds {problem}; give --text {name} if these are the examples, "
        f"--columns path={name} if they are files, or name the columns to use with --inputs"
    )


def _of_vectors(train: Table, held_out: Table | None, name: str) -> Made:
    ours = cells.vectors_in(train, name)
    theirs = None if held_out is None else cells.vectors_in(held_out, name)
    if theirs is not None and theirs.shape[1] != ours.shape[1]:
        raise BadInput(
            f"{train.where}: column {name} has lists of {ours.shape[1]} numbers to train on and of "
            f"{theirs.shape[1]} held out; give both splits the same"
        )
    return Made(ours, theirs, [f"{name}[{at}]" for at in range(ours.shape[1])])


_MAKERS: dict[str, Callable[[Table, Table | None, str], Made]] = {
    "numbers": _of_numbers,
    "texts": _of_texts,
    "vectors": _of_vectors,
}
