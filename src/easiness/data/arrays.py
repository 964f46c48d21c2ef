"""Examples that are arrays: in memory already, or in an ``.npz`` file."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from easiness.data.checks import Ids, check_examples, check_held_out
from easiness.data.dataset import Dataset
from easiness.data.pixels import to_pixels
from easiness.data.stored import ArrayImages
from easiness.errors import BadInput
from easiness.record import to_numpy

KEYS = ("x", "y", "ids", "classes", "x_test", "y_test")


def from_arrays(x: Any, y: Any, *, classes: Sequence[str] | None = None) -> Dataset:
    """Images ``x`` and labels ``y`` [K] from NumPy or torch, copied; ids are 0..K-1.

    ``x`` is [K, height, width], [K, height, width, channels] or [K, channels, height, width] with 1 or 3
    channels, uint8 or floats in [0, 1], which are rounded to 255ths.

    Raises:
        BadInput: anything else, or labels that are wrong.
    """
    images, labels = _to_array(x, "x"), _to_array(y, "y")
    pixels = to_pixels(images, "x")
    if images.dtype == np.uint8:  # a view of the caller's array so far, which may change later
        pixels = pixels.copy()
    return _dataset("arrays", None, pixels, labels, None, classes, "y")


def load_npz(path: Path, *, classes: Sequence[str] | None = None) -> Dataset:
    """The examples in an ``.npz`` file at the absolute ``path``.

    Arrays ``x`` and ``y`` as for `from_arrays`; optional are ``ids`` (integers or strings),
    ``classes`` (strings), and ``x_test`` with ``y_test``, which are held out.

    Raises:
        BadInput: it is not such a file, an array is missing or pickled, or the content is wrong.
    """
    content = _read_npz(path)
    if classes is None and "classes" in content:
        if content["classes"].ndim != 1 or content["classes"].dtype.kind != "U":
            raise BadInput(f"{path}: classes are not a list of strings; save one name per class")
        classes = content["classes"].tolist()
    x, y = to_pixels(content["x"], f"{path}: x"), content["y"]
    dataset = _dataset(path.stem, str(path), x, y, _ids(content.get("ids"), path), classes, f"{path}: y")
    if "x_test" not in content:
        return dataset
    x, y, where = to_pixels(content["x_test"], f"{path}: x_test"), content["y_test"], f"{path}: y_test"
    labels = check_held_out(
        y, num_images=len(x), num_classes=dataset.num_classes, where=where, name=_row(where)
    )
    held_out = Dataset(
        name=dataset.name,
        source=dataset.source,
        split="test",
        ids=np.arange(len(x)),
        labels=labels,
        true_labels=labels,
        classes=dataset.classes,
        stored=ArrayImages(x),
    )
    return replace(dataset, held_out=held_out)


def _dataset(
    name: str,
    source: str | None,
    pixels: npt.NDArray[np.uint8],
    y: npt.NDArray[Any],
    ids: Ids | None,
    classes: Sequence[str] | None,
    where: str,
) -> Dataset:
    if ids is None:
        ids = np.arange(len(pixels))
    labels, names = check_examples(
        y, ids, num_images=len(pixels), classes=classes, where=where, name=_row(where)
    )
    return Dataset(
        name=name,
        source=source,
        split="train",
        ids=ids,
        labels=labels,
        true_labels=labels,
        classes=names,
        stored=ArrayImages(pixels),
    )


def _row(where: str) -> Callable[[int], str]:
    return lambda row: f"{where}: row {row}"


def _to_array(values: Any, name: str) -> npt.NDArray[Any]:
    try:
        return to_numpy(values)
    except (TypeError, ValueError) as error:  # ragged lists, or something that is no array at all
        raise BadInput(f"{name}: cannot be made an array ({error}); give a NumPy or torch array") from None


def _read_npz(path: Path) -> dict[str, npt.NDArray[Any]]:
    if not zipfile.is_zipfile(path):
        raise BadInput(f"{path}: not an .npz file that can be read; save it with numpy.savez(path, x=x, y=y)")
    try:
        with np.load(path, allow_pickle=False) as file:
            needed = ["x", "y"] + (["x_test", "y_test"] if {"x_test", "y_test"} & set(file.files) else [])
            for key in needed:
                if key not in file.files:
                    found = ", ".join(file.files) or "nothing"
                    raise BadInput(
                        f"{path}: no array named {key} (found {found}); "
                        "save it with numpy.savez(path, x=x, y=y)"
                    )
            return {key: _member(file, key, path) for key in KEYS if key in file.files}
    except (OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise BadInput(f"{path}: the file is damaged ({error}); save it again") from None


def _member(file: Any, key: str, path: Path) -> npt.NDArray[Any]:
    try:
        array = file[key]
    except ValueError as error:
        if "allow_pickle" in str(error):
            raise BadInput(
                f"{path}: {key} is an array of objects, which would have to be unpickled; save it as numbers "
                "or strings"
            ) from None
        raise BadInput(f"{path}: {key} is damaged ({error}); save it again") from None
    if not isinstance(array, np.ndarray):
        raise BadInput(f"{path}: {key} is not an array; save it with numpy.savez(path, x=x, y=y)")
    return array


def _ids(ids: npt.NDArray[Any] | None, path: Path) -> Ids | None:
    if ids is None:
        return None
    if ids.ndim != 1 or ids.dtype.kind not in "iuU":
        raise BadInput(f"{path}: ids are not a list of integers or strings; save one per example")
    return ids.astype(object) if ids.dtype.kind == "U" else ids.astype(np.int64)
