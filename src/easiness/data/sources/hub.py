"""Data sets of the Hugging Face hub through the `datasets` library: from its cache, a folder or an object."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from easiness.data.dataset import Dataset
from easiness.data.sources import hub_columns as columns
from easiness.data.sources.hub_opening import PREFIX, name_and_config, open_named
from easiness.data.sources.numbers import vectors_of_tables
from easiness.data.sources.source import Source, absolute
from easiness.data.sources.splits import HELD_OUT_ON_HUB, EncodedSplit, encoded_dataset
from easiness.data.sources.table_rows import HubBlobs, whole_labels
from easiness.data.sources.texts import texts_of_tables
from easiness.data.tables.kind import check_one_kind, text_column
from easiness.data.tables.splits import hub_tables
from easiness.errors import BadInput, one_line
from easiness.spec import LoadOptions


def is_hub_object(source: object) -> bool:
    """Is this an object of the `datasets` library?"""
    return type(source).__module__.split(".")[0] == "datasets"


def load_hub(
    source: str,
    *,
    classes: Sequence[str] | None = None,
    options: LoadOptions,
    download: bool = False,
) -> Dataset:
    """The data set ``hf:NAME[:CONFIG]``, NAME on the hub or a local folder that `datasets` can load.

    Without ``download`` nothing is fetched: NAME must be in the cache of the library. The training split
    is ``train``, else the only one; held out is the first of ``test``, ``validation``, ``val`` and
    ``valid`` that has labels. Sounds are in the column that ``options`` name; else pictures are in the only
    column of images, or in ``image`` or ``img``, or sounds in that of audio, or in ``audio`` or ``sound``;
    where there are none, texts are in the column of strings that ``options`` or a usual name say, or vectors
    in those columns that ``options`` say. Labels are in ``label``, else in the only column of class labels,
    unless ``options`` name another. Ids are positions.

    Raises:
        BadInput: the library is missing, the data are not there, or splits, columns or labels are wrong.
        RunFailed: the download failed.
    """
    text = source.removeprefix(PREFIX)
    folder = absolute(text)
    name, config = (str(folder), None) if text and folder.is_dir() else name_and_config(text)
    local = os.path.isabs(name)  # noqa: PTH117
    found = open_named(name, config, source, local=local, download=download and not local)
    if local:
        source = f"{PREFIX}{name}" + (f":{config}" if config else "")
    short = Path(name).name if local else name
    return from_hub_object(found, name=short, source=source, classes=classes, options=options)


def from_hub_object(
    found: Any,
    *,
    held_out: Any = None,
    name: str = "datasets",
    source: str | None = None,
    classes: Sequence[str] | None = None,
    options: LoadOptions,
) -> Dataset:
    """The examples of a `datasets.Dataset` or `DatasetDict`, as for `load_hub`.

    Raises:
        BadInput: it is another object of the library, or splits, columns or labels are wrong.
    """
    what = source or name
    for table in (*(found.values() if isinstance(found, dict) else [found]), held_out):
        if table is not None:
            _check_table(table, what)
    if not isinstance(found, dict):
        train, test, test_name = found, held_out, "test"
    elif held_out is not None:
        raise BadInput(
            f"{what}: it has splits of its own; give one of them as the source, or leave out held_out="
        )
    else:
        train, test, test_name = _choose_splits(found, what, options.label)
    check_one_kind(options)
    if options.inputs is not None or _has_texts(train, options):
        return _of_columns(name, source, (train, test, test_name), options, classes)
    train_split, names = _split(train, "train", what, classes, options)
    if test is None:
        held_out_split = None
    else:
        held_out_split, held_out_names = _split(test, test_name, what, classes, options)
        if held_out_names != names:
            raise BadInput(
                f"{what}: the class names of {test_name} differ from those of train; give both the same"
            )
    return encoded_dataset(
        name, source, train_split, held_out_split, classes=names, skip_unreadable=options.skip_unreadable
    )


def _has_texts(table: Any, options: LoadOptions) -> bool:
    """Does a column hold the texts: one that is named, or by its own name where there are no pictures?"""
    import datasets

    if options.text is not None or options.sound is not None:
        return options.text is not None
    decoded = any(isinstance(one, datasets.Image | datasets.Audio) for one in table.features.values())
    return not decoded and text_column(table.column_names, options.label or columns.LABEL_COLUMN) is not None


def _of_columns(
    name: str,
    source: str | None,
    splits: tuple[Any, Any, str],
    options: LoadOptions,
    classes: Sequence[str] | None,
) -> Dataset:
    """The rows of splits, of which the held-out one may be missing, as texts or as vectors."""
    train, test, test_name = splits
    what = source or name
    label = columns.label_column(train, what, options.label)
    names = getattr(train.features[label], "names", None)
    if names is not None and classes is not None:
        raise BadInput(f"{what}: has class names of its own; leave out classes=")
    tables = hub_tables(train, test, test_name, what)
    read = texts_of_tables if options.inputs is None else vectors_of_tables
    known = options.model_copy(update={"label": label, "columns": None})
    return read(name, source, tables, known, names or classes)


def _check_table(table: Any, what: str) -> None:
    """Make sure that it is one, with no value outside of its file, which would end the process at reading."""
    import datasets
    from pyarrow import ArrowException

    if isinstance(table, datasets.IterableDataset):
        raise BadInput(
            f"{what}: a {type(table).__name__} can only be iterated, and an example needs an identity to be "
            "measured over epochs and trials; load it without streaming"
        )
    if not isinstance(table, datasets.Dataset):
        raise BadInput(f"{what}: a {type(table).__name__} is no datasets.Dataset; give one, or a DatasetDict")
    try:
        table.data.validate(full=True)
    except ArrowException as error:
        raise BadInput(f"{what}: its files are damaged ({one_line(error)}); save or get them again") from None


def _choose_splits(found: dict[str, Any], what: str, label: str | None) -> tuple[Any, Any, str]:
    train = found.get("train", next(iter(found.values())) if len(found) == 1 else None)
    if train is None:
        raise BadInput(f"{what}: no split named train among {', '.join(found)}; rename the one to train on")
    for name in HELD_OUT_ON_HUB:
        if name in found and found[name] is not train and columns.has_labels(found[name], what, label):
            return train, found[name], name
    return train, None, ""


def _split(
    table: Any, name: str, what: str, classes: Sequence[str] | None, options: LoadOptions
) -> tuple[EncodedSplit, Sequence[str] | None]:
    if table.format["type"] == "custom":
        raise BadInput(
            f"{what}: the Dataset has a transform; call reset_format() on it (training augments itself)"
        )
    kind, column = columns.example_column(table, what, options.sound)
    label = columns.label_column(table, what, options.label)
    assert kind.files is not None
    where = what if name == "train" else f"{what} ({name})"
    labels = whole_labels(columns.label_values(table, label), where)
    names = getattr(table.features[label], "names", None)
    if names is not None and classes is not None:
        raise BadInput(f"{what}: has class names of its own; leave out classes=")
    try:
        stored = table.cast_column(column, columns.feature(kind)(decode=False)).with_format("arrow")
    except (TypeError, ValueError, NotImplementedError) as error:  # pyarrow's errors are among these
        raise BadInput(
            f"{what}: column {column} does not hold {kind.files.noun}s ({one_line(error)}); name another"
        ) from None
    blobs = HubBlobs(stored, column, where, kind.files)
    return EncodedSplit(name, where, blobs, np.arange(len(blobs)), labels, kind), names or classes


HUB = Source(
    form=f"{PREFIX}NAME",
    reads=lambda request: request.text.startswith(PREFIX),
    load=lambda request: load_hub(
        request.text,
        classes=request.classes,
        options=request.options,
        download=request.download,
    ),
    names=(f"{PREFIX}NAME",),
    takes_classes=True,
    takes=("text", "sound", "inputs", "label"),
)
