"""Every kind of source that is given as a text: a name that is known here or to a library, or a path."""

from __future__ import annotations

from pathlib import Path

from easiness.data.dataset import Dataset
from easiness.data.sources.arrays import DIGITS, NPZ
from easiness.data.sources.folders import FOLDER, MINI_IMAGENET
from easiness.data.sources.hub import HUB
from easiness.data.sources.source import OF_TABLES, Source, SourceRequest
from easiness.data.sources.torchvision_sets import TORCHVISION
from easiness.data.tables.dataset import dataset_of_tables
from easiness.data.tables.splits import open_tables, table_files
from easiness.errors import BadInput, nearest


def _load(request: SourceRequest) -> Dataset:
    path = request.path
    tables = open_tables(path, request.options)
    name = path.name if path.is_dir() else path.stem
    return dataset_of_tables(name, str(path), tables, request.options, request.classes)


TABLES = Source(
    form="a CSV or Parquet file, or a folder of train* and test* of them",
    reads=lambda request: request.exists and table_files(request.path) is not None,
    load=_load,
    takes_classes=True,
    takes=OF_TABLES,
)


_FILES = (".csv", ".npz", ".parquet")
_ALIKE = 0.7  # a folder that is missing is called like some data set or other by less

SOURCES: tuple[Source, ...] = (
    DIGITS,
    TABLES,
    FOLDER,
    NPZ,
    TORCHVISION,
    HUB,
    MINI_IMAGENET,
)


def _beside(path: Path) -> str:
    """A hint for a mistyped path: what in its folder is called alike, or that there is no such folder."""
    if not path.parent.is_dir():
        return f", nor a folder {path.parent}"
    return nearest(path.name, _in_folder(path.parent))


def _in_folder(folder: Path) -> list[str]:
    try:
        return [found.name for found in folder.iterdir()]
    except OSError:
        return []


def accepted() -> str:
    """The forms of a source, for error texts (one line)."""
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
        raise BadInput(f"{text}: not a kind of file that can be read; give {accepted()}")
    if "/" in text or Path(text).suffix.lower() in _FILES:  # a path and no name
        raise BadInput(f"{text!r}: no such file or folder{_beside(Path(text))}; give the path of the data")
    names = [name for source in SOURCES for name in source.names]
    hint = nearest(text.lower(), [*names, *_in_folder(Path())], _ALIKE)
    raise BadInput(f"{text!r}: no such file or folder, and not a known name{hint}; give {accepted()}")
