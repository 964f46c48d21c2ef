"""Data sets of the Hugging Face hub through the `datasets` library: from its cache, a folder or an object."""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

from easiness.data.dataset import Dataset
from easiness.data.sources.file_blobs import FileFacts
from easiness.data.sources.source import HELD_OUT_ON_HUB, Source, SourceRequest, absolute
from easiness.data.tables.dataset import dataset_of_tables, label_columns
from easiness.data.tables.parquet import AT_ONCE, RowBlobs, RowsOfFile
from easiness.data.tables.splits import split_by_column
from easiness.data.tables.table import Table, Tables
from easiness.errors import BadInput, RunFailed, one_line
from easiness.gate import reading
from easiness.inputs import SOUND, Files, Positions
from easiness.lazy import datasets, huggingface_hub, pc
from easiness.spec import LoadOptions

PREFIX = "hf:"
SAVED_FILES = ("dataset_dict.json", "state.json")


def is_hub_object(data: object) -> bool:
    return type(data).__module__.split(".")[0] == "datasets"


def load_hub(request: SourceRequest) -> Dataset:
    """The data set ``hf:NAME[:CONFIG]``, NAME on the hub or a local folder that `datasets` can load."""
    source, options = request.text, request.options
    name, config = source.removeprefix(PREFIX), ""
    if ":" in name and not absolute(name).is_dir():
        name, _, config = name.rpartition(":")
    if not name:
        raise BadInput(f"{source}: no name of a data set; give {PREFIX}NAME or {PREFIX}NAME:CONFIG")
    if absolute(name).is_dir():
        name = str(absolute(name))
    local = os.path.isabs(name)  # noqa: PTH117
    data = open_named(name, config or None, source, local=local, download=request.download and not local)
    if local:
        source = f"{PREFIX}{name}" + (f":{config}" if config else "")
    short = Path(name).name if local else name
    return from_hub_object(data, name=short, source=source, classes=request.classes, options=options)


def from_hub_object(
    data: Any,
    *,
    held_out: Any = None,
    name: str = "datasets",
    source: str | None = None,
    classes: Sequence[str] | None = None,
    options: LoadOptions,
) -> Dataset:
    what = source or name
    has_splits = isinstance(data, dict)
    if has_splits and held_out is not None:
        raise BadInput(f"{what}: it has splits of its own; give one of them, or leave out held_out=")
    if has_splits:
        tables = _splits(data, what, options)
    elif held_out is not None:
        tables = Tables(hub_table(data, what), hub_table(held_out, f"{what} (test)"), "test")
    else:
        tables = split_by_column(hub_table(data, what), options)
    label, *_ = label_columns(tables.train, options)
    if classes is not None and "names" in tables.train.features.get(label, {}):
        raise BadInput(f"{what}: has class names of its own; leave out classes=")
    return dataset_of_tables(name, source, tables, options, classes)


def _splits(content: dict[str, Any], what: str, options: LoadOptions) -> Tables:
    name = next(iter(content)) if len(content) == 1 else "train"
    if name not in content:
        raise BadInput(f"{what}: no split named train among {', '.join(content)}; rename the one to train on")
    train = hub_table(content[name], what)
    for other in HELD_OUT_ON_HUB:
        if other in content and other != name:
            held_out = hub_table(content[other], f"{what} ({other})")
            columns = [held_out.column(name) for name in label_columns(held_out, options)]
            # test splits on the hub often have -1 or nothing for a label
            if any(label not in (None, -1) for labels in columns for label in labels.to_pylist()):
                return Tables(train, held_out, other)
    return Tables(train)


def hub_table(table: Any, where: str) -> Table:
    """The rows of a `datasets.Dataset`; a value outside of its file would end the process at reading."""
    kind = type(table).__name__
    if isinstance(table, datasets.IterableDataset):
        problem = f"a {kind} can only be iterated, and an example needs an identity"
        raise BadInput(f"{where}: {problem}; load it without streaming")
    if not isinstance(table, datasets.Dataset):
        raise BadInput(f"{where}: a {kind} is no datasets.Dataset; give one, or a DatasetDict")
    if table.format["type"] == "custom":
        raise BadInput(f"{where}: the Dataset has a transform, and training augments; call reset_format()")
    with reading(where, "save or get them again", "its files are damaged"):
        table.data.validate(full=True)
    return Table(
        where,
        table.features.arrow_schema,
        len(table),
        lambda row: f"{where}: row {row}",
        lambda name: table.select_columns([name]).with_format("arrow")[:].column(name),
        blobs=lambda column, reader: _in_rows(table, column, where, reader),
    )


def _in_rows(table: Any, column: str, where: str, reader: Files) -> RowBlobs:
    """Examples in a column of a `datasets.Dataset` which are stored as (bytes, path).

    Digests of those in files of the library are remembered by its own fingerprint, which says which rows are
    taken in which order, and by size and time of modification of the files.
    """
    feature = datasets.Audio if reader.noun == SOUND.noun else datasets.Image
    try:
        rows = table.cast_column(column, feature(decode=False)).with_format("arrow")
    except (TypeError, ValueError, NotImplementedError) as error:  # pyarrow's errors are among these
        problem = f"column {column} does not hold {reader.noun}s ({one_line(error)})"
        raise BadInput(f"{where}: {problem}; name another") from None

    def read(positions: Positions) -> Iterator[tuple[bytes | None, str | None]]:
        for start in range(0, len(positions), AT_ONCE):
            some = rows[positions[start : start + AT_ONCE].tolist()].column(column)
            yield from ((one["bytes"], one["path"]) if one else (None, None) for one in some.to_pylist())

    blobs = partial(RowBlobs, lambda row: f"{where}: row {row}", len(rows), read, reader)
    files = [Path(file["filename"]) for file in rows.cache_files]
    try:
        stamps = [(str(file), (status := file.stat()).st_size, status.st_mtime_ns) for file in files]
    except OSError:
        return blobs()
    if not files or pc.struct_field(rows.data.column(column), "bytes").null_count:
        return blobs()  # in memory, or in picture files that change by themselves
    identity = hashlib.sha256(json.dumps([rows._fingerprint, column, stamps]).encode()).hexdigest()
    return blobs([RowsOfFile(0, len(rows), files[0].name, identity)], FileFacts(files[0].parent))


def open_named(name: str, config: str | None, source: str, *, local: bool, download: bool) -> Any:
    """The `datasets.DatasetDict` or `Dataset` of a name on the hub, or of a folder at an absolute path."""
    try:
        import datasets
    except ImportError:
        raise BadInput(f"{source}: needs the datasets library; pip install 'easiness[hf]'") from None
    is_saved = local and any(Path(name, file).is_file() for file in SAVED_FILES)
    if is_saved and config is not None:
        raise BadInput(f"{source}: a folder of save_to_disk has no configurations; leave out :{config}")
    try:
        with nullcontext() if download else _offline():
            return datasets.load_from_disk(name) if is_saved else datasets.load_dataset(name, config)
    except Exception as error:  # whatever is wrong with the data, or on the way to them
        if download and isinstance(error, OSError) and not isinstance(error, FileNotFoundError):
            raise RunFailed(f"{source}: it cannot be downloaded ({one_line(error)})") from error
        if not download and not local and isinstance(error, ConnectionError | FileNotFoundError):
            problem = "not a folder, and not in the cache of the datasets library"
            raise BadInput(f"{source}: {problem}; use --download to fetch it") from None
        cause: BaseException = error
        while cause.__cause__ is not None:
            cause = cause.__cause__
        bottom = "" if cause is error else f": {type(cause).__name__}: {one_line(cause)}"
        problem = f"datasets cannot load it ({one_line(error)}{bottom})"
        arguments = repr(name) if config is None else f"{name!r}, {config!r}"
        raise BadInput(f"{source}: {problem}; see that datasets.load_dataset({arguments}) works") from None


@contextmanager
def _offline() -> Iterator[None]:
    """Without the network, and without progress bars and remarks of the libraries."""
    switches: list[tuple[Any, Any]] = [
        (datasets.config, datasets.logging),
        (huggingface_hub.constants, huggingface_hub.logging),
    ]
    with ExitStack() as before:
        for switch, logger in switches:
            before.callback(setattr, switch, "HF_HUB_OFFLINE", switch.HF_HUB_OFFLINE)
            before.callback(logger.set_verbosity, logger.get_verbosity())
            switch.HF_HUB_OFFLINE = True
            logger.set_verbosity(logging.CRITICAL)
        if not datasets.utils.are_progress_bars_disabled():
            before.callback(datasets.enable_progress_bars)
            datasets.disable_progress_bars()
        yield


HUB = Source(
    form=f"{PREFIX}NAME",
    reads=lambda request: request.text.startswith(PREFIX),
    load=load_hub,
    names=(f"{PREFIX}NAME",),
    takes_classes=True,
    takes=("columns", "text", "sound", "inputs", "label", "id", "without", "group"),
)
