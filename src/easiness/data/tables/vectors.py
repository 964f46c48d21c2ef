"""Vectors made of the columns of a table: numbers as they are, categories as a column for each of theirs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from easiness.data.tables import table as cells
from easiness.data.tables.table import Names, Numbers, Table, Tables
from easiness.errors import BadInput, printable, shorten
from easiness.gate import check_fits, is_text
from easiness.inputs import VECTOR
from easiness.lazy import Singles
from easiness.show import quantity
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
    by_kind: dict[str, list[str]] = {kind: [] for kind in _MAKERS}
    names: list[str] = []
    parts: list[list[Singles]] = [[] for _ in tables]
    gaps = novel = 0
    faults: list[cells.UnusableColumn] = []
    for column in columns:
        try:
            if held_out is not None and column not in held_out.names:
                problem = f"column {column} is not in {held_out.where}"
                raise cells.unusable(train.where, column, problem, "add it there")
            kind = cells.kind_of_column(train, column)
            own, make = _MAKERS[kind](train, column)
            for part, table in zip(parts, tables, strict=True):
                values, num_gaps, num_novel = make(table)
                part.append(values.astype(np.float32))
                gaps, novel = gaps + num_gaps, novel + num_novel
            names += own
            by_kind[kind].append(column)
        except cells.UnusableColumn as error:
            faults.append(error)
    if len(faults) == 1:
        raise faults[0]
    if faults:
        problems = shorten((error.problem for error in faults), MOST_FAULTS)
        remedy = f"leave them out with {cells.leaving_out([error.column for error in faults])}, or mend them"
        raise BadInput(f"{train.where}: {len(faults)} columns cannot be used ({problems}); {remedy}")
    check_fits(4 * sum(table.num_rows for table in tables) * len(names), train.where)
    nouns = zip(("numeric", "categorical", "vector"), by_kind.values(), strict=True)
    inputs = (
        f"{quantity(len(own), f'{noun} column')} ({shorten(own, MOST_FAULTS)})" for noun, own in nouns if own
    )
    note = f"input: {' and '.join(inputs)}, {quantity(len(names), 'value')} a row"
    note += f"; {quantity(gaps, 'missing cell')} filled in" if gaps else ""
    note += f"; {quantity(novel, 'held-out cell')} of a category that no training row has" if novel else ""
    arrays = [np.concatenate(part, axis=1) for part in parts]
    return Vectors(arrays, tuple(map(printable, names)), note)


def _of_numbers(train: Table, name: str) -> Making:
    ours = cells.numbers_in(train, name)
    is_gap = np.isnan(ours)
    middle = 0.0 if is_gap.all() else float(np.median(ours[~is_gap]))
    has_gaps = bool(is_gap.any())

    def make(table: Table) -> tuple[Numbers, int, int]:
        values = cells.numbers_in(table, name)
        empty = np.isnan(values)
        values[empty] = middle
        return np.column_stack([values, empty] if has_gaps else [values]), int(empty.sum()), 0

    return [name, f"{name} is missing"] if has_gaps else [name], make


def _of_texts(train: Table, name: str) -> Making:
    ours = cells.texts_in(train, name)
    words: list[str | None] = [*sorted({text for text in ours if text is not None})]
    _check_categories(train, name, ours, len(words))
    names = [f"{name}: {str(text)[:MOST_SHOWN]}" for text in words]
    if None in ours:
        words.append(None)
        names.append(f"{name} is missing")
    places = {text: at for at, text in enumerate(words)}

    def make(table: Table) -> tuple[Numbers, int, int]:
        texts = cells.texts_in(table, name)
        rows = [row for row, text in enumerate(texts) if text in places]
        values = np.zeros((len(texts), len(names)))
        values[rows, [places[texts[row]] for row in rows]] = 1
        return values, texts.count(None), sum(text is not None and text not in places for text in texts)

    return names, make


def _check_categories(table: Table, name: str, texts: Sequence[str | None], num: int) -> None:
    present = [(row, text) for row, text in enumerate(texts) if text is not None]
    if num <= MOST_CATEGORIES and num < len(present):
        return
    others = [(row, text) for row, text in present if cells.number_in(text) is None]
    if 2 * len(others) < len(present):
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


def input_columns(train: Table, labels: Names, options: LoadOptions) -> tuple[Names, tuple[str, ...]]:
    """The columns that make vectors, and a note about those that do not."""
    if options.inputs is not None:
        for name in options.inputs:
            train.check_column(name)
        if label := next((name for name in labels if name in options.inputs), ""):
            raise BadInput(f"--inputs {label}: holds the labels; leave it out, or name others with --label")
        return options.inputs, ()
    no_inputs = {*labels, options.group, options.id, *(options.without or ())}
    no_inputs.add((options.columns or {}).get("split", "split"))
    names = [name for name in train.names if name not in no_inputs]
    for name in VECTOR.columns:
        if name in names and cells.is_vectors(train.kind(name)):
            others = [one for one in names if one != name]
            return (name,), _left_out(others, f"{name} holds the vectors")
    rest = [name for name in names if name.lower() not in IDS]
    if not rest:
        problem = (
            f"no column of numbers or categories beside {shorten(labels)} among {shorten(train.names, 10)}"
        )
        remedy = "name inputs with --inputs, texts with --text, paths with --columns path=NAME"
        raise BadInput(f"{train.where}: {problem}; {remedy}")
    notes = _left_out([name for name in names if name not in rest], "it counts the rows")
    naming = [name for name in rest if _names_rows(train, name)]
    if len(naming) == len(rest):
        return tuple(rest), notes
    notes += _left_out(naming, "each row has another text there")
    return tuple(name for name in rest if name not in naming), notes


def _names_rows(table: Table, name: str) -> bool:
    if name not in table.names or not is_text(table.kind(name)):
        return False
    texts = {text for text in cells.texts_in(table, name) if text is not None}
    return len(texts) == table.num_rows and all(cells.number_in(text) is None for text in texts)


def named_by(tables: Tables, columns: Names, labels: Names, options: LoadOptions) -> str:
    """The column of the shortest texts that name all rows, where nobody has named the inputs; else empty."""
    others = {*columns, *labels, options.group, *(options.without or ())}
    rest = [] if options.inputs else [name for name in tables.train.names if name not in others]
    naming = [name for name in rest if all(_names_rows(table, name) for table in tables.both())]
    return min(naming, key=lambda name: max(map(len, cells.written_in(tables.train, name))), default="")


def _left_out(names: list[str], why: str) -> tuple[str, ...]:
    if not names:
        return ()
    columns = f"{'columns' if len(names) > 1 else 'column'} {printable(shorten(map(repr, names), 5))}"
    return (f"{columns} not used, since {why} (--inputs names others)",)
