"""A source that is a text: a name that is known here or to a library, or a path."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from easiness.data.dataset import Dataset
from easiness.data.sources.arrays import load_npz
from easiness.data.sources.digits import load_digits
from easiness.data.sources.folders import load_folder
from easiness.data.sources.hub import PREFIX as HUB
from easiness.data.sources.hub import load_hub
from easiness.data.sources.manifest import load_manifest
from easiness.data.sources.mini_imagenet import PREFIX as MINI_IMAGENET
from easiness.data.sources.mini_imagenet import load_mini_imagenet
from easiness.data.sources.parquet import holds_parquet, load_parquet
from easiness.data.sources.torchvision_sets import SETS, load_torchvision
from easiness.errors import BadInput, nearest
from easiness.spec import LoadOptions

KNOWN_NAMES = ("digits", *SETS, f"{MINI_IMAGENET}PATH", f"{HUB}NAME")
ACCEPTED = (
    "digits, a folder of class folders, a Parquet file or a folder of them, a CSV file of "
    "path,label[,split], an .npz file, a torchvision name with --data-root, hf:NAME, mini-imagenet:PATH, "
    "a pair of arrays (x, y), or a map-style torch Dataset or a list of (image, label)"
)


def load_named(text: str, options: LoadOptions, *, classes: Sequence[str] | None, download: bool) -> Dataset:
    """The data set that ``text`` names.

    ``digits`` and what starts with ``hf:`` or ``mini-imagenet:`` are names whatever files there are; the
    name of a torchvision data set is one where ``data_root`` is given or there is no such file.

    Raises:
        BadInput: nothing has that name, or what has it cannot be used as it is.
        RunFailed: a download failed.
    """
    skip = options.skip_unreadable
    path = absolute(text)
    exists = bool(text) and os.path.exists(path)  # noqa: PTH110 - false, not an error, for a name too long
    if text.startswith(HUB):
        return load_hub(text, classes=classes, skip_unreadable=skip, download=download)
    if text == "digits":
        _no_classes(classes, text)
        return load_digits()
    if text.startswith(MINI_IMAGENET):
        _no_classes(classes, text)
        folder = text.removeprefix(MINI_IMAGENET)
        if not folder:
            raise BadInput(f"{text}: no folder; give {MINI_IMAGENET}PATH with that of ImageNet")
        return load_mini_imagenet(absolute(folder), skip_unreadable=skip)
    if text in SETS and (options.data_root is not None or not exists):
        _no_classes(classes, text)
        if options.data_root is None:
            raise BadInput(f"{text}: a data set of torchvision; say where it lies with --data-root")
        return load_torchvision(text, Path(options.data_root), download=download, skip_unreadable=skip)
    if not exists:
        hint = "" if "/" in text else nearest(text.lower(), KNOWN_NAMES)
        raise BadInput(f"{text!r}: no such file or folder, and not a known name{hint}; give {ACCEPTED}")
    if path.is_dir() and not holds_parquet(path):
        _no_classes(classes, text)
        return load_folder(path, skip_unreadable=skip)
    kind = path.suffix.lower()
    if path.is_dir() or kind == ".parquet":
        return load_parquet(path, classes=classes, skip_unreadable=skip)
    if kind == ".csv":
        return load_manifest(path, classes=classes, skip_unreadable=skip, allow_outside=options.allow_outside)
    if kind == ".npz":
        return load_npz(path, classes=classes)
    raise BadInput(f"{text}: not a kind of file that can be read; give {ACCEPTED}")


def absolute(text: str) -> Path:
    """The path without ``~`` and ``..``, whose links are left as they are."""
    return Path(os.path.abspath(Path(text).expanduser()))  # noqa: PTH100


def _no_classes(classes: Sequence[str] | None, source: str) -> None:
    if classes is not None:
        raise BadInput(f"{source}: has class names of its own; leave out classes=")
