"""Examples that are arrays: in memory already, in an ``.npz`` file, or scikit-learn's digits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from easiness.data.dataset import Dataset
from easiness.data.sources.source import Source, Split, dataset_of, own_ids
from easiness.errors import BadInput
from easiness.gate import read_npz
from easiness.inputs import SOUND, ArrayImages, kind_of, to_sounds
from easiness.records import to_numpy

KEYS = ("x", "y", "ids", "classes", "x_test", "y_test")


def from_arrays(
    x: Any, y: Any, *, held_out: Any = None, classes: Sequence[str] | None = None, rate: int | None = None
) -> Dataset:
    """Examples ``x`` and labels ``y`` [K] from NumPy or torch, copied; ids are 0..K-1."""
    splits = [_from_pair(x, y, "x", "y", "train", rate)]
    if held_out is not None:
        if not isinstance(held_out, tuple | list) or len(held_out) != 2:
            raise BadInput("held_out: not a pair of arrays; give (x, y) as for the source")
        x, y = held_out
        splits.append(_from_pair(x, y, "held_out x", "held_out y", "test", rate))
        _check_kinds(splits, "held_out")
    return dataset_of("arrays", None, splits, classes)


def load_npz(path: Path, *, classes: Sequence[str] | None = None) -> Dataset:
    """The examples in an ``.npz`` file at the absolute ``path``."""
    content = read_npz(path, KEYS, needed=(("x", "y"), ("x_test", "y_test")))
    if classes is None and "classes" in content:
        if content["classes"].ndim != 1 or content["classes"].dtype.kind != "U":
            raise BadInput(f"{path}: classes are not a list of strings; save one name per class")
        classes = content["classes"].tolist()
    splits = [_split("train", f"{path}: x", content["x"], f"{path}: y", content["y"])]
    if "ids" in content:
        splits = [replace(splits[0], ids=own_ids(content["ids"], f"{path}: ids"))]
    if "x_test" in content:
        where = (f"{path}: x_test", f"{path}: y_test")
        splits.append(_split("test", where[0], content["x_test"], where[1], content["y_test"]))
        _check_kinds(splits, str(path))
    return dataset_of(path.stem, str(path), splits, classes)


def _from_pair(x: Any, y: Any, x_name: str, y_name: str, split: str, rate: int | None) -> Split:
    labels = _to_array(y, y_name)
    if rate is None:
        return _split(split, x_name, _examples(x, x_name), y_name, labels, copy=True)  # they may change later
    sounds, name = to_sounds(x, rate, x_name), f"{y_name}: row {{}}".format
    return Split(split, y_name, sounds, np.arange(len(sounds)), labels, name, SOUND)


def _split(
    name: str, x_name: str, x: npt.NDArray[Any], y_name: str, y: npt.NDArray[Any], *, copy: bool = False
) -> Split:
    kind = kind_of(x, x_name)
    examples = kind.from_array(x, x_name, copy=copy)
    return Split(name, y_name, examples, np.arange(len(x)), y, f"{y_name}: row {{}}".format, kind)


def _check_kinds(splits: Sequence[Split], where: str) -> None:
    train, held_out = splits
    if train.kind != held_out.kind:
        raise BadInput(
            f"{where}: {train.kind.nouns} to train on and {held_out.kind.nouns} held out; give both splits "
            "the same"
        )


def _to_array(values: Any, name: str) -> npt.NDArray[Any]:
    try:
        return to_numpy(values)
    except (TypeError, ValueError) as error:  # ragged lists, or something that is no array at all
        raise BadInput(
            f"{name}: cannot be made an array ({error}); give a NumPy or torch array, for sounds with rate="
        ) from None


def _examples(values: Any, name: str) -> npt.NDArray[Any]:
    if not (isinstance(values, list | tuple) and any(isinstance(one, str) for one in values)):
        return _to_array(values, name)
    array = np.empty(len(values), object)  # not of strings, where each takes the memory of the longest
    array[:] = values
    return array


NPZ = Source(
    form="an .npz file",
    reads=lambda request: request.path.suffix.lower() == ".npz" and request.path.is_file(),
    load=lambda request: load_npz(request.path, classes=request.classes),
    takes_classes=True,
)


def load_digits() -> Dataset:
    """scikit-learn's digits in its order: 1797 grey pictures of 8 x 8 pixels, ids 0..1796; no held-out split.

    Stored intensities 0..16 become 0..255. The recipe default turns flips off: a mirrored digit is
    another shape.
    """
    rows = _rows()
    pixels, labels = rows[:, :-1].reshape(-1, 1, 8, 8), rows[:, -1].astype(np.int64)
    return Dataset(
        name="digits",
        source="digits",
        split="train",
        ids=np.arange(len(labels)),
        labels=labels,
        true_labels=labels,
        classes=tuple(str(digit) for digit in range(10)),
        stored=ArrayImages(np.rint(pixels * (255 / 16)).astype(np.uint8)),
        recipe_changes={"flip": 0.0},
    )


def _rows() -> npt.NDArray[np.float64]:
    """The 64 intensities of each picture and its label: from the file, since importing the library that
    carries it takes longer than everything else before a short run."""
    library = find_spec("sklearn")
    for folder in (library.submodule_search_locations or ()) if library else ():
        file = Path(folder, "datasets", "data", "digits.csv.gz")
        if file.exists():
            return np.loadtxt(file, delimiter=",")
    from sklearn.datasets import load_digits as sklearn_digits

    pixels, labels = sklearn_digits(return_X_y=True)
    return np.column_stack([pixels, labels])


DIGITS = Source(
    form="digits",
    reads=lambda request: request.text == "digits",
    load=lambda _: load_digits(),
    names=("digits",),
)
