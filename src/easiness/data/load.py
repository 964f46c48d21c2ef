"""One door to every kind of source."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from easiness.data.arrays import from_arrays, load_npz
from easiness.data.dataset import Dataset
from easiness.data.digits import load_digits
from easiness.data.folders import load_folder
from easiness.data.parquet import holds_parquet, load_parquet
from easiness.errors import BadInput, nearest

KNOWN_NAMES = ("digits",)
ACCEPTED = (
    "digits, a folder of class folders, a Parquet file or a folder of them, an .npz file, or a pair of "
    "arrays (x, y)"
)


def load_dataset(
    source: str | os.PathLike[str] | tuple[Any, Any],
    *,
    limit: int | None = None,
    seed: int = 0,
    skip_unreadable: bool = False,
    classes: Sequence[str] | None = None,
) -> Dataset:
    """The labelled examples at ``source``.

    Args:
        source: ``"digits"``; a folder of class folders, with or without ``train`` and ``test`` or
            ``val`` above them; a Parquet file or a folder of ``train*`` and ``test*`` Parquet files as
            on the Hugging Face hub; an ``.npz`` file with ``x`` and ``y``; or a pair of NumPy or torch
            arrays ``(x, y)``: images [K, ...] as uint8 or floats in [0, 1], labels [K] as integers.
        limit: keep this many examples, balanced over classes (`Dataset.limit`).
        seed: which examples ``limit`` keeps.
        skip_unreadable: leave out pictures that cannot be decoded, and count them. It decodes every
            picture once to find them; the answer is remembered for files that do not change.
        classes: names of classes 0, 1, ... for Parquet, npz and arrays; class folders have their own.

    Raises:
        BadInput: the source or something in it cannot be used as it is.
    """
    dataset = _load(source, skip_unreadable, classes)
    return dataset if limit is None else dataset.limit(limit, seed)


def _load(source: object, skip_unreadable: bool, classes: Sequence[str] | None) -> Dataset:
    if isinstance(source, tuple | list):
        if len(source) != 2:
            raise BadInput(f"a source of {len(source)} parts is not a pair; give arrays as (x, y)")
        return from_arrays(*source, classes=classes)
    if not isinstance(source, str | os.PathLike):
        raise BadInput(f"{type(source).__name__}: not a kind of data source; give {ACCEPTED}")
    text = os.fspath(source)
    if text == "digits":
        _no_classes(classes, text)
        return load_digits()
    path = Path(os.path.abspath(Path(text).expanduser()))  # noqa: PTH100 - resolves ".." but no links
    if not text or not os.path.exists(path):  # noqa: PTH110 - false, not an error, for a name too long
        raise BadInput(
            f"{text!r}: no such file or folder, and not a known name{nearest(text, KNOWN_NAMES)}; "
            f"give {ACCEPTED}"
        )
    if path.is_dir() and not holds_parquet(path):
        _no_classes(classes, text)
        return load_folder(path, skip_unreadable=skip_unreadable)
    if path.is_dir() or path.suffix.lower() == ".parquet":
        return load_parquet(path, classes=classes, skip_unreadable=skip_unreadable)
    if path.suffix.lower() == ".npz":
        return load_npz(path, classes=classes)
    raise BadInput(f"{text}: not a kind of file that can be read; give {ACCEPTED}")


def _no_classes(classes: Sequence[str] | None, source: str) -> None:
    if classes is not None:
        raise BadInput(f"{source}: has class names of its own; leave out classes=")
