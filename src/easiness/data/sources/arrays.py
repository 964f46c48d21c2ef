"""Examples that are arrays: in memory already, or in an ``.npz`` file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from easiness.data.checks import Ids
from easiness.data.dataset import Dataset
from easiness.data.pictures.pixels import to_pixels
from easiness.data.pictures.stored import ArrayImages
from easiness.data.sources.npz_members import read_npz
from easiness.data.sources.source import Source
from easiness.data.sources.splits import Split, checked_dataset
from easiness.errors import BadInput
from easiness.record import to_numpy

KEYS = ("x", "y", "ids", "classes", "x_test", "y_test")


def from_arrays(x: Any, y: Any, *, held_out: Any = None, classes: Sequence[str] | None = None) -> Dataset:
    """Images ``x`` and labels ``y`` [K] from NumPy or torch, copied; ids are 0..K-1.

    ``x`` is [K, height, width], [K, height, width, channels] or [K, channels, height, width] with 1 or 3
    channels, uint8 or floats in [0, 1], which are rounded to 255ths. ``held_out`` is such a pair too.

    Raises:
        BadInput: anything else, or labels that are wrong.
    """
    train = _from_pair(x, y, "x", "y", "train")
    test = None
    if held_out is not None:
        if not isinstance(held_out, tuple | list) or len(held_out) != 2:
            raise BadInput("held_out: not a pair of arrays; give (x, y) as for the source")
        x, y = held_out
        test = _from_pair(x, y, "held_out x", "held_out y", "test")
    return checked_dataset("arrays", None, train, test, classes=classes)


def load_npz(path: Path, *, classes: Sequence[str] | None = None) -> Dataset:
    """The examples in an ``.npz`` file at the absolute ``path``.

    Arrays ``x`` and ``y`` as for `from_arrays`; optional are ``ids`` (integers or strings),
    ``classes`` (strings), and ``x_test`` with ``y_test``, which are held out.

    Raises:
        BadInput: it is not such a file, an array is missing or pickled, or the content is wrong.
    """
    content = read_npz(path, KEYS, needed=(("x", "y"), ("x_test", "y_test")))
    if classes is None and "classes" in content:
        if content["classes"].ndim != 1 or content["classes"].dtype.kind != "U":
            raise BadInput(f"{path}: classes are not a list of strings; save one name per class")
        classes = content["classes"].tolist()
    x = to_pixels(content["x"], f"{path}: x")
    train = _split("train", f"{path}: y", x, content["y"], _ids(content.get("ids"), path))
    held_out = None
    if "x_test" in content:
        x = to_pixels(content["x_test"], f"{path}: x_test")
        held_out = _split("test", f"{path}: y_test", x, content["y_test"])
    return checked_dataset(path.stem, str(path), train, held_out, classes=classes)


def _from_pair(x: Any, y: Any, x_name: str, y_name: str, split: str) -> Split:
    images, labels = _to_array(x, x_name), _to_array(y, y_name)
    pixels = to_pixels(images, x_name)
    if images.dtype == np.uint8:  # a view of the caller's array so far, which may change later
        pixels = pixels.copy()
    return _split(split, y_name, pixels, labels)


def _split(
    name: str, where: str, pixels: npt.NDArray[np.uint8], y: npt.NDArray[Any], ids: Ids | None = None
) -> Split:
    return Split(
        name=name,
        where=where,
        stored=ArrayImages(pixels),
        ids=np.arange(len(pixels)) if ids is None else ids,
        labels=y,
        name_at=lambda row: f"{where}: row {row}",
    )


def _to_array(values: Any, name: str) -> npt.NDArray[Any]:
    try:
        return to_numpy(values)
    except (TypeError, ValueError) as error:  # ragged lists, or something that is no array at all
        raise BadInput(f"{name}: cannot be made an array ({error}); give a NumPy or torch array") from None


def _ids(ids: npt.NDArray[Any] | None, path: Path) -> Ids | None:
    if ids is None:
        return None
    if ids.ndim != 1 or ids.dtype.kind not in "iuU":
        raise BadInput(f"{path}: ids are not a list of integers or strings; save one per example")
    return ids.astype(object) if ids.dtype.kind == "U" else ids.astype(np.int64)


NPZ = Source(
    form="an .npz file",
    reads=lambda asked: asked.is_file(".npz"),
    load=lambda asked: load_npz(asked.path, classes=asked.classes),
    takes_classes=True,
)
