"""The tables of a source: a file, or a folder of files of each split, or a file with a column of splits."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from easiness.csv_cells import from_cell
from easiness.data.sources.source import HELD_OUT_NAMES, HELD_OUT_PREFIXES
from easiness.data.tables.dataset import named_columns
from easiness.data.tables.parquet import PARQUET
from easiness.data.tables.table import Reader, Table, Tables, values_in
from easiness.data.tables.text_files import CSV, JSON_LINES, csv_table
from easiness.errors import BadInput, nearest
from easiness.regular_file import UTF_8
from easiness.spec import LoadOptions

READERS: tuple[Reader, ...] = (PARQUET, CSV, JSON_LINES)
"""Every form of table in files; in a folder of several forms the first counts."""
SPLITS = ("train", *HELD_OUT_NAMES)


class SplitFiles(NamedTuple):
    """The files of a source, all of one form; ``name`` is that of the held-out split."""

    reader: Reader
    train: list[Path]
    held_out: Sequence[Path] = ()
    name: str = ""


def table_files(path: Path) -> SplitFiles | None:
    """The files of tables at a path: itself, or those in the folder; ``None`` where there are none.

    In a folder (of Parquet, in its ``data`` folder too) the ``train*`` files are the training split and the
    ``test*`` files, else the ``val*`` ones, are held out. Without ``train*`` all Parquet files are one split.
    A folder of other tables has no folders in it, which would be those of classes.
    """
    if not path.is_dir():
        reader = next((one for one in READERS if one.reads(path)), None)
        return None if reader is None else SplitFiles(reader, [path])
    for folder in (path, path / "data"):
        if shards := _files_in(folder, PARQUET):
            return _by_prefix(shards, PARQUET) or SplitFiles(PARQUET, shards)
    folders = any(one.is_dir() and one.name[0] != "." for one in path.iterdir())
    others = () if folders else READERS[1:]
    return next((files for one in others if (files := _by_prefix(_files_in(path, one), one))), None)


def _files_in(folder: Path, reader: Reader) -> list[Path]:
    try:
        files = sorted(folder.iterdir())
    except OSError:
        return []
    return [file for file in files if reader.reads(file) and file.is_file() and file.name[0] != "."]


def _by_prefix(files: list[Path], reader: Reader) -> SplitFiles | None:
    train, *others = (
        [file for file in files if file.name.startswith(prefix)] for prefix in ("train", *HELD_OUT_PREFIXES)
    )
    parts = zip(others, HELD_OUT_PREFIXES, strict=True)
    held_out, name = next((part for part in parts if part[0]), ([], ""))
    return SplitFiles(reader, train, held_out, name) if train else None


def open_tables(path: Path, options: LoadOptions) -> Tables:
    """The tables of a source that `table_files` finds, by its files or by the column ``split`` of one."""
    files, root = table_files(path), path if path.is_dir() else path.parent
    assert files is not None
    if options.encoding is not None and not files.reader.is_text:
        raise BadInput(f"{path}: Parquet, whose texts are UTF-8; leave out --encoding")
    train = files.reader.open(files.train, options.encoding, str(path), root)
    if files.held_out:
        where = f"{path} ({files.name})"
        return Tables(train, files.reader.open(files.held_out, options.encoding, where, root), files.name)
    return split_by_column(train, options)


def is_table(path: Path) -> bool:
    return any(reader.reads(path) for reader in READERS)


def open_table(path: Path) -> Table:
    """A table that people write, of any form in `READERS`; a file of another name is CSV."""
    reader = next((one for one in READERS if one.reads(path)), CSV)
    if reader is CSV:
        return csv_table([path], UTF_8, str(path), path.parent, sheet=True)
    return reader.open([path], UTF_8, str(path), path.parent)


def split_by_column(table: Table, options: LoadOptions) -> Tables:
    """The rows by their value in the column of splits, where there is one."""
    columns = named_columns(options)
    column = columns.get("split", "split")
    is_unused = column not in table.names or column in (options.without or ())
    if is_unused and "split" not in columns:
        return Tables(table)
    values = np.array([from_cell(str(value)) for value in values_in(table, column)])
    for row, value in enumerate(values.tolist()):
        if value not in SPLITS:
            remedy = f"use train, test or val, or leave the column out with --without {column}"
            problem = f"unknown split {value!r:.80}{nearest(value, SPLITS)}"
            raise BadInput(f"{table.name_at(row)}: {problem}; {remedy}")
    if "train" not in values:
        raise BadInput(f"{table.where}: no rows for training; give them the split train")
    train = table.take(np.flatnonzero(values == "train"), table.where)
    name = next((one for one in HELD_OUT_NAMES if one in values), None)
    if name is None:
        return Tables(table)
    return Tables(train, table.take(np.flatnonzero(values == name), f"{table.where} ({name})"), name)
