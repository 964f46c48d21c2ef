"""A table: the rows of one split as columns of Arrow, from whatever file, and what is in their cells."""

from __future__ import annotations

import json
import math
import re
import shlex
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from easiness.csv_cells import from_cell
from easiness.errors import BadInput, nearest, shorten
from easiness.gate import is_text, objects_in
from easiness.inputs import Blobs, Files, Positions
from easiness.lazy import Array, Floats, pa, pc

Numbers = Floats
Names = Sequence[str]

INTEGER = re.compile(r"0|-?[1-9]\d{0,17}", re.ASCII)
"""A whole number as `str` writes it; ``007`` is a name."""
MISSING = frozenset({"", "na", "n/a", "nan", "null"})
"""Words for a value that is missing, in small letters."""
TRUTHS = {"true": 1.0, "false": 0.0}
_LARGEST = float(np.finfo(np.float32).max)
AT_ONCE = 1024


@dataclass(frozen=True, eq=False)
class Table:
    """The rows of one split.

    ``where`` names them in an error and ``name_at(i)`` the row at position i. ``schema`` is Arrow's; cells of
    a CSV are strings. ``read`` gives a column that is there as a `pyarrow.ChunkedArray`; texts may come as a
    dictionary, so that a million equal ones are one (`gate.objects_in` makes objects of both).
    Paths start from ``root``. ``blobs`` gives the encoded examples in a column, of which the ``rows`` are
    these, by default all. ``batches`` reads a column some rows at a time, where that saves memory.
    """

    where: str
    schema: Any
    num_rows: int
    name_at: Callable[[int], str]
    read: Callable[[str], Any]
    root: Path | None = None
    blobs: Callable[[str, Files], Blobs] | None = None
    rows: Positions | None = None
    batches: Callable[[str], Iterator[Any]] | None = None

    @property
    def names(self) -> list[str]:
        return list(self.schema.names)

    @cached_property
    def features(self) -> dict[str, dict[str, Any]]:
        """Metadata of the library `datasets` about columns, as far as they can be understood."""
        try:
            features = json.loads((self.schema.metadata or {})[b"huggingface"])["info"]["features"]
            return {name: of for name, of in features.items() if isinstance(of, dict)}
        except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
            return {}

    def kind(self, name: str) -> Any:
        self.check_column(name)
        kind = self.schema.field(self.names.index(name)).type
        return getattr(kind, "value_type", kind) if type(kind).__name__ == "DictionaryType" else kind

    def column(self, name: str) -> Any:
        self.check_column(name)
        return self.read(name)

    def check_column(self, name: str, remedy: str = "") -> None:
        """Make sure that there is one column of this name; ``remedy`` is added where there is none."""
        if name not in self.names:
            columns = f"its columns are {shorten(self.names, 20)}"
            raise BadInput(f"{self.where}: no column {name}{nearest(name, self.names)}; {columns}{remedy}")
        if self.names.count(name) > 1:
            raise BadInput(f"{self.where}: column {name} occurs more than once; leave one out")

    def place_at(self, row: int) -> str:
        return self.name_at(row).rpartition(": ")[2]

    def take(self, rows: Positions, where: str) -> Table:
        positions = rows.tolist()
        return replace(
            self,
            where=where,
            num_rows=len(rows),
            name_at=lambda row: self.name_at(positions[row]),
            read=lambda name: self.read(name).take(rows),
            rows=rows if self.rows is None else self.rows[rows],
            batches=None,
        )


class Tables(NamedTuple):
    """The splits of a source; ``name`` is that of the held-out one."""

    train: Table
    held_out: Table | None = None
    name: str = ""

    def both(self) -> list[Table]:
        return [self.train] if self.held_out is None else [self.train, self.held_out]


class Reader(NamedTuple):
    """A form of table in files, by the ends of their names in small letters.

    ``open`` makes one table of the files of a split, given the encoding that a user names, what to call the
    split in an error, and the folder of the source. ``is_text`` tells if files have an encoding.
    """

    suffixes: tuple[str, ...]
    open: Callable[[Sequence[Path], str | None, str, Path], Table]
    is_text: bool = True

    def reads(self, path: Path) -> bool:
        return path.name.lower().endswith(self.suffixes)


def the_only(files: Sequence[Path]) -> Path:
    if len(files) > 1:
        names = shorten(file.name for file in files)
        raise BadInput(f"{files[0].parent}: {len(files)} files for one split ({names}); put them together")
    return files[0]


class UnusableColumn(BadInput):
    """A column that no vectors can be made of; the ``problem`` says why."""

    def __init__(self, text: str, column: str = "", problem: str = "") -> None:
        super().__init__(text)
        self.column, self.problem = column, problem


def unusable(where: str, column: str, problem: str, remedy: str) -> UnusableColumn:
    text = f"{where}: {problem}; {remedy}, or leave the column out with {leaving_out([column])}"
    row = re.search(r": ((?:line|row) \d+)$", where)
    return UnusableColumn(text, column, problem if row is None else f"{problem} in {row[1]}")


def leaving_out(names: Sequence[str]) -> str:
    """The option that leaves columns out; names with a comma can be given in Python alone."""
    plain = not any("," in name for name in names)
    return f"--without {shlex.quote(','.join(names))}" if plain else f"without={list(names)!r} (in Python)"


def is_vectors(kind: Any) -> bool:
    types = pa.types
    is_list = types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind)
    return bool(is_list) and bool(types.is_floating(kind.value_type) or types.is_integer(kind.value_type))


def is_numbers(kind: Any) -> bool:
    types = pa.types
    tests = (types.is_integer, types.is_floating, types.is_boolean, types.is_decimal, types.is_null)
    return any(test(kind) for test in tests)


def is_value(kind: Any) -> bool:
    """Is a type of Arrow one of texts, numbers or times?"""
    return is_text(kind) or is_numbers(kind) or bool(pa.types.is_temporal(kind))


def values_in(table: Table, name: str) -> list[Any]:
    """The cells of a column as values of Python; equal texts that are stored once are one object."""
    cells = table.column(name)
    is_dictionary = hasattr(cells.type, "value_type")
    values: list[Any] = objects_in(cells).tolist() if is_dictionary else cells.to_pylist()
    return values


def names_in(table: Table, name: str, purpose: str) -> list[str]:
    """The cells of a column that names something of each row, as texts without spaces around them."""
    table.check_column(name, f"; name the column {purpose}")
    kind = table.kind(name)
    if not is_value(kind):
        raise BadInput(f"{table.where}: column {name} holds {kind}; name one of texts or numbers")
    cells = [cell.strip() for cell in written_in(table, name)]
    if "" in cells:
        where = table.name_at(cells.index(""))
        raise BadInput(f"{where}: the {name} {purpose} is empty; fill it in or leave the row out")
    return [cell.removesuffix(".0") for cell in cells] if is_numbers(kind) else cells


def written_in(table: Table, name: str) -> list[str]:
    """The cells of a column as texts, with the spaces around them; empty where one is missing."""
    return [
        "" if value is None or value != value else from_cell(value) if isinstance(value, str) else str(value)
        for value in values_in(table, name)
    ]


def is_missing(value: Any) -> bool:
    return value is None or value != value or not str(value).strip()


def texts_in(table: Table, name: str) -> list[str | None]:
    """The cells of a column of texts, or of numbers as texts; ``None`` where one is missing."""
    cells = values_in(table, name)
    plain = {cell: str(cell).strip() for cell in {*cells}}
    texts = {cell: None if cell is None or text.lower() in MISSING else text for cell, text in plain.items()}
    return [texts[cell] for cell in cells]


def number_in(text: str) -> float | None:
    """The number that a text is; 1 and 0 for true and false."""
    if text.lower() in TRUTHS:
        return TRUTHS[text.lower()]
    try:
        return None if "_" in text else float(text)
    except ValueError:
        return None


def numbers_in(table: Table, name: str) -> Numbers:
    kind, values = table.kind(name), _fast_numbers(table, name)
    if values is None and is_text(kind):
        texts = texts_in(table, name)
        values = [math.nan if text is None else number_in(text) for text in texts]
        if None in values:
            row = values.index(None)
            problem = f"the {name} is {texts[row]!r:.80}, and elsewhere a number"
            raise unusable(table.name_at(row), name, problem, "mend it or empty the cell")
    if values is None:
        raise unusable(table.where, name, f"column {name} holds {kind} and no numbers", "mend it")
    numbers = np.array(values, np.float64)
    bad = np.flatnonzero(np.abs(numbers) > _LARGEST)
    if len(bad):
        problem = f"the {name} is {numbers[bad[0]]:g}"
        raise unusable(table.name_at(int(bad[0])), name, problem, "give a finite number, or empty the cell")
    return numbers


def _fast_numbers(table: Table, name: str) -> Any:
    """The numbers [K] of a column of numbers, or of texts that Arrow takes for numbers; else ``None``."""
    if is_numbers(table.kind(name)):
        return table.column(name).cast(pa.float64(), safe=False).to_numpy()
    if not is_text(table.kind(name)):
        return None
    texts = pc.utf8_trim_whitespace(table.column(name).cast(pa.large_string()))
    missing = pc.is_in(pc.utf8_lower(texts), pa.array(sorted(MISSING), pa.large_string()))
    try:
        return pc.if_else(missing, None, texts).cast(pa.float64()).to_numpy()
    except pa.ArrowInvalid:
        return None


def vectors_in(table: Table, name: str) -> Numbers:
    vectors = _array(table, name, table.column(name)).astype(np.float64)
    bad = np.argwhere(~(np.abs(vectors) <= _LARGEST))
    if len(bad):
        row, at = bad[0].tolist()
        problem = f"value {at} of the {name} is {vectors[row, at]:g}"
        raise unusable(table.name_at(row), name, problem, "give finite numbers")
    return vectors


def vectors_of(table: Table, name: str, rows: Positions) -> Iterator[Array]:
    """The lists of numbers in a column of some rows, [n, D], some at a time."""
    table.check_column(name)
    start = 0
    if table.batches is not None and (np.diff(rows) > 0).all():
        for part in table.batches(name):
            low, high = np.searchsorted(rows, [start, start + len(part)])
            if low < high:
                yield _array(table, name, part.take(rows[low:high] - start))
            start += len(part)
        return
    values = table.column(name)
    for start in range(0, len(rows), AT_ONCE):
        yield _array(table, name, values.take(rows[start : start + AT_ONCE]))


def column_values(table: Table, name: str, rows: Positions) -> Array:
    """The cells of a column in some rows [n]: numbers, NaN where one is missing, or texts and ``None``.

    Days and times are texts, of times the day.
    """
    kind = table.kind(name)
    if not is_value(kind):
        raise BadInput(f"{table.where}: column {name} holds {kind}; name one of texts, numbers or days")
    if not pa.types.is_boolean(kind) and (numbers := _fast_numbers(table, name)) is not None:
        return np.asarray(numbers, np.float64)[rows]
    texts = texts_in(table, name)
    return np.array([text and text[:10] for text in texts] if pa.types.is_temporal(kind) else texts, object)[
        rows
    ]


def _array(table: Table, name: str, values: Any) -> Array:
    if not is_vectors(values.type):
        problem = f"column {name} holds {values.type} and no lists of numbers"
        raise unusable(table.where, name, problem, "give another")
    numbers = pc.list_flatten(values)
    lengths = pc.unique(pc.list_value_length(values)).to_pylist()
    if values.null_count or numbers.null_count or len(lengths) != 1 or not lengths[0]:
        problem = f"column {name} has rows that differ in length or hold nulls"
        raise unusable(table.where, name, problem, "give every row as many numbers")
    array: Array = np.asarray(numbers)
    return array.reshape(len(values), -1)


def kind_of_column(table: Table, name: str) -> str:
    """The kind of a column by its type, of texts by what they are: ``numbers``, ``texts`` or ``vectors``."""
    kind = table.kind(name)
    if is_vectors(kind):
        return "vectors"
    if _fast_numbers(table, name) is not None:
        return "numbers"
    if is_text(kind):
        texts = (text for text in texts_in(table, name) if text is not None)
        return "numbers" if all(number_in(text) is not None for text in texts) else "texts"
    problem = f"column {name} holds {kind}, which is no number and no category"
    remedy = f"name the columns to use with --inputs ({shorten(usable(table), 5)})"
    raise unusable(table.where, name, problem, remedy)


def usable(table: Table) -> list[str]:
    tests: tuple[Callable[[Any], bool], ...] = (is_vectors, is_numbers, is_text)
    return [name for name in table.names if any(test(table.kind(name)) for test in tests)]
