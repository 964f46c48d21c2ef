"""Data sets of the Hugging Face hub through the `datasets` library: from its cache, a folder or an object."""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from easiness.data.dataset import Dataset
from easiness.data.sources.file_facts import FileFacts, row_digests
from easiness.data.sources.source import Source, absolute
from easiness.data.sources.splits import HELD_OUT_ON_HUB
from easiness.data.tables.columns import label_column
from easiness.data.tables.dataset import dataset_of_tables
from easiness.data.tables.parquet import AT_ONCE, stored_bytes
from easiness.data.tables.splits import split_by_column
from easiness.data.tables.table import Table, Tables
from easiness.errors import BadInput, RunFailed, one_line
from easiness.gate import reading
from easiness.inputs import (
    SOUND,
    Blob,
    Files,
    Header,
    Positions,
    counted,
    digest,
    find_unreadable,
    in_threads,
    read_headers,
)
from easiness.spec import LoadOptions

PREFIX = "hf:"
SAVED = ("dataset_dict.json", "state.json")
"""Files of a folder that `save_to_disk` wrote."""


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
    ``valid`` that has labels. Columns are as in any table; those that the library calls images, audio or
    class labels are such.
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
    """The examples of a `datasets.Dataset` or `DatasetDict`, as for `load_hub`."""
    what = source or name
    for one in (*(found.values() if isinstance(found, dict) else [found]), held_out):
        if one is not None:
            _check_table(one, what)
    if not isinstance(found, dict):
        tables = split_by_column(hub_table(found, what), options)
        if held_out is not None:
            tables = Tables(hub_table(found, what), hub_table(held_out, f"{what} (test)"), "test")
    elif held_out is not None:
        raise BadInput(
            f"{what}: it has splits of its own; give one of them as the source, or leave out held_out="
        )
    else:
        tables = _splits(found, what, options)
    if classes is not None and "names" in tables.train.features.get(label_column(tables.train, options), {}):
        raise BadInput(f"{what}: has class names of its own; leave out classes=")
    return dataset_of_tables(name, source, tables, options, classes)


def _splits(found: dict[str, Any], what: str, options: LoadOptions) -> Tables:
    train = found.get("train", next(iter(found.values())) if len(found) == 1 else None)
    if train is None:
        raise BadInput(f"{what}: no split named train among {', '.join(found)}; rename the one to train on")
    for name in HELD_OUT_ON_HUB:
        if name in found and found[name] is not train:
            other = hub_table(found[name], f"{what} ({name})")
            labels = other.column(label_column(other, options))
            # test splits on the hub often have -1 or nothing for a label
            if labels.null_count < len(labels) and any(label != -1 for label in labels.to_pylist()):
                return Tables(hub_table(train, what), other, name)
    return Tables(hub_table(train, what))


def _check_table(table: Any, what: str) -> None:
    """Make sure that it is one, with no value outside of its file, which would end the process at reading."""
    import datasets

    if isinstance(table, datasets.IterableDataset):
        raise BadInput(
            f"{what}: a {type(table).__name__} can only be iterated, and an example needs an identity to be "
            "measured over epochs and trials; load it without streaming"
        )
    if not isinstance(table, datasets.Dataset):
        raise BadInput(f"{what}: a {type(table).__name__} is no datasets.Dataset; give one, or a DatasetDict")
    with reading(what, "save or get them again", "its files are damaged"):
        table.data.validate(full=True)


def hub_table(table: Any, where: str) -> Table:
    """A `datasets.Dataset`; its rows are named by their number, from 0."""
    if table.format["type"] == "custom":
        raise BadInput(
            f"{where}: the Dataset has a transform; call reset_format() on it (training augments itself)"
        )
    return Table(
        where,
        table.features.arrow_schema,
        len(table),
        lambda row: f"{where}: row {row}",
        lambda name: table.select_columns([name]).with_format("arrow")[:].column(name),
        blobs=lambda column, reader: HubBlobs(table, column, where, reader),
    )


class HubBlobs:
    """Examples in the column of a `datasets.Dataset` which are stored as (bytes, path)."""

    def __init__(self, table: Any, column: str, what: str, reader: Files) -> None:
        """``what`` names the table in an error."""
        import datasets

        feature = datasets.Audio if reader.noun == SOUND.noun else datasets.Image
        try:
            self._table = table.cast_column(column, feature(decode=False)).with_format("arrow")
        except (TypeError, ValueError, NotImplementedError) as error:  # pyarrow's errors are among these
            raise BadInput(
                f"{what}: column {column} does not hold {reader.noun}s ({one_line(error)}); name another"
            ) from None
        self._column = column
        self._what = what
        self.reader = reader

    def __len__(self) -> int:
        return len(self._table)

    def name(self, position: int) -> str:
        """The split and the row in it, from 0."""
        return f"{self._what}: row {position}"

    def blobs(self, positions: Positions) -> Iterator[Blob]:
        """Readers of the rows."""
        for start in range(0, len(positions), AT_ONCE):
            rows = positions[start : start + AT_ONCE].tolist()
            values = self._table[rows].column(self._column).to_pylist()
            for row, value in zip(rows, values, strict=True):
                stored = value or {"bytes": None, "path": None}
                yield partial(stored_bytes, stored["bytes"], self.name(row), self.reader.noun, stored["path"])

    def headers(self, positions: Positions) -> Iterator[Header | None]:
        """Headers of the rows."""
        return read_headers(self, positions)

    def digests(self, positions: Positions) -> list[str]:
        """SHA-256 (hex) of the bytes of each row; remembered where they lie in files of the library."""
        found = self._files()
        if found is None:
            return [value.hex() for value in self._read_digests(positions)]
        path, identity = found
        facts = FileFacts(path.parent)
        return row_digests(facts, path.name, len(self), positions, self._read_digests, identity=identity)

    def _read_digests(self, positions: Positions) -> Iterator[bytes]:
        return counted(in_threads(digest, self.blobs(positions)), self.reader.reading, len(positions))

    def _files(self) -> tuple[Path, str] | None:
        """The first Arrow file, and what the rows are in it and the others; ``None`` where they are in none.

        The library's own fingerprint says which rows are taken, in which order; that the files still hold
        what they did is seen by their size and time of modification.
        """
        import pyarrow.compute as pc

        files = [Path(file["filename"]) for file in self._table.cache_files]
        stored_bytes = pc.struct_field(self._table.data.column(self._column), "bytes")
        if not files or stored_bytes.null_count:  # in memory, or in picture files that change by themselves
            return None
        try:
            stamps = [(str(file), (status := file.stat()).st_size, status.st_mtime_ns) for file in files]
        except OSError:
            return None
        identity = json.dumps([self._table._fingerprint, self._column, stamps])
        return files[0], hashlib.sha256(identity.encode()).hexdigest()

    def unreadable(self) -> Positions:
        """Positions of the rows that cannot be decoded."""
        return find_unreadable(self, np.arange(len(self)), len(self))


def open_named(name: str, config: str | None, source: str, *, local: bool, download: bool) -> Any:
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


def name_and_config(text: str) -> tuple[str, str | None]:
    """The name, of a folder its absolute path, and the configuration in ``NAME[:CONFIG]``."""
    name, _, config = text.rpartition(":") if ":" in text else (text, "", "")
    if not name:
        raise BadInput(f"{PREFIX}{text}: no name of a data set; give {PREFIX}NAME or {PREFIX}NAME:CONFIG")
    folder = absolute(name)
    return str(folder) if folder.is_dir() else name, config or None


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
    takes=("columns", "text", "sound", "inputs", "label", "id", "without", "group"),
)
