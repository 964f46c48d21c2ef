"""Vectors that are there already: arrays in Python, and data that are vectors themselves."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from easiness.data import Dataset
from easiness.errors import BadInput
from easiness.features.source import GIVEN, FeatureKind, FeatureSource, Positions, Request, identity_of
from easiness.inputs import VECTOR
from easiness.record import to_numpy

INPUTS_NAME = "inputs"
AT_ONCE = 4096
"""Rows that are read at a time."""

_INPUTS = "The values of the examples themselves."


def from_given(given: Any, data: Dataset, name: str = "array") -> FeatureSource:
    """A source of an array [K, D] in the order of the examples, or of one for each split by its name.

    With a held-out split one array has the training examples first, then those held out.

    Raises:
        BadInput: it is no array of numbers, has another number of rows, or lacks a split.
    """
    if isinstance(given, Mapping):
        return of_splits(name, _by_split(given, data, name), data)
    array = numbers(given, name)
    return of_splits(name, divided(array, data, name), data)


def numbers(given: Any, name: str) -> npt.NDArray[Any]:
    """``given`` as an array [n, D] of numbers, called ``name`` in an error.

    Raises:
        BadInput: it is none.
    """
    try:
        array = to_numpy(given)
    except (TypeError, ValueError):
        raise BadInput(
            f"features {name!r}: a {type(given).__name__} and no array; give numbers [K, D]"
        ) from None
    if array.ndim != 2 or array.shape[1] == 0 or array.dtype.kind not in "fiu":
        shape = " x ".join(map(str, array.shape)) or "()"
        raise BadInput(f"features {name!r}: shape {shape} of {array.dtype}; give numbers [K, D]")
    return array


def divided(array: npt.NDArray[Any], data: Dataset, name: str) -> dict[str, npt.NDArray[Any]]:
    """The rows [n, D] of each split: training examples first, then those held out.

    Raises:
        BadInput: there is another number of rows.
    """
    lengths = {split: len(examples) for split, examples in data.splits.items()}
    if len(array) != sum(lengths.values()):
        held_out = lengths.get("held_out", 0)
        also = f" and {held_out} held out behind them" if held_out else ""
        raise BadInput(
            f"features {name!r}: {len(array)} rows for {len(data)} examples{also}; give one a row in their "
            "order, or an .npz file with ids"
        )
    ends = np.cumsum(list(lengths.values()))[:-1]
    return dict(zip(lengths, np.split(array, ends), strict=True))


def _by_split(given: Mapping[str, Any], data: Dataset, name: str) -> dict[str, npt.NDArray[Any]]:
    rows: dict[str, npt.NDArray[Any]] = {}
    for split, examples in data.splits.items():
        if split not in given:
            raise BadInput(f"features {name!r}: no array for {split}; give one for each of train, held_out")
        rows[split] = numbers(given[split], f"{name} {split}")
        if len(rows[split]) != len(examples):
            raise BadInput(
                f"features {name!r}: {len(rows[split])} rows for {len(examples)} examples of {split}; give "
                "one a row, in their order"
            )
    return rows


def of_splits(
    name: str, rows: Mapping[str, npt.NDArray[Any]], data: Dataset, about: str = GIVEN
) -> FeatureSource:
    """A source of the rows [n, D] of each split, in the order of the examples."""
    widths = {array.shape[1] for array in rows.values()}
    if len(widths) > 1:
        raise BadInput(f"features {name!r}: splits differ in width ({sorted(widths)}); give both the same")
    by_examples = {data.splits[split].contents: array for split, array in rows.items()}  # type: ignore[index]
    identity = identity_of(form="array", rows={split: values_digest(array) for split, array in rows.items()})
    return FeatureSource(name, identity, about, partial(_read_rows, by_examples), slow=False)


def values_digest(array: npt.NDArray[Any]) -> str:
    """SHA-256 (hex) of shape and values at single precision, which is the same on every machine."""
    digest = hashlib.sha256(repr(array.shape).encode())
    for part in _parts(array):
        digest.update(np.ascontiguousarray(part, "<f4").data)
    return digest.hexdigest()


def _read_rows(
    rows: Mapping[str, npt.NDArray[Any]], split: Dataset, positions: Positions
) -> Iterator[npt.NDArray[Any]]:
    array = rows[split.contents]
    for start in range(0, len(positions), AT_ONCE):
        yield array[positions[start : start + AT_ONCE]]


def _parts(array: npt.NDArray[Any]) -> Iterator[npt.NDArray[Any]]:
    with np.errstate(over="ignore"):
        for start in range(0, len(array), AT_ONCE):
            yield array[start : start + AT_ONCE].astype(np.float32, copy=False)


def inputs(request: Request) -> FeatureSource:
    """The values of examples that are vectors; columns of a table are standardized by the training examples.

    Raises:
        BadInput: they are something else.
    """
    data = request.data
    if data.kind.name != VECTOR.name:
        raise BadInput(
            f"{request.what}: the examples of {data.name} are {data.kind.nouns} and no vectors; give auto "
            "or another network"
        )
    made = {"standardized": True} if data.traits.of_columns else {}
    contents = [split.contents for split in data.splits.values()]
    identity = identity_of(form=INPUTS_NAME, contents=contents, **made)
    return FeatureSource(INPUTS_NAME, identity, _INPUTS, _read_values, slow=False)


def _read_values(split: Dataset, positions: Positions) -> Iterator[npt.NDArray[Any]]:
    for start in range(0, len(positions), AT_ONCE):
        values = np.stack(split.values(positions[start : start + AT_ONCE]))
        yield split.traits.standardized(values) if split.traits.of_columns else values


INPUTS = FeatureKind(
    form=INPUTS_NAME,
    reads=lambda text: text == INPUTS_NAME,
    find=inputs,
    names=(INPUTS_NAME,),
)
