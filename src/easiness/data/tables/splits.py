"""The tables of a source: a file, or a folder of files of each split, or a file with a column of splits."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from easiness.csv_cells import from_cell
from easiness.data.sources.given_options import named_columns
from easiness.data.sources.source import SourceRequest
from easiness.data.sources.splits import HELD_OUT_NAMES, HELD_OUT_PREFIXES
from easiness.data.tables.table import Table, csv_table, hub_table, parquet_table
from easiness.errors import BadInput, nearest
from easiness.gate import objects_in

SPLITS = ("train", *HELD_OUT_NAMES)
SUFFIXES = (".csv", ".parquet")


class Files(NamedTuple):
    """The files of a source, all of one suffix; ``name`` is that of the held-out split."""

    train: list[Path]
    held_out: list[Path]
    name: str

    @property
    def is_csv(self) -> bool:
        """Are they CSV?"""
        return self.train[0].suffix.lower() == ".csv"


class Tables(NamedTuple):
    """The splits of a source; ``name`` is that of the held-out one."""

    train: Table
    held_out: Table | None
    name: str

    def both(self) -> list[Table]:
        """The splits that there are, the training one first."""
        return [self.train] if self.held_out is None else [self.train, self.held_out]


def table_files(path: Path) -> Files | None:
    """The files of tables at a path: itself, or those in the folder; ``None`` where there are none.

    In a folder (of Parquet, in its ``data`` folder too) the ``train*`` files are the training split and the
    ``test*`` files, else the ``val*`` ones, are held out. Without ``train*`` all Parquet files are one split.
    A folder of CSV has no folders in it, which would be those of classes.
    """
    if not path.is_dir():
        return Files([path], [], "") if path.suffix.lower() in SUFFIXES else None
    for place in (path, path / "data"):
        found = _files_in(place, ".parquet")
        if found:
            return _by_prefix(found) or Files(found, [], "")
    found = _files_in(path, ".csv")
    return _by_prefix(found) if found and not _has_folders(path) else None


def _files_in(folder: Path, suffix: str) -> list[Path]:
    try:
        found = sorted(folder.iterdir())
    except OSError:
        return []
    return [one for one in found if one.suffix.lower() == suffix and one.is_file() and one.name[0] != "."]


def _has_folders(folder: Path) -> bool:
    return any(one.is_dir() and one.name[0] != "." for one in folder.iterdir())


def _by_prefix(files: list[Path]) -> Files | None:
    train = [file for file in files if file.name.startswith("train")]
    if not train:
        return None
    for prefix in HELD_OUT_PREFIXES:
        held_out = [file for file in files if file.name.startswith(prefix)]
        if held_out:
            return Files(train, held_out, prefix)
    return Files(train, [], "")


def open_tables(request: SourceRequest) -> Tables:
    """The tables of a source that `table_files` finds, by its files or by the column ``split`` of one.

    Raises:
        BadInput: a file cannot be read, a value of that column is no split, or nothing is for training.
    """
    files, path = table_files(request.path), request.path
    assert files is not None
    if request.options.encoding is not None and not files.is_csv:
        raise BadInput(f"{path}: Parquet, whose texts are UTF-8; leave out --encoding")
    train = _opened(files.train, request, str(path))
    if files.held_out:
        return Tables(train, _opened(files.held_out, request, f"{path} ({files.name})"), files.name)
    columns = named_columns(request.options) or {}
    column = columns.get("split", "split")
    if column not in train.names and "split" not in columns:
        return Tables(train, None, "")
    return _by_column(train, column)


def _opened(files: list[Path], request: SourceRequest, where: str) -> Table:
    if files[0].suffix.lower() == ".parquet":
        return parquet_table(files, where)
    if len(files) > 1:
        names = ", ".join(file.name for file in files[:3])
        raise BadInput(f"{request.path}: {len(files)} CSV files for one split ({names}); put them together")
    return csv_table(files[0], request.options.encoding, where)


def _by_column(table: Table, column: str) -> Tables:
    """The rows by their value in a column; of the held-out splits the first of the usual names counts."""
    given = [from_cell(str(value)) for value in objects_in(table.column(column))]
    for row, value in enumerate(given):
        if value not in SPLITS:
            raise BadInput(
                f"{table.name_at(row)}: unknown split {value!r:.80}{nearest(value, SPLITS)}; use train, test "
                "or val, or call the column otherwise"
            )
    values = np.array(given)
    train = np.flatnonzero(values == "train")
    if not len(train):
        raise BadInput(f"{table.where}: no rows for training; give them the split train")
    name = next((one for one in HELD_OUT_NAMES if one in given), None)
    if name is None:
        return Tables(table, None, "")
    held_out = np.flatnonzero(values == name)
    return Tables(table.taken(train, table.where), table.taken(held_out, f"{table.where} ({name})"), name)


def hub_tables(train: Any, held_out: Any, name: str, what: str) -> Tables:
    """The splits of objects of `datasets`, of which the held-out one may be ``None``; ``what`` names both.

    Raises:
        BadInput: one has a transform.
    """
    other = None if held_out is None else hub_table(held_out, f"{what} ({name})")
    return Tables(hub_table(train, what), other, name)
