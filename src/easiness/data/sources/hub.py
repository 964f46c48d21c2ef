"""Data sets of the Hugging Face hub through the `datasets` library: from its cache, a folder or an object."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np

from easiness.data.dataset import Dataset
from easiness.data.sources.source import OTHER_KINDS, Source, absolute
from easiness.data.sources.splits import HELD_OUT_ON_HUB, EncodedSplit, encoded_dataset
from easiness.data.sources.table_rows import HubBlobs, whole_labels
from easiness.errors import BadInput, RunFailed
from easiness.inputs import IMAGE, IMAGE_FILES, one_line

PREFIX = "hf:"
LABEL_COLUMN = "label"
SAVED = ("dataset_dict.json", "state.json")
"""Files of a folder that `save_to_disk` wrote."""


def is_hub_object(source: object) -> bool:
    """Is this an object of the `datasets` library?"""
    return type(source).__module__.split(".")[0] == "datasets"


def load_hub(
    source: str,
    *,
    classes: Sequence[str] | None = None,
    skip_unreadable: bool = False,
    download: bool = False,
) -> Dataset:
    """The data set ``hf:NAME[:CONFIG]``, NAME on the hub or a local folder that `datasets` can load.

    Without ``download`` nothing is fetched: NAME must be in the cache of the library. The training split
    is ``train``, else the only one; held out is the first of ``test``, ``validation``, ``val`` and
    ``valid`` that has labels. Pictures are in the only column of images, or in ``image`` or ``img``;
    labels are in ``label``, else in the only column of class labels. Ids are positions.

    Raises:
        BadInput: the library is missing, the data are not there, or splits, columns or labels are wrong.
        RunFailed: the download failed.
    """
    text = source.removeprefix(PREFIX)
    folder = absolute(text)
    name, config = (str(folder), None) if text and folder.is_dir() else _name_and_config(text)
    local = os.path.isabs(name)  # noqa: PTH117
    found = _open(name, config, source, local=local, download=download and not local)
    if local:
        source = f"{PREFIX}{name}" + (f":{config}" if config else "")
    short = Path(name).name if local else name
    return from_hub_object(found, name=short, source=source, classes=classes, skip_unreadable=skip_unreadable)


def _open(name: str, config: str | None, source: str, *, local: bool, download: bool) -> Any:
    """The `datasets.DatasetDict` or `Dataset` of a name on the hub, or of a folder at an absolute path."""
    try:
        import datasets
    except ImportError:
        raise BadInput(f"{source}: needs the datasets library; pip install 'easiness[hf]'") from None
    saved = local and any(Path(name, file).is_file() for file in SAVED)
    if saved and config is not None:
        raise BadInput(f"{source}: a folder of save_to_disk has no configurations; leave out :{config}")
    try:
        with nullcontext() if download else _offline():
            return datasets.load_from_disk(name) if saved else datasets.load_dataset(name, config)
    except Exception as error:  # whatever is wrong with the data, or on the way to them
        if download and isinstance(error, OSError) and not isinstance(error, FileNotFoundError):
            raise RunFailed(f"{source}: it cannot be downloaded ({one_line(error)})") from error
        if not download and not local and isinstance(error, ConnectionError | FileNotFoundError):
            raise BadInput(
                f"{source}: not a folder, and not in the cache of the datasets library; use --download "
                "to fetch it"
            ) from None
        cause: BaseException = error
        while cause.__cause__ is not None:
            cause = cause.__cause__
        bottom = "" if cause is error else f": {type(cause).__name__}: {one_line(cause)}"
        arguments = repr(name) if config is None else f"{name!r}, {config!r}"
        raise BadInput(
            f"{source}: datasets cannot load it ({one_line(error)}{bottom}); see that "
            f"datasets.load_dataset({arguments}) works"
        ) from None


@contextmanager
def _offline() -> Iterator[None]:
    """Without the network, and without progress bars and remarks of the libraries.

    Their own switches are set, which they look at whenever they are about to use the network.
    """
    import datasets
    import huggingface_hub

    switches: list[Any] = [datasets.config, huggingface_hub.constants]
    loggers: list[Any] = [datasets.logging, huggingface_hub.logging]
    before = [
        (module.HF_HUB_OFFLINE, logger.get_verbosity())
        for module, logger in zip(switches, loggers, strict=True)
    ]
    bars = not datasets.utils.are_progress_bars_disabled()
    datasets.disable_progress_bars()
    try:
        for module, logger in zip(switches, loggers, strict=True):
            module.HF_HUB_OFFLINE = True
            logger.set_verbosity(logging.CRITICAL)
        yield
    finally:
        for module, logger, (offline, verbosity) in zip(switches, loggers, before, strict=True):
            module.HF_HUB_OFFLINE = offline
            logger.set_verbosity(verbosity)
        if bars:
            datasets.enable_progress_bars()


def from_hub_object(
    found: Any,
    *,
    held_out: Any = None,
    name: str = "datasets",
    source: str | None = None,
    classes: Sequence[str] | None = None,
    skip_unreadable: bool = False,
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
        train, test, test_name = _choose_splits(found, what)
    train_split, names = _split(train, "train", what, classes)
    if test is None:
        held_out_split = None
    else:
        held_out_split, held_out_names = _split(test, test_name, what, classes)
        if held_out_names != names:
            raise BadInput(
                f"{what}: the class names of {test_name} differ from those of train; give both the same"
            )
    return encoded_dataset(
        name, source, train_split, held_out_split, classes=names, skip_unreadable=skip_unreadable
    )


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


def _name_and_config(text: str) -> tuple[str, str | None]:
    name, _, config = text.rpartition(":") if ":" in text else (text, "", "")
    if not name:
        raise BadInput(f"{PREFIX}{text}: no name of a data set; give {PREFIX}NAME or {PREFIX}NAME:CONFIG")
    folder = absolute(name)
    return str(folder) if folder.is_dir() else name, config or None


def _choose_splits(found: dict[str, Any], what: str) -> tuple[Any, Any, str]:
    train = found.get("train", next(iter(found.values())) if len(found) == 1 else None)
    if train is None:
        raise BadInput(f"{what}: no split named train among {', '.join(found)}; rename the one to train on")
    for name in HELD_OUT_ON_HUB:
        if name in found and found[name] is not train and _has_labels(found[name], what):
            return train, found[name], name
    return train, None, ""


def _has_labels(table: Any, what: str) -> bool:
    """Is anything labelled? Test splits on the hub often have -1 or nothing for a label."""
    labels = _label_values(table, _label_column(table, what))
    return bool(labels.null_count < len(labels) and any(label != -1 for label in labels.to_pylist()))


def _split(
    table: Any, name: str, what: str, classes: Sequence[str] | None
) -> tuple[EncodedSplit, Sequence[str] | None]:
    import datasets

    if table.format["type"] == "custom":
        raise BadInput(
            f"{what}: the Dataset has a transform; call reset_format() on it (training augments itself)"
        )
    image, label = _image_column(table, what), _label_column(table, what)
    where = what if name == "train" else f"{what} ({name})"
    labels = whole_labels(_label_values(table, label), where)
    names = getattr(table.features[label], "names", None)
    if names is not None and classes is not None:
        raise BadInput(f"{what}: has class names of its own; leave out classes=")
    try:
        stored = table.cast_column(image, datasets.Image(decode=False)).with_format("arrow")
    except (TypeError, ValueError, NotImplementedError) as error:  # pyarrow's errors are among these
        raise BadInput(
            f"{what}: column {image} does not hold images ({one_line(error)}); name another"
        ) from None
    blobs = HubBlobs(stored, image, where, IMAGE_FILES)
    return EncodedSplit(name, where, blobs, np.arange(len(blobs)), labels), names or classes


def _label_values(table: Any, column: str) -> Any:
    return table.select_columns([column]).with_format("arrow")[:].column(column)


def _image_column(table: Any, what: str) -> str:
    import datasets

    images: list[str] = [
        name for name, feature in table.features.items() if isinstance(feature, datasets.Image)
    ]
    if len(images) == 1:
        return images[0]
    for name in IMAGE.columns:
        if name in (images or table.column_names):
            return name
    raise BadInput(
        f"{what}: no column named image or img, and {len(images)} columns of images; its columns are "
        f"{', '.join(table.column_names)}: rename one{'' if images else f' ({OTHER_KINDS})'}"
    )


def _label_column(table: Any, what: str) -> str:
    import datasets

    labels: list[str] = [
        name for name, feature in table.features.items() if isinstance(feature, datasets.ClassLabel)
    ]
    if LABEL_COLUMN in table.column_names:
        return LABEL_COLUMN
    if len(labels) == 1:
        return labels[0]
    raise BadInput(
        f"{what}: no column named label, and {len(labels)} columns of class labels; its columns are "
        f"{', '.join(table.column_names)}: rename one"
    )


HUB = Source(
    form=f"{PREFIX}NAME",
    reads=lambda request: request.text.startswith(PREFIX),
    load=lambda request: load_hub(
        request.text,
        classes=request.classes,
        skip_unreadable=request.options.skip_unreadable,
        download=request.download,
    ),
    names=(f"{PREFIX}NAME",),
    takes_classes=True,
)
