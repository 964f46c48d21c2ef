"""The rows of a CSV manifest: which of its columns are the path, the label and the split."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from easiness.csv_cells import from_cell
from easiness.data.sources.other_kinds import OTHER_KINDS
from easiness.data.sources.splits import HELD_OUT_NAMES
from easiness.errors import BadInput, nearest
from easiness.regular_file import text_lines

COLUMNS = ("path", "label", "split")
NEEDED = COLUMNS[:2]
FOR_PATH = ("path", "filename", "file", "image", "id")  # the first that is there
SPLITS = ("train", *HELD_OUT_NAMES)
SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab"}


class Row(NamedTuple):
    """One picture; ``class_name`` is that of its label, where a list of ids such as prune's has it."""

    line: int
    path: str
    label: str
    split: str
    class_name: str | None = None


class Table(NamedTuple):
    """A file whose header is read: the place of each column in a row."""

    path: Path
    separator: str
    header: list[str]
    places: dict[str, int]


def checked_columns(columns: Any) -> dict[str, str] | None:
    """What `load_dataset` is given as ``columns``, or ``None`` where it maps nothing.

    Raises:
        BadInput: it is no mapping of names, or maps something else than a path, a label or a split.
    """
    if not columns:
        return None
    if not isinstance(columns, Mapping) or not all(isinstance(name, str) for name in columns.values()):
        raise BadInput('columns: give names by names, such as {"path": "filename", "label": "breed"}')
    for ours in columns:
        if ours not in COLUMNS:
            raise BadInput(
                f"--columns {ours}={columns[ours]}: a manifest has no {ours!r}{nearest(str(ours), COLUMNS)}; "
                f"name {', '.join(COLUMNS)}"
            )
    return dict(columns)


def read_rows(path: Path, columns: Mapping[str, str] | None) -> Iterator[Row]:
    """Rows for training and of every held-out split, without a check of their paths.

    Raises:
        BadInput: the file cannot be read; a column is missing or repeated; a row has another number of
            values, an empty path or label, a label with white space around it, or an unknown split.
    """
    try:
        lines = text_lines(path)
        first = next(lines, "")
        separator = separator_of(first)
        reader = csv.reader(chain([first], lines), strict=True, delimiter=separator)
        header = next(reader, [])
        table = Table(path, separator, header, _places(header, columns or {}, path))
        for cells in reader:
            if cells:
                yield _row(cells, reader.line_num, table)
    except OSError as error:
        raise BadInput(f"{path}: the file cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise BadInput(f"{path}: not UTF-8; save the file in that encoding") from None
    except csv.Error as error:
        raise BadInput(f"{path}: line {reader.line_num}: not CSV ({error}); mend the quotes") from None


def separator_of(header: str) -> str:
    """The separator by which the first line of a file has most cells; of equals the comma."""
    return max(SEPARATORS, key=lambda one: _num_cells(header, one))


def _num_cells(line: str, separator: str) -> int:
    try:
        return len(next(csv.reader([line], strict=True, delimiter=separator), []))
    except csv.Error:  # quotes end elsewhere
        return 0


def _places(header: Sequence[str], columns: Mapping[str, str], path: Path) -> dict[str, int]:
    """Where in a row each of our columns is; all others are carried along unread."""
    names = {name: columns.get(name, name) for name in COLUMNS}
    if "path" not in columns:
        names["path"] = next((name for name in FOR_PATH if name in header), "path")
        if names["path"] == "id":
            names["class"] = "class"
    for ours, theirs in names.items():
        if theirs not in header and ours in (*NEEDED, *columns):
            raise BadInput(
                f"{path}: no column {theirs}{nearest(theirs, header)}; the header is path,label[,split], or "
                f"name yours with --columns {ours}=NAME{f' ({OTHER_KINDS})' if ours == 'path' else ''}"
            )
        if header.count(theirs) > 1:
            raise BadInput(f"{path}: column {theirs} occurs more than once; leave one out")
    return {ours: header.index(theirs) for ours, theirs in names.items() if theirs in header}


def _row(cells: list[str], line: int, table: Table) -> Row:
    path, header = table.path, table.header
    if len(cells) != len(header):
        raise BadInput(
            f"{path}: line {line}: {len(cells)} values for {len(header)} columns; quote values with a "
            f"{SEPARATORS[table.separator]}"
        )
    row = {ours: from_cell(cells[place]) for ours, place in table.places.items()}
    for name in NEEDED:
        if not row[name].strip():
            named = header[table.places[name]]
            raise BadInput(f"{path}: line {line}: the {named} is empty; fill it in or leave the row out")
    label = row["label"]
    if label != label.strip() or len(label.splitlines()) > 1:
        raise BadInput(
            f"{path}: line {line}: the label {label!r} has spaces around it or a line break in it, which "
            "makes it another class; take them out"
        )
    split = row.get("split", "train")
    if split not in SPLITS:
        raise BadInput(
            f"{path}: line {line}: unknown split {split!r}{nearest(split, SPLITS)}; use train, test or val"
        )
    return Row(line, row["path"], label, split, row.get("class"))
