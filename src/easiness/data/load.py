"""One door to every kind of source."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from easiness.data.dataset import Dataset, Ids, hold_out
from easiness.data.label_files import apply_labels
from easiness.data.other_targets import TAGS
from easiness.data.sources.arrays import DIGITS, NPZ, from_arrays
from easiness.data.sources.folders import FOLDER, MINI_IMAGENET, files_of
from easiness.data.sources.hub import HUB, from_hub_object, is_hub_object
from easiness.data.sources.source import (
    OF_TABLES,
    Source,
    SourceRequest,
    Split,
    absolute,
    check_tags,
    dataset_of,
    one_tag_each,
    own_ids,
)
from easiness.data.sources.torch_dataset import TORCHVISION, check_map_style, is_item_list, load_map_style
from easiness.data.tables import dataset as tables
from easiness.data.tables.splits import open_tables, table_files
from easiness.data.tables.table import Table, Tables, is_missing
from easiness.data.tables.vectors import input_columns, make_vectors
from easiness.errors import BadInput, nearest
from easiness.gate import mapped_array, read_npz
from easiness.inputs import TEXT, VECTOR, InputKind, StoredVectors, kind_of
from easiness.lazy import Array, Singles
from easiness.spec import TABLE_OPTIONS, Loading, LoadOptions


def load_dataset(
    data: Any,
    *,
    limit: int | None = None,
    seed: int = 0,
    skip_unreadable: bool = False,
    classes: Sequence[str] | None = None,
    held_out: Any = None,
    data_root: str | os.PathLike[str] | None = None,
    download: bool = False,
    allow_outside: bool = False,
    holdout: float | None = None,
    labels: str | Path | None = None,
    columns: Mapping[str, str] | None = None,
    text: str | None = None,
    sound: str | None = None,
    inputs: Sequence[str] | None = None,
    without: Sequence[str] | None = None,
    label: str | None = None,
    id: str | None = None,
    encoding: str | None = None,
    rate: int | None = None,
    group: Any = None,
    tags: bool = False,
) -> Dataset:
    """The labelled examples of a data set.

    Args:
        data: ``"digits"``; a folder of class folders, with or without ``train`` and ``test`` or ``val`` above
            them; a table (CSV, Parquet, JSON) of ``path,label[,split]``, of texts, of numbers and categories,
            or in Parquet of pictures as on the Hugging Face hub, or a folder of ``train*`` and ``test*`` of
            them; an ``.npz`` file with ``x`` and ``y``; the name of a torchvision data set (``cifar100``) in
            the folder ``data_root``; ``hf:NAME[:CONFIG]`` for what the `datasets` library has in its cache,
            or loads from the folder NAME; ``mini-imagenet:PATH`` for the paper's ten classes of an ImageNet
            folder. In Python also a pair of NumPy or torch arrays ``(x, y)``: images [K, ...] as uint8 or
            floats in [0, 1], labels [K] as integers; a map-style torch Dataset or a list of (image, label);
            or a `datasets.Dataset` or `DatasetDict`.
        limit: keep this many examples, balanced over classes (`Dataset.limit`).
        seed: which examples ``limit`` keeps.
        skip_unreadable: leave out pictures that cannot be decoded, and name them. It decodes each once; the
            answer is remembered for files that do not change.
        classes: names of classes 0, 1, ... where ``data`` has none.
        held_out: a second pair or Dataset that is held out, where ``data`` is such an object.
        data_root: the folder of a torchvision data set.
        download: fetch a torchvision data set or ``hf:NAME`` that is not there yet.
        allow_outside: let a CSV file name pictures outside of its folder.
        holdout: hold out this share of each class, where no split is held out.
        labels: a table of ``id,label``, read after ``holdout`` and ``limit``, whose labels (the index of a
            class, or its name) replace those of the training examples. Examples that it does not name, or
            whose ``action`` is ``drop``, are left out; an id that the data lack is an error.
        columns: the names that a CSV file has for ``path``, ``label`` and ``split``, where they are others:
            ``{"path": "filename", "label": "breed"}``.
        text: the column of a table that holds the texts that are the examples.
        sound: the column of a table that holds the recordings that are the examples, or their paths.
        inputs: the columns of a table of vectors that are the input: numbers, categories, lists of numbers.
        without: columns of a table that are not used.
        label: the column of a table that holds the labels, where it is not ``label``.
        id: the column of a table that holds the ids, another in each row, by which reports, lists and files
            of labels name the examples. Without it ids are paths of files, else positions.
        encoding: of a CSV and of ``.txt`` files that are not UTF-8, as Python calls it, such as ``latin-1``.
        rate: samples a second of arrays of recordings.
        group: a column of a table whose examples of one value are of one origin (the patient, the film), or
            such a value for each training example [K]: `Dataset.groups`.
        tags: an example may have several tags: ``label`` names a column whose cells hold such as ``dog;car``
            or lists, or a column for each tag (``dog,car``) of 1, 0 and nothing where nobody says; ``y`` is
            [K, T] of 1, 0 and NaN or -1, with the names ``classes``; a file may lie in several class folders.

    Raises:
        BadInput: the data or something in them cannot be used.
        RunFailed: a download failed.
    """
    for name, value in (("text", text), ("sound", sound), ("label", label), ("id", id)):
        if not isinstance(value, str | None):
            raise BadInput(f"{name} {value!r:.80}: give the name of a column")
    if not isinstance(tags, bool):
        raise BadInput(f"tags {tags!r:.80}: give True or False, and columns by label=")
    options = LoadOptions(
        data_root=None if data_root is None else str(absolute(os.fspath(data_root))),
        allow_outside=allow_outside,
        skip_unreadable=skip_unreadable,
        columns=tables.checked_columns(columns),
        group=group if isinstance(group, str) else None,
        text=text,
        sound=sound,
        inputs=tables.checked_names("--inputs", inputs),
        without=tables.checked_names("--without", without),
        label=label,
        id=id,
        encoding=tables.checked_encoding(encoding),
        tags=tags,
    )
    if not isinstance(data, str | os.PathLike):
        data = _load_object(data, held_out, classes, options, rate)
    elif rate is not None:
        raise BadInput(f"rate {rate}: goes with arrays of recordings; leave it out")
    elif held_out is not None:
        raise BadInput(f"{data}: held_out= goes with arrays and Datasets; put a split beside this source")
    else:
        request = SourceRequest(os.fspath(data), options, classes, download)
        data = find_source(request).dataset(request)
    if data.tags is not None and not tags:
        raise BadInput(f"{data.where}: has values of 0 and 1 a column, not a class a row; {TAGS}")
    if tags:
        data = check_tags(one_tag_each(data) if data.tags is None else data)
    # names of classes given by hand are not found again at the source
    found_again = data.source if classes is None else None
    data = with_groups(replace(data, source=found_again, load_options=options), group)
    return part_of(data, Loading(limit=limit, holdout=holdout, labels=labels), seed)


def part_of(data: Dataset, loading: Loading, seed: int = 0) -> Dataset:
    """The examples that ``loading`` keeps: held out from, then limited, then labelled by a file."""
    if loading.holdout is not None:
        data = hold_out(data, loading.holdout)
    if loading.limit is not None:
        data = data.limit(loading.limit, seed)
    return data if loading.labels is None else apply_labels(data, loading.labels)


def with_groups(data: Dataset, group: Any) -> Dataset:
    """The data with ``group`` as groups, a value for each training example [K]; ``None`` changes nothing."""
    if group is None or (isinstance(group, str) and data.load_options.group == group):
        return data
    if isinstance(group, str):
        raise BadInput(f"group {group!r}: {data.name} was read without this column; name it where it is read")
    try:
        values = list(group)
    except TypeError:
        kind = type(group).__name__
        raise BadInput(f"group: a {kind}; give a value for each of the {len(data)} examples") from None
    if len(values) != len(data):
        raise BadInput(f"group: {len(values)} values for {len(data)} examples; give one for each")
    for name, value in zip(data.ids.tolist(), values, strict=True):
        if is_missing(value):
            raise BadInput(f"group: the value of example {name!r} is missing; give one, such as its id")
    return replace(data, groups=np.array(list(map(str, values)), object))


def _load_object(
    data: Any, held_out: Any, classes: Sequence[str] | None, options: LoadOptions, rate: int | None
) -> Dataset:
    is_pair = isinstance(data, tuple | list) and not is_item_list(data)
    if rate is not None and not is_pair:
        raise BadInput(f"rate {rate}: goes with arrays of recordings, a pair (x, y); leave it out")
    if is_hub_object(data):
        return from_hub_object(data, held_out=held_out, classes=classes, options=options)
    if type(data).__module__.split(".")[0] in ("pandas", "polars"):
        raise BadInput(f"a {type(data).__name__}: write it to a file (to_parquet), and give that one")
    for name in (*TABLE_OPTIONS, "group"):
        if getattr(options, name) is not None:
            remedy = "give a value for each example" if name == "group" else "leave it out"
            raise BadInput(f"{name} {getattr(options, name)!r}: the source has no columns; {remedy}")
    if is_pair and len(data) != 2:
        parts = f"a source of {len(data)} parts: not a pair"
        raise BadInput(f"{parts}; give arrays as (x, y), or a list of (image, label)")
    if is_pair:
        return from_arrays(*data, held_out=held_out, classes=classes, rate=rate)
    check_map_style(data, type(data).__name__, f"not a kind of data source; give {source_forms()}")
    if held_out is not None:
        kind = type(held_out).__name__
        check_map_style(held_out, "held_out", f"a {kind}; give a Dataset, as the source is one")
    return load_map_style(data, held_out=held_out, classes=classes, skip_unreadable=options.skip_unreadable)


def _load_tables(request: SourceRequest) -> Dataset:
    path, options = request.path, request.options
    name = path.name if path.is_dir() else path.stem
    if (path / "run.json").is_file() and any(path.glob("outcomes-*")):
        raise BadInput(
            f"{path}: is a run of outcomes, which has no examples with labels; give data that have"
        )
    return tables.dataset_of_tables(name, str(path), open_tables(path, options), options, request.classes)


TABLES = Source(
    form="a CSV or Parquet file, or a folder of train* and test* of them",
    reads=lambda request: request.exists and table_files(request.path) is not None,
    load=_load_tables,
    takes_classes=True,
    takes=OF_TABLES,
)

_FILES = (".csv", ".npz", ".parquet")
_ALIKE = 0.7  # a folder that is missing is called like some data set or other by less

SOURCES: tuple[Source, ...] = (DIGITS, TABLES, FOLDER, NPZ, TORCHVISION, HUB, MINI_IMAGENET)


def _names_in(folder: Path) -> list[str]:
    try:
        return [path.name for path in folder.iterdir()]
    except OSError:
        return []


def source_forms() -> str:
    forms = ", ".join(source.form for source in SOURCES)
    return f"{forms}, a pair of arrays (x, y), or a map-style torch Dataset or a list of (image, label)"


def find_source(request: SourceRequest) -> Source:
    """The kind of source that a request is for: by a name, else by a path.

    ``digits`` and what starts with ``hf:`` or ``mini-imagenet:`` are names whatever files there are; the
    name of a torchvision data set is one where ``data_root`` is given or there is no such file.
    """
    for source in sorted(SOURCES, key=lambda source: not source.names):
        if source.reads(request):
            return source
    text = request.text
    if request.exists:
        raise BadInput(f"{text}: not a kind of file that can be read; give {source_forms()}")
    if "/" in text or Path(text).suffix.lower() in _FILES:  # a path and no name
        folder = Path(text).parent
        beside = (
            nearest(Path(text).name, _names_in(folder)) if folder.is_dir() else f", nor a folder {folder}"
        )
        raise BadInput(f"{text!r}: no such file or folder{beside}; give the path of the data")
    names = [name for source in SOURCES for name in source.names]
    hint = nearest(text.lower(), [*names, *_names_in(Path())], _ALIKE)
    raise BadInput(f"{text!r}: no such file or folder, and not a known name{hint}; give {source_forms()}")


_FORMS = "a folder, a CSV or Parquet file without the labels, an .npz file with x, or an .npy file of vectors"


def load_unlabelled(data: Any, like: Dataset, *, vectors: bool = False) -> Dataset:
    """Examples of the kind of ``like`` (or ``vectors``), read as these were; labels are not looked at."""
    pool = _pool(data, like)
    if pool.kind != (VECTOR if vectors else like.kind):
        nouns = "vectors of your own" if vectors else like.kind.nouns
        raise BadInput(
            f"{pool.name}: holds {pool.kind.nouns}, and the run is on {nouns}; give a pool of such"
        )
    return pool


def _pool(data: Any, like: Dataset) -> Dataset:
    if isinstance(data, Dataset):
        return data
    if isinstance(data, np.ndarray):
        return _as_pool("array", None, _array_split("array", data, None), like)
    if not isinstance(data, str | os.PathLike):
        return load_dataset(data, classes=like.classes)
    path = absolute(os.fspath(data))
    if path.is_file() and path.suffix.lower() == ".npy":
        split = _array_split(str(path), _vectors_in_file(path), None)
    elif path.is_file() and path.suffix.lower() == ".npz":
        content = read_npz(path, ("x", "ids"), groups=(("x",),))
        split = _array_split(str(path), content["x"], content.get("ids"))
    elif (path / "run.json").is_file():
        raise BadInput(f"{data}: is a run, not a pool; give {_FORMS}")
    elif path.exists() and table_files(path) is not None:
        split = _table_split(open_tables(path, like.load_options).train, like)
    elif path.is_dir():
        files = files_of(path, like.kind)
        if not files:
            raise BadInput(f"{path}: no {like.kind.noun} in it that can be read by its name; give {_FORMS}")
        examples = tables.files_below(path, [files], like.kind, like.load_options)
        split = _split_without_labels(str(path), examples.splits[0], examples.ids[0], like.kind)
    elif path.exists():
        raise BadInput(f"{data}: not a kind of file that can be read; give {_FORMS}")
    else:
        return load_dataset(data, data_root=like.load_options.data_root)
    return _as_pool(path.name if path.is_dir() else path.stem, str(path), split, like)


def _as_pool(name: str, source: str | None, split: Split, like: Dataset) -> Dataset:
    skip = like.load_options.skip_unreadable
    return dataset_of(name, source, [split], None, skip_unreadable=skip, like=like)


def _split_without_labels(where: str, examples: Any, ids: Ids, kind: InputKind) -> Split:
    labels = np.zeros(len(ids), np.int64)
    return Split("pool", where, examples, ids, labels, lambda row: f"{where}: {ids[row]}", kind)


def _array_split(where: str, x: Array, ids: Array | None) -> Split:
    kind = kind_of(x, f"{where}: x")
    names = own_ids(np.arange(len(x)) if ids is None else ids, f"{where}: ids")
    return _split_without_labels(f"{where}: x", kind.from_array(x, f"{where}: x", copy=True), names, kind)


def _table_split(table: Table, like: Dataset) -> Split:
    options = like.load_options
    labels = tables.label_columns(table, options)
    if like.kind == VECTOR:
        examples = tables.TableExamples(VECTOR, [_vectors(table, like)], [np.arange(table.num_rows)])
    else:
        if like.kind == TEXT:
            others = [name for name in table.names if name not in labels]
            name = options.text or tables.text_column(others) or TEXT.columns[0]
            column = tables.ExampleColumn("texts", TEXT, name)
        else:
            column = tables.example_column(table, options)._replace(kind=like.kind)
        if column.form not in ("texts", "files", "bytes"):
            columns = " or ".join(("path", *like.kind.columns))
            raise BadInput(f"{table.where}: no column {columns}; rename that of the {like.kind.nouns}")
        examples = tables.examples_in(Tables(table), column, labels, options)
    own_options = options if options.id in table.names else options.model_copy(update={"id": None})
    return tables.split_of(table, examples, 0, np.zeros(table.num_rows, np.int64), own_options, "pool")


def _vectors(table: Table, like: Dataset) -> StoredVectors:
    """Rows as the vectors that the same columns make in the table of ``like``."""
    own = None if like.source is None else absolute(like.source)
    if own is None or not own.exists() or table_files(own) is None:
        raise BadInput(f"{table.where}: a table, and the run has vectors of none; give an .npy file of them")
    train = open_tables(own, like.load_options).train
    columns, _ = input_columns(train, tables.label_columns(train, like.load_options), like.load_options)
    vectors = make_vectors(train, table, columns)
    return StoredVectors(vectors.values[1], vectors.names)


def _vectors_in_file(path: Path) -> Singles:
    rows = mapped_array(path)
    if rows.ndim != 2 or rows.dtype.kind not in "fiu" or not rows.size:
        shape = " x ".join(map(str, rows.shape))
        raise BadInput(f"{path}: holds {shape} values of {rows.dtype} and no vectors; give numbers [M, D]")
    return np.asarray(rows, np.float32)
