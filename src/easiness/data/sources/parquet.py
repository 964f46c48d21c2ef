"""Parquet as on the Hugging Face hub: a column of encoded pictures and one of labels."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from easiness.data.dataset import Dataset
from easiness.data.sources.file_facts import FileFacts
from easiness.data.sources.groups import groups_in_parquet
from easiness.data.sources.source import OTHER_KINDS, Source, SourceRequest
from easiness.data.sources.splits import HELD_OUT_PREFIXES, EncodedSplit, encoded_dataset
from easiness.data.sources.table_rows import ParquetBlobs, whole_labels
from easiness.data.sources.tables import open_parquet
from easiness.errors import BadInput
from easiness.inputs import IMAGE, IMAGE_FILES, fits

LABEL_COLUMNS = ("label",)
_LABEL_BYTES = 16  # of a label and what belongs to it, while they are read


def holds_parquet(folder: Path) -> bool:
    """Is there a Parquet file in the folder, or in its ``data`` folder?"""
    return bool(_parquet_files(folder))


def load_parquet(
    path: Path, *, classes: Sequence[str] | None = None, skip_unreadable: bool = False
) -> Dataset:
    """The examples in a Parquet file, or in a folder of them, at the absolute ``path``.

    In a folder (or its ``data`` folder) the ``train*`` files, joined in the order of their names, are the
    training split and the ``test*`` files, else the ``val*`` ones, are held out; without ``train*`` all
    files are one split. The picture column is ``image`` or ``img``, bytes or a struct with ``bytes``;
    the integer column is ``label``. Ids are positions in the split from 0. Class names are ``classes``,
    else those in the ``huggingface`` schema metadata, else "0", "1" and so on.

    Raises:
        BadInput: a file is not Parquet, a column is missing or of another type, a label is null, or the
            labels are wrong.
    """
    train_files, held_out_files, held_out_name = _find_splits(path)
    root = path if path.is_dir() else path.parent
    facts = FileFacts(root)
    train, names = _read_split(train_files, "train", path, root, facts)
    held_out = None
    if held_out_files:
        held_out, held_out_names = _read_split(held_out_files, held_out_name, path, root, facts)
        if classes is None and held_out_names is not None and held_out_names != names:
            raise BadInput(
                f"{held_out_files[0]}: its class names differ from those of {train_files[0]}; "
                "give both splits the same names in the same order"
            )
    return encoded_dataset(
        path.name if path.is_dir() else path.stem,
        str(path),
        train,
        held_out,
        classes=names if classes is None else classes,
        skip_unreadable=skip_unreadable,
    )


def _parquet_files(folder: Path) -> list[Path]:
    for place in (folder, folder / "data"):
        files = sorted(f for f in place.glob("*.parquet") if f.is_file() and not f.name.startswith("."))
        if files:
            return files
    return []


def _find_splits(path: Path) -> tuple[list[Path], list[Path], str]:
    if not path.is_dir():
        return [path], [], ""
    files = _parquet_files(path)
    train = [file for file in files if file.name.startswith("train")]
    if not train:
        return files, [], ""
    for prefix in HELD_OUT_PREFIXES:
        held_out = [file for file in files if file.name.startswith(prefix)]
        if held_out:
            return train, held_out, prefix
    return train, [], ""


def _read_split(
    files: list[Path], name: str, path: Path, root: Path, facts: FileFacts
) -> tuple[EncodedSplit, list[str] | None]:
    blobs = ParquetBlobs(files, [_column(file, IMAGE.columns) for file in files], root, facts, IMAGE_FILES)
    labels = np.concatenate([_labels(file) for file in files])
    split = EncodedSplit(
        name=name,
        where=str(path) if name == "train" else f"{path} ({name})",
        blobs=blobs,
        ids=np.arange(len(blobs)),
        labels=labels,
    )
    return split, _class_names(files[0])


def _column(file: Path, wanted: tuple[str, ...]) -> str:
    columns = open_parquet(file).schema_arrow.names
    for name in wanted:
        if columns.count(name) > 1:
            raise BadInput(f"{file}: column {name} occurs more than once; leave one out")
        if name in columns:
            return name
    raise BadInput(
        f"{file}: no column named {' or '.join(wanted)}; its columns are {', '.join(columns)}: rename one"
        f"{f' ({OTHER_KINDS})' if wanted == IMAGE.columns else ''}"
    )


def _labels(file: Path) -> npt.NDArray[Any]:
    from pyarrow import ArrowException

    column, opened = _column(file, LABEL_COLUMNS), open_parquet(file)
    if not fits(_LABEL_BYTES * opened.metadata.num_rows):  # equal ones take no room in the file
        raise BadInput(
            f"{file}: its {opened.metadata.num_rows} labels do not fit into memory; give fewer rows"
        )
    try:
        values = opened.read(columns=[column]).column(0)
    except (ArrowException, OSError) as error:
        raise BadInput(f"{file}: column {column} cannot be read ({error}); get the file again") from None
    return whole_labels(values, str(file))


def _class_names(file: Path) -> list[str] | None:
    """Names from the schema metadata; ``None`` where there are none that can be understood."""
    metadata = open_parquet(file).schema_arrow.metadata or {}
    try:
        features = json.loads(metadata[b"huggingface"])["info"]["features"]
        names = features[_column(file, LABEL_COLUMNS)]["names"]
    except (KeyError, TypeError, ValueError, RecursionError):
        return None
    return [str(name) for name in names] if isinstance(names, list) else None


def _is_parquet(request: SourceRequest) -> bool:
    if request.exists and request.path.is_dir():
        return holds_parquet(request.path)
    return request.is_file(".parquet")


PARQUET = Source(
    form="a Parquet file or a folder of them",
    reads=_is_parquet,
    load=lambda request: load_parquet(
        request.path, classes=request.classes, skip_unreadable=request.options.skip_unreadable
    ),
    takes_classes=True,
    groups=lambda request, data: groups_in_parquet(
        _find_splits(request.path)[0], request.options.group or "", data.ids
    ),
)
