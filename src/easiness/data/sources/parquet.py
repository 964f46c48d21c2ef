"""Parquet as on the Hugging Face hub: a column of encoded pictures and one of labels."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from easiness.data.dataset import Dataset
from easiness.data.sources.file_facts import FileFacts
from easiness.data.sources.given_options import named_columns
from easiness.data.sources.groups import groups_in_parquet
from easiness.data.sources.source import Source, SourceRequest
from easiness.data.sources.splits import HELD_OUT_PREFIXES, EncodedSplit, encoded_dataset
from easiness.data.sources.table_rows import ParquetBlobs, whole_labels
from easiness.errors import BadInput
from easiness.gate import open_parquet, read_column
from easiness.inputs import KINDS, SOUND, InputKind

LABEL_COLUMNS = ("label",)


def holds_parquet(folder: Path) -> bool:
    """Is there a Parquet file in the folder, or in its ``data`` folder?"""
    return bool(_parquet_files(folder))


def load_parquet(
    path: Path,
    *,
    classes: Sequence[str] | None = None,
    skip_unreadable: bool = False,
    sound: str | None = None,
    label: str | None = None,
) -> Dataset:
    """The examples in a Parquet file, or in a folder of them, at the absolute ``path``.

    In a folder (or its ``data`` folder) the ``train*`` files, joined in the order of their names, are the
    training split and the ``test*`` files, else the ``val*`` ones, are held out; without ``train*`` all
    files are one split. The examples are sounds in the column that ``sound`` names, else pictures in
    ``image`` or ``img``, else sounds in ``audio`` or ``sound``: bytes or a struct with ``bytes``. Integers
    are in the column ``label``, or the one that it names. Ids are positions in the split from 0. Class names
    are ``classes``, else those in the ``huggingface`` schema metadata, else "0", "1" and so on.

    Raises:
        BadInput: a file is not Parquet, a column is missing or of another type, a label is null, or the
            labels are wrong.
    """
    train_files, held_out_files, held_out_name = _find_splits(path)
    facts = FileFacts(path if path.is_dir() else path.parent)
    columns = _columns(train_files[0], sound, label)
    train, names = _read_split(train_files, "train", path, columns, facts)
    held_out = None
    if held_out_files:
        held_out, held_out_names = _read_split(held_out_files, held_out_name, path, columns, facts)
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


class _Columns(NamedTuple):
    """The kind of the examples, and the names, of which the first that is there counts, of their columns."""

    kind: InputKind
    examples: tuple[str, ...]
    labels: tuple[str, ...]


def _columns(file: Path, sound: str | None, label: str | None) -> _Columns:
    """Where examples and labels are: as named, else by the columns that ``file`` has."""
    labels = LABEL_COLUMNS if label is None else (label,)
    if sound is not None:
        return _Columns(SOUND, (sound,), labels)
    names = open_parquet(file).schema_arrow.names
    kinds = [kind for kind in KINDS if kind.files is not None]
    kind = next((kind for kind in kinds if set(kind.columns) & set(names)), kinds[0])
    return _Columns(kind, kind.columns, labels)


def _read_split(
    files: list[Path], name: str, path: Path, columns: _Columns, facts: FileFacts
) -> tuple[EncodedSplit, list[str] | None]:
    root, reader = path if path.is_dir() else path.parent, columns.kind.files
    assert reader is not None
    blobs = ParquetBlobs(files, [_column(file, columns.examples) for file in files], root, facts, reader)
    labels = np.concatenate([_labels(file, columns.labels) for file in files])
    split = EncodedSplit(
        name=name,
        where=str(path) if name == "train" else f"{path} ({name})",
        blobs=blobs,
        ids=np.arange(len(blobs)),
        labels=labels,
        kind=columns.kind,
    )
    return split, _class_names(files[0], columns.labels)


def _column(file: Path, wanted: tuple[str, ...]) -> str:
    columns = open_parquet(file).schema_arrow.names
    for name in wanted:
        if columns.count(name) > 1:
            raise BadInput(f"{file}: column {name} occurs more than once; leave one out")
        if name in columns:
            return name
    raise BadInput(
        f"{file}: no column named {' or '.join(wanted)}; its columns are {', '.join(columns)}: rename one"
        f"{'' if wanted == LABEL_COLUMNS else ' or name that of sounds with --sound'}"
    )


def _labels(file: Path, wanted: tuple[str, ...]) -> npt.NDArray[Any]:
    return whole_labels(read_column(file, _column(file, wanted)), str(file))


def _class_names(file: Path, wanted: tuple[str, ...]) -> list[str] | None:
    """Names from the schema metadata; ``None`` where there are none that can be understood."""
    metadata = open_parquet(file).schema_arrow.metadata or {}
    try:
        features = json.loads(metadata[b"huggingface"])["info"]["features"]
        names = features[_column(file, wanted)]["names"]
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
        request.path,
        classes=request.classes,
        skip_unreadable=request.options.skip_unreadable,
        sound=request.options.sound,
        label=(named_columns(request.options) or {}).get("label"),
    ),
    takes_classes=True,
    takes=("sound", "label"),
    groups=lambda request, data: groups_in_parquet(
        _find_splits(request.path)[0], request.options.group or "", data.ids
    ),
)
