"""The cells of a column: numbers, texts or lists of numbers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from easiness.data.sources.tables import column_of
from easiness.data.tables.table import Table
from easiness.errors import BadInput, shorten
from easiness.gate import is_text, objects_in

Numbers = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]

MISSING = frozenset({"", "na", "n/a", "nan", "null"})
"""What stands for a value that is missing, in small letters."""
TRUTHS = {"true": 1.0, "false": 0.0}
_LARGEST = float(np.finfo(np.float32).max)


def is_vectors(kind: Any) -> bool:
    """Is a type of Arrow one of lists of numbers?"""
    from pyarrow import types

    listed = types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind)
    return bool(listed) and bool(types.is_floating(kind.value_type) or types.is_integer(kind.value_type))


def is_numbers(kind: Any) -> bool:
    """Is a type of Arrow one of numbers, or of true and false?"""
    from pyarrow import types

    tests = (types.is_integer, types.is_floating, types.is_boolean, types.is_decimal, types.is_null)
    return any(test(kind) for test in tests)


def texts_in(table: Table, name: str) -> list[str | None]:
    """The cells of a column of texts, or of numbers as texts; ``None`` where one is missing."""
    cells = objects_in(table.column(name)).tolist()
    found: dict[Any, str | None] = {None: None}
    for cell in cells:
        if cell not in found:
            text = str(cell).strip()
            found[cell] = None if text.lower() in MISSING else text
    return [found[cell] for cell in cells]


def number_in(text: str) -> float | None:
    """The number that a text is; 1 and 0 for true and false."""
    if text.lower() in TRUTHS:
        return TRUTHS[text.lower()]
    try:
        return None if "_" in text else float(text)
    except ValueError:
        return None


def numbers_in(table: Table, name: str) -> Numbers:
    """The numbers [K] in a column, not a number where one is missing.

    Raises:
        BadInput: a cell is no number, or is infinite in single precision.
    """
    cells = table.column(name)
    if is_text(cells.type):
        values = [_number(table, name, row, text) for row, text in enumerate(texts_in(table, name))]
    elif is_numbers(cells.type):
        values = [math.nan if cell is None else float(cell) for cell in cells.to_pylist()]
    else:
        raise BadInput(f"{table.where}: column {name} holds {cells.type} and no numbers; leave it out")
    numbers = np.array(values, np.float64)
    with np.errstate(invalid="ignore"):
        bad = np.flatnonzero(np.abs(numbers) > _LARGEST)
    if len(bad):
        raise BadInput(
            f"{table.name_at(int(bad[0]))}: the {name} is {numbers[bad[0]]:g}; give a finite number, or "
            "leave the cell empty where it is missing"
        )
    return numbers


def _number(table: Table, name: str, row: int, text: str | None) -> float:
    if text is None:
        return math.nan
    number = number_in(text)
    if number is None:
        raise BadInput(
            f"{table.name_at(row)}: the {name} is {text!r:.80}, and elsewhere a number; mend it, or leave "
            "the cell empty where it is missing"
        )
    return number


def vectors_in(table: Table, name: str) -> Numbers:
    """The lists of numbers in a column, [K, D].

    Raises:
        BadInput: rows differ in length, one is missing, or a value is not finite in single precision.
    """
    import pyarrow as pa

    made = column_of(pa.table({name: table.column(name)}), name, table.where).astype(np.float64)
    bad = np.flatnonzero(~(np.abs(made) <= _LARGEST).all(axis=1))
    if len(bad):
        row = int(bad[0])
        at = int(np.flatnonzero(~(np.abs(made[row]) <= _LARGEST))[0])
        raise BadInput(
            f"{table.name_at(row)}: value {at} of the {name} is {made[row, at]:g}; give finite numbers, or "
            "leave the row out"
        )
    return made


def kind_of_column(table: Table, name: str) -> str:
    """What a column holds by its type, and of texts by what they are: ``numbers``, ``texts`` or ``vectors``.

    Raises:
        BadInput: it holds something else.
    """
    kind = table.column(name).type
    if is_vectors(kind):
        return "vectors"
    if is_numbers(kind):
        return "numbers"
    if is_text(kind):
        texts = (text for text in texts_in(table, name) if text is not None)
        return "numbers" if all(number_in(text) is not None for text in texts) else "texts"
    raise BadInput(
        f"{table.where}: column {name} holds {kind}, which is no number and no category; name the columns to "
        f"use with --inputs ({shorten(_usable(table), 5)})"
    )


def _usable(table: Table) -> list[str]:
    kinds = ((name, table.read(name).type) for name in table.names)
    return [name for name, kind in kinds if is_vectors(kind) or is_numbers(kind) or is_text(kind)]
