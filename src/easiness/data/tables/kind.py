"""Which kind of examples a table holds, by the options that name a column, else by its header."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from easiness.csv_cells import csv_rows, from_cell
from easiness.data.sources.given_options import named_columns
from easiness.data.sources.source import SourceRequest
from easiness.data.tables.cells import is_numbers, is_vectors
from easiness.data.tables.splits import table_files
from easiness.errors import BadInput
from easiness.gate import is_text, open_parquet
from easiness.inputs import KINDS, TEXT, VECTOR, InputKind
from easiness.spec import LoadOptions

LABEL = "label"
PATHS = ("path", "filename", "file", "image")
LISTED = frozenset({"id", "class", "split", "was", "action"})
"""Columns of a list of ids, as `prune` and `clean` write it: its ids may be paths."""


def label_column(options: LoadOptions) -> str:
    """The column of the labels, by either of the options that name it."""
    return (named_columns(options) or {}).get("label", LABEL)


def kind_of_table(request: SourceRequest) -> InputKind | None:
    """The kind of the examples in a table that is read as one, texts or vectors; ``None`` for all else.

    Raises:
        BadInput: options name examples of two kinds, or two columns of labels.
    """
    options = request.options
    files = table_files(request.path) if request.exists else None
    if files is None:
        return None
    check_one_kind(options)
    if options.sound is not None or "path" in (options.columns or {}):
        return None
    if options.text is not None or options.inputs is not None:
        return VECTOR if options.text is None else TEXT
    label = label_column(options)
    try:
        first = files.train[0]
        return _of_csv(first, label, options.encoding) if files.is_csv else _of_parquet(first, label)
    except BadInput:  # those who read files of paths and pictures say what is wrong
        return None


def check_one_kind(options: LoadOptions) -> None:
    """Make sure that options name the columns of one kind of examples.

    Raises:
        BadInput: they name two.
    """
    given = [name for name in ("text", "sound", "inputs") if getattr(options, name) is not None]
    if len(given) > 1:
        named = getattr(options, given[0])
        raise BadInput(f"--{given[0]} {named}: --{given[1]} names other examples; give one of them")


def text_column(names: list[str], label: str) -> str | None:
    """The column that by its name holds texts, and is not that of the labels."""
    return next((name for name in TEXT.columns if name in names and name != label), None)


def _held_as_files(names: list[str]) -> bool:
    """Are there columns of pictures or sounds, or of paths to them?"""
    others = [name for kind in KINDS if kind.name not in (TEXT.name, VECTOR.name) for name in kind.columns]
    return any(name in names for name in (*PATHS, *others))


def _of_csv(path: Path, label: str, encoding: str | None) -> InputKind | None:
    rows = csv_rows(path, "table", encoding=encoding)
    _, header = next(rows, (1, []))
    if not header or _held_as_files(header):
        return None
    if text_column(header, label) is not None:
        return TEXT
    if "id" in header:
        _, first = next(rows, (2, []))
        if {*header} <= {*LISTED, label} or "class" in header or _is_file(path, header, first):
            return None
    return VECTOR


def _is_file(path: Path, header: list[str], cells: list[str]) -> bool:
    """Does the first id name a file beside the table?"""
    at = header.index("id")
    try:
        return at < len(cells) and (path.parent / from_cell(cells[at])).is_file()
    except (OSError, ValueError):  # no name that a file can have
        return False


def _of_parquet(path: Path, label: str) -> InputKind | None:
    schema = open_parquet(path).schema_arrow
    if _held_as_files(schema.names):
        return None
    if text_column(schema.names, label) is not None:
        return TEXT
    tests = (is_numbers, is_text, is_vectors)
    others = [_plain(field.type) for field in schema if field.name != label]
    return VECTOR if any(test(kind) for kind in others for test in tests) else None


def _plain(kind: Any) -> Any:
    """The type of the values themselves, where each stands once and is pointed to."""
    from pyarrow import types

    return kind.value_type if types.is_dictionary(kind) else kind
