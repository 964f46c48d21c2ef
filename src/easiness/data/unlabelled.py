"""Examples without labels, read as some that have labels were."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from easiness.csv_cells import from_cell
from easiness.data.checks import check_unicode, own_ids
from easiness.data.dataset import Columns, Dataset
from easiness.data.load import load_dataset
from easiness.data.sources import SourceRequest, absolute
from easiness.data.sources.arrays import mapped_array, read_npz
from easiness.data.sources.file_blobs import FileBlobs
from easiness.data.sources.file_facts import FileFacts
from easiness.data.sources.folders import files_of
from easiness.data.sources.manifest import FOR_PATH
from easiness.data.sources.numbers import input_columns
from easiness.data.sources.splits import EncodedSplit
from easiness.data.sources.table_rows import ParquetBlobs
from easiness.data.sources.text_files import text_split
from easiness.data.tables.kind import label_column, text_column
from easiness.data.tables.splits import open_tables, table_files
from easiness.data.tables.table import Table
from easiness.data.tables.vectors import make_vectors
from easiness.errors import BadInput, shorten
from easiness.gate import objects_in
from easiness.inputs import TEXT, VECTOR, Blobs, Encoded, Source, Stored, StoredVectors, from_texts, kind_of

_SPLIT = "pool"
_FORMS = "a folder, a CSV or Parquet file without the labels, an .npz file with x, or an .npy file of vectors"


def load_unlabelled(source: Any, like: Dataset, *, vectors: bool = False) -> Dataset:
    """Examples of the kind of ``like``, read as these were; labels that they may have are not looked at.

    A folder is searched with all folders in it, and ids are paths in it. Rows of a table are numbered, those
    of a CSV of paths have these as ids; which columns are read is as for ``like``, and categories are made
    into the values that they have there. Of an ``.npz`` file ``x`` and ``ids`` are read; an ``.npy`` file has
    vectors [M, D]. Whatever else `load_dataset` takes is loaded, and its training split used.

    Args:
        source: a path, or what `load_dataset` takes; in Python also an array of the examples alone.
        like: examples with labels, and how they were loaded.
        vectors: take vectors in place of what ``like`` has, too.

    Raises:
        BadInput: the examples cannot be read, or are of another kind.
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
        return _of_table(SourceRequest(os.fspath(source), like.load_options, None, download=False), like)
    if path.is_dir():
        return _of_folder(path, like)
    if path.exists():
        raise BadInput(f"{source}: not a kind of file that can be read; give {_FORMS}")
    return load_dataset(source, data_root=like.load_options.data_root)


def _pool(
    like: Dataset,
    name: str,
    source: str | None,
    ids: npt.NDArray[Any],
    stored: Stored,
    *,
    kind: Any = None,
    unreadable: tuple[str, ...] = (),
    columns: Columns | None = None,
) -> Dataset:
    """The examples, all with the first label, which means nothing."""
    check_unicode(ids, source or name)
    nothing = np.zeros(len(ids), np.int64)
    return Dataset(
        name=name,
        source=source,
        split=_SPLIT,
        ids=ids,
        labels=nothing,
        true_labels=nothing,
        classes=like.classes,
        stored=stored,
        kind=like.kind if kind is None else kind,
        unreadable=unreadable,
        columns=columns,
    )


def _of_array(
    like: Dataset, name: str, source: str | None, x: npt.NDArray[Any], ids: npt.NDArray[Any] | None
) -> Dataset:
    where = f"{source or name}: x"
    kind = kind_of(x, where)
    if ids is None:
        ids = np.arange(len(x))
    elif ids.shape != (len(x),) or ids.dtype.kind not in "iuU" or len(np.unique(ids)) < len(ids):
        raise BadInput(f"{source}: ids are not {len(x)} numbers or texts; give each row an id of its own")
    own = own_ids(ids, f"{source}: ids")
    return _pool(like, name, source, own, kind.from_array(x, where, copy=True), kind=kind)


def _vectors_in_file(path: Path) -> npt.NDArray[np.float32]:
    rows = mapped_array(path)
    if rows.ndim != 2 or rows.dtype.kind not in "fiu" or not rows.size:
        shape = " x ".join(map(str, rows.shape))
        raise BadInput(f"{path}: holds {shape} values of {rows.dtype} and no vectors; give numbers [M, D]")
    return np.asarray(rows, np.float32)


def _of_folder(root: Path, like: Dataset) -> Dataset:
    """The files of the kind in a folder and those in it."""
    ids = files_of(root, like.kind)
    if not ids:
        raise BadInput(f"{root}: no {like.kind.noun} in it that can be read by its name; give {_FORMS}")
    return _of_files(root, root.name, str(root), ids, like)


def _of_files(root: Path, name: str, source: str, files: Sequence[str], like: Dataset) -> Dataset:
    options = like.load_options
    if like.kind.files is None:
        texts = text_split(
            root,
            _SPLIT,
            source,
            list(files),
            [0] * len(files),
            encoding=options.encoding,
            skip_unreadable=options.skip_unreadable,
        )
        return _pool(like, name, source, texts.ids, texts.stored, unreadable=texts.unreadable)
    blobs = FileBlobs(root, files, FileFacts(root), like.kind.files)
    return _encoded(like, name, source, np.array(files, object), blobs)


def _encoded(like: Dataset, name: str, source: str, ids: npt.NDArray[Any], blobs: Blobs) -> Dataset:
    split = EncodedSplit(_SPLIT, source, blobs, ids, np.zeros(len(ids), np.int64), like.kind)
    kept = split.kept(like.load_options.skip_unreadable)
    readable = split.readable(kept, Source(((blobs, kept),)))
    assert isinstance(readable.stored, Encoded)
    return _pool(like, name, source, readable.ids, readable.stored, unreadable=readable.unreadable)


def _of_table(request: SourceRequest, like: Dataset) -> Dataset:
    path, options = request.path, request.options
    files = table_files(path)
    assert files is not None
    if like.kind.files is not None:
        return (_of_paths if files.is_csv else _of_bytes)(request, files.train, like)
    table = open_tables(request).train
    label = label_column(options)
    if like.kind == TEXT:
        column = options.text or text_column(list(table.names), label) or TEXT.columns[0]
        stored: Stored = _texts(table, column)
    else:
        stored = _vectors(table, like)
    return _pool(like, path.stem, str(path), np.arange(table.num_rows), stored, columns=table.vectors)


def _texts(table: Table, column: str) -> Stored:
    texts = ["" if text is None else str(text) for text in objects_in(table.column(column)).tolist()]
    return from_texts(texts, table.where, lambda row: f"{table.name_at(row)}: the {column}")


def _vectors(table: Table, like: Dataset) -> Stored:
    """Rows as the vectors that the same columns make in the table of ``like``."""
    own = None if like.source is None else absolute(like.source)
    if own is None or not own.exists() or table_files(own) is None:
        raise BadInput(f"{table.where}: a table, and the run has vectors of none; give an .npy file of them")
    request = SourceRequest(str(own), like.load_options, None, download=False)
    train = open_tables(request).train
    columns, _ = input_columns(train, label_column(like.load_options), like.load_options)
    made = make_vectors(train, table, columns)
    return StoredVectors(made.values[1], made.names)


def _of_paths(request: SourceRequest, files: Sequence[Path], like: Dataset) -> Dataset:
    """The files that a CSV file names, in its folder."""
    table = open_tables(request).train
    wanted = (request.options.sound or (request.options.columns or {}).get("path"), *FOR_PATH)
    column = next((name for name in wanted if name in table.names), "path")
    paths = [from_cell(str(cell)) for cell in objects_in(table.column(column))]
    root = files[0].parent
    missing = [one for one in paths if not _inside(root, one)]
    if missing or len(set(paths)) < len(paths):
        what = f"no file {shorten(missing, 1)} in {root}" if missing else "a path occurs twice"
        raise BadInput(f"{request.path}: {what}; name files in the folder of the CSV, each once")
    return _of_files(root, request.path.stem, str(request.path), paths, like)


def _inside(root: Path, path: str) -> bool:
    try:
        return (root / path).is_file() and (root / path).resolve().is_relative_to(root.resolve())
    except (OSError, ValueError):  # no name that a file can have
        return False


def _of_bytes(request: SourceRequest, files: Sequence[Path], like: Dataset) -> Dataset:
    """The encoded examples in a column of Parquet files."""
    table, reader = open_tables(request).train, like.kind.files
    assert reader is not None
    wanted = (request.options.sound, *like.kind.columns)
    column = next((name for name in wanted if name in table.names), None)
    if column is None:
        raise BadInput(
            f"{request.path}: no column {' or '.join(like.kind.columns)}; rename that of the "
            f"{like.kind.nouns}"
        )
    root = request.path if request.path.is_dir() else request.path.parent
    blobs = ParquetBlobs(list(files), [column] * len(files), root, FileFacts(root), reader)
    return _encoded(like, request.path.stem, str(request.path), np.arange(len(blobs)), blobs)
