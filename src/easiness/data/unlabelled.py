"""Examples without labels, read as some that have labels were."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from easiness.data.dataset import Dataset
from easiness.data.load import load_dataset
from easiness.data.sources.folders import files_of
from easiness.data.sources.source import absolute
from easiness.data.sources.splits import Split, dataset_of, own_ids
from easiness.data.tables.dataset import (
    Examples,
    Held,
    columns_of,
    examples_in,
    files_below,
    held_in,
    label_column,
    row_ids,
    text_column,
)
from easiness.data.tables.splits import open_tables, table_files
from easiness.data.tables.table import Table, Tables
from easiness.data.tables.vectors import input_columns, make_vectors
from easiness.errors import BadInput
from easiness.gate import mapped_array, read_npz
from easiness.inputs import TEXT, VECTOR, StoredVectors, kind_of

_FORMS = "a folder, a CSV or Parquet file without the labels, an .npz file with x, or an .npy file of vectors"


def load_unlabelled(source: Any, like: Dataset, *, vectors: bool = False) -> Dataset:
    """Examples of the kind of ``like`` (or ``vectors``), read as these were; labels are not looked at.

    A folder is searched with all folders in it. Categories in a table are made into the values that they have
    in that of ``like``. Of an ``.npz`` file ``x`` and ``ids`` are read; an ``.npy`` file has vectors [M, D].
    """
    found = _found(source, like)
    if found.kind != (VECTOR if vectors else like.kind):
        raise BadInput(
            f"{found.name}: holds {found.kind.nouns}, and the run is on "
            f"{'vectors of your own' if vectors else like.kind.nouns}; give a pool of such"
        )
    return found


def _found(source: Any, like: Dataset) -> Dataset:
    if isinstance(source, Dataset):
        return source
    if isinstance(source, np.ndarray):
        return _of_array(like, "array", None, source, None)
    if not isinstance(source, str | os.PathLike):
        return load_dataset(source, classes=like.classes)
    path = absolute(os.fspath(source))
    if path.is_file() and path.suffix.lower() == ".npy":
        return _of_array(like, path.stem, str(path), _vectors_in_file(path), None)
    if path.is_file() and path.suffix.lower() == ".npz":
        content = read_npz(path, ("x", "ids"), needed=(("x",),))
        return _of_array(like, path.stem, str(path), content["x"], content.get("ids"))
    if (path / "run.json").is_file():
        raise BadInput(f"{source}: is a run, not a pool; give {_FORMS}")
    if path.exists() and table_files(path) is not None:
        table = open_tables(path, like.load_options).train
        return _pool(path.stem, str(path), table.where, _in_table(table, like), like, table)
    if path.is_dir():
        files = files_of(path, like.kind)
        if not files:
            raise BadInput(f"{path}: no {like.kind.noun} in it that can be read by its name; give {_FORMS}")
        examples = files_below(path, [files], like.kind, like.load_options)
        return _pool(path.name, str(path), str(path), examples, like)
    if path.exists():
        raise BadInput(f"{source}: not a kind of file that can be read; give {_FORMS}")
    return load_dataset(source, data_root=like.load_options.data_root)


def _in_table(table: Table, like: Dataset) -> Examples:
    """The examples in the columns of a table that those of ``like`` are in."""
    options = like.load_options
    label = label_column(table, options)
    if like.kind == VECTOR:
        return Examples(VECTOR, [_vectors(table, like)], [np.arange(table.num_rows)])
    if like.kind == TEXT:
        others = [one for one in table.names if one != label]
        column = options.text or text_column(others) or TEXT.columns[0]
        return examples_in(Tables(table), Held("texts", TEXT, column), label, options)
    held = held_in(table, options)
    if held.form not in ("files", "bytes"):
        columns = " or ".join(("path", *like.kind.columns))
        raise BadInput(f"{table.where}: no column {columns}; rename that of the {like.kind.nouns}")
    return examples_in(Tables(table), held._replace(kind=like.kind), label, options)


def _vectors(table: Table, like: Dataset) -> StoredVectors:
    """Rows as the vectors that the same columns make in the table of ``like``."""
    own = None if like.source is None else absolute(like.source)
    if own is None or not own.exists() or table_files(own) is None:
        raise BadInput(f"{table.where}: a table, and the run has vectors of none; give an .npy file of them")
    train = open_tables(own, like.load_options).train
    columns, _ = input_columns(train, label_column(train, like.load_options), like.load_options)
    made = make_vectors(train, table, columns)
    return StoredVectors(made.values[1], made.names)


def _of_array(
    like: Dataset, name: str, source: str | None, x: npt.NDArray[Any], ids: npt.NDArray[Any] | None
) -> Dataset:
    where = f"{source or name}: x"
    kind = kind_of(x, where)
    if ids is None:
        ids = np.arange(len(x))
    elif ids.shape != (len(x),) or ids.dtype.kind not in "iuU":
        raise BadInput(f"{source}: ids are not {len(x)} numbers or texts; give each row an id of its own")
    examples = Examples(kind, [kind.from_array(x, where, copy=True)], [own_ids(ids, f"{source}: ids")])
    return _pool(name, source, where, examples, like)


def _pool(
    name: str, source: str | None, where: str, examples: Examples, like: Dataset, table: Table | None = None
) -> Dataset:
    """The examples, which may be rows of a table, as others like them, whatever labels they may have."""
    (ids,), (found,), options = examples.ids, examples.found, like.load_options
    if table is not None and options.id in table.names:
        ids = row_ids(table, options, ids)
    name_at = (lambda row: f"{where}: {ids[row]}") if table is None else table.name_at
    rows = table.rows if table is not None and examples.in_rows else None
    labels = np.zeros(len(ids), np.int64)
    split = Split("pool", where, found, ids, labels, name_at, examples.kind, rows=rows)
    data = dataset_of(name, source, [split], None, skip_unreadable=options.skip_unreadable, like=like)
    return data if table is None else replace(data, columns=columns_of(table, ids))


def _vectors_in_file(path: Path) -> npt.NDArray[np.float32]:
    rows = mapped_array(path)
    if rows.ndim != 2 or rows.dtype.kind not in "fiu" or not rows.size:
        shape = " x ".join(map(str, rows.shape))
        raise BadInput(f"{path}: holds {shape} values of {rows.dtype} and no vectors; give numbers [M, D]")
    return np.asarray(rows, np.float32)
