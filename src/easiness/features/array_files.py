"""Vectors in files of NumPy's: by the order of the examples, or by their ids."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt

from easiness.data import Dataset
from easiness.errors import BadInput
from easiness.features.arrays import divided, numbers, of_splits
from easiness.features.source import FeatureKind, FeatureSource, Request
from easiness.gate import mapped_array, read_npz
from easiness.inputs import VECTOR
from easiness.regular_file import at_home

NAMES = ("x", *VECTOR.columns, "embeddings")
"""What an array of vectors is called in an ``.npz`` file; the first that is there."""


def from_npy(request: Request) -> FeatureSource:
    """The rows of an ``.npy`` file in the order of the examples, those held out behind the others.

    Raises:
        BadInput: it is no such file, holds objects, or has another number of rows.
    """
    path = at_home(request.text)
    rows = divided(numbers(mapped_array(path), request.text), request.data, request.text)
    return of_splits(request.text, rows, request.data)


def from_npz(request: Request) -> FeatureSource:
    """The rows of an ``.npz`` file, ``x``, ``vector``, ``features`` or ``embedding``, by its ``ids`` if any.

    Held-out vectors may have arrays of their own, ``x_test`` and ``ids_test``.

    Raises:
        BadInput: it is no such file, an array is missing or holds objects, rows are too few or many, or an
            example is not named.
    """
    path, data = at_home(request.text), request.data
    keys = [f"{name}{end}" for name in (*NAMES, "ids") for end in ("", "_test")]
    arrays = read_npz(path, keys, needed=())
    name = next((name for name in NAMES if name in arrays), None)
    if name is None:
        raise BadInput(
            f"{path}: no array named {', '.join(NAMES)}; save it with numpy.savez(path, x=vectors)"
        )
    what = request.text
    rows = numbers(arrays[name], f"{what} {name}")
    if f"{name}_test" in arrays and data.held_out is not None:
        test = numbers(arrays[f"{name}_test"], f"{what} {name}_test")
        found = {
            "train": _rows_of(what, data, rows, arrays.get("ids")),
            "held_out": _rows_of(what, data.held_out, test, arrays.get("ids_test")),
        }
    elif "ids" in arrays:
        _check_told_apart(what, data)
        found = {split: _rows_of(what, one, rows, arrays["ids"]) for split, one in data.splits.items()}
    else:
        found = divided(rows, data, what)
    return of_splits(what, found, data)


def _rows_of(
    what: str, split: Dataset, rows: npt.NDArray[Any], ids: npt.NDArray[Any] | None
) -> npt.NDArray[Any]:
    """The rows of a split's examples, in their order: by ``ids``, or as they are."""
    if ids is None:
        if len(rows) != len(split):
            raise BadInput(
                f"features {what!r}: {len(rows)} rows for {len(split)} examples; give one a row in their "
                "order, or their ids"
            )
        return rows
    where = {one: at for at, one in enumerate(_ids(what, ids, len(rows)))}
    if len(where) != len(ids):
        raise BadInput(f"features {what!r}: an id occurs twice; give each example one row")
    missing = next((one for one in split.ids.tolist() if one not in where), None)
    if missing is not None:
        raise BadInput(
            f"features {what!r}: no row with the id {missing!r} of {split.name}; give one for each example"
        )
    return rows[[where[one] for one in split.ids.tolist()]]


def _ids(what: str, ids: npt.NDArray[Any], num: int) -> list[Any]:
    if ids.shape != (num,) or ids.dtype.kind not in "iuU":
        raise BadInput(
            f"features {what!r}: ids of shape {ids.shape} and {ids.dtype}; give an integer or a "
            f"text for each of the {num} rows"
        )
    found: list[Any] = ids.tolist()
    return found


def _check_told_apart(what: str, data: Dataset) -> None:
    """Make sure that an id is of one split alone."""
    if data.held_out is None:
        return
    both = set(data.ids.tolist()) & set(data.held_out.ids.tolist())
    if both:
        raise BadInput(
            f"features {what!r}: the id {min(both)!r} is of an example to train on and of one held out; give "
            "the vectors of those held out as x_test and ids_test"
        )


NPY = FeatureKind(form="FILE.npy", reads=lambda text: _ends(text, ".npy"), find=from_npy)
NPZ = FeatureKind(form="FILE.npz", reads=lambda text: _ends(text, ".npz"), find=from_npz)


def _ends(text: str, suffix: str) -> bool:
    return text.lower().endswith(suffix)
