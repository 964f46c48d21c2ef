"""Examples that are arrays: in memory already, in an ``.npz`` file, or scikit-learn's digits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from easiness.data.dataset import Dataset
from easiness.data.sources.source import Source, Split, dataset_of, own_ids
from easiness.errors import BadInput
from easiness.gate import read_npz
from easiness.inputs import SOUND, ArrayImages, InputKind, StoredExamples, kind_of, to_sounds
from easiness.lazy import Array
from easiness.records import to_numpy

KEYS = ("x", "y", "ids", "classes", "tags", "x_test", "y_test")


def from_arrays(
    x: Any, y: Any, *, held_out: Any = None, classes: Sequence[str] | None = None, rate: int | None = None
) -> Dataset:
    """Examples ``x`` and labels ``y`` [K], or tags [K, T], copied; ids are 0..K-1."""
    splits = [_from_pair(x, y, "", "train", rate)]
    if held_out is not None:
        if not isinstance(held_out, tuple | list) or len(held_out) != 2:
            raise BadInput("held_out: not a pair of arrays; give (x, y) as for the source")
        splits.append(_from_pair(held_out[0], held_out[1], "held_out ", "test", rate))
        _check_kinds(splits, "held_out")
    return dataset_of("arrays", None, splits, classes)


def load_npz(path: Path, *, classes: Sequence[str] | None = None) -> Dataset:
    """The examples in an ``.npz`` file at the absolute ``path``."""
    content = read_npz(path, KEYS, groups=(("x", "y"), ("x_test", "y_test")))
    names = content.get("tags" if content["y"].ndim > 1 and "tags" in content else "classes")
    if classes is None and names is not None:
        if names.ndim != 1 or names.dtype.kind != "U":
            raise BadInput(f"{path}: classes are not a list of strings; save one name per class, or tag")
        classes = names.tolist()
    splits = [_of_array("train", content["x"], content["y"], f"{path}: x", f"{path}: y")]
    if "ids" in content:
        splits = [replace(splits[0], ids=own_ids(content["ids"], f"{path}: ids"))]
    if "x_test" in content:
        x, y = content["x_test"], content["y_test"]
        splits.append(_of_array("test", x, y, f"{path}: x_test", f"{path}: y_test"))
        _check_kinds(splits, str(path))
    return dataset_of(path.stem, str(path), splits, classes)


def _from_pair(x: Any, y: Any, where: str, split: str, rate: int | None) -> Split:
    x_name, y_name, labels = f"{where}x", f"{where}y", _to_array(y, f"{where}y")
    if rate is None:
        return _of_array(split, _examples(x, x_name), labels, x_name, y_name, copy=True)
    return _split(split, to_sounds(x, rate, x_name), labels, y_name, SOUND)


def _of_array(name: str, x: Array, y: Array, x_name: str, y_name: str, *, copy: bool = False) -> Split:
    kind = kind_of(x, x_name)
    return _split(name, kind.from_array(x, x_name, copy=copy), y, y_name, kind)


def _split(name: str, examples: StoredExamples, y: Array, y_name: str, kind: InputKind) -> Split:
    return Split(name, y_name, examples, np.arange(len(examples)), y, f"{y_name}: row {{}}".format, kind)


def _check_kinds(splits: Sequence[Split], where: str) -> None:
    train, held_out = splits
    if train.kind != held_out.kind:
        problem = f"{train.kind.nouns} to train on and {held_out.kind.nouns} held out"
        raise BadInput(f"{where}: {problem}; give both splits the same")


def _to_array(values: Any, name: str) -> Array:
    try:
        return to_numpy(values)
    except (TypeError, ValueError) as error:  # ragged lists, or something that is no array at all
        remedy = "give a NumPy or torch array, for sounds with rate="
        raise BadInput(f"{name}: cannot be made an array ({error}); {remedy}") from None


def _examples(values: Any, name: str) -> Array:
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
    library = find_spec("sklearn")
    folders = (library.submodule_search_locations or ()) if library else ()
    files = (Path(folder, "datasets", "data", "digits.csv.gz") for folder in folders)
    file = next((file for file in files if file.exists()), None)
    if file is not None:  # to import the library takes longer than everything else before a short run
        rows = np.loadtxt(file, delimiter=",")
    else:
        from sklearn.datasets import load_digits as sklearn_digits

        rows = np.column_stack(sklearn_digits(return_X_y=True))
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


DIGITS = Source(
    form="digits",
    reads=lambda request: request.text == "digits",
    load=lambda _: load_digits(),
    names=("digits",),
)
