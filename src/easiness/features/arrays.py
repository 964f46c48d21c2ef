"""Vectors of arrays, files of NumPy's, columns of tables, functions of users, and data that are vectors."""

from __future__ import annotations

import contextlib
import hashlib
import inspect
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np

from easiness.data import Dataset
from easiness.errors import BadInput, recast
from easiness.features.source import (
    CALLABLE,
    FeatureKind,
    FeatureSource,
    Positions,
    Request,
    identity_of,
    in_parts,
    numbers_of,
)
from easiness.gate import mapped_array, read_npz
from easiness.inputs import VECTOR
from easiness.lazy import Array
from easiness.models import callable_name
from easiness.named_import import current_folder_importable, describe, find_attribute
from easiness.regular_file import at_home

NAMES = ("x", *VECTOR.columns, "embeddings")
"""Names of an array of vectors in an ``.npz`` file, in order of preference."""

INPUTS_NAME = "inputs"

_ABOUT = "Made by code of your own; what it has learned from is not known here."
_ABOUT_ARRAY = "Given by you; what they were trained on is not known here."
_CALLED_AT_ONCE = 64
_RATE = "rate"


def _by_name(request: Request) -> FeatureSource:
    with current_folder_importable():
        function = find_attribute(request.what, *request.text.split(":"))
    return by_function(function, request.text)


def by_function(function: Any, name: str | None = None) -> FeatureSource:
    """The source of a function that takes a list of decoded examples and returns an array [n, D].

    Pictures are uint8 [height, width, channels], texts ``str``, sounds float32 [n]; a parameter ``rate`` gets
    their samples a second. The identity is the name of the function and the text of its module; a function
    that cannot be imported, such as a lambda, has another identity in every process.
    """
    name = name or str(getattr(function, "__qualname__", type(function).__name__))
    if not callable(function):
        raise BadInput(
            f"features {name!r}: a {type(function).__name__}, which cannot be called; give a function"
        )
    code = hashlib.sha256(callable_name(function).encode()).hexdigest()
    identity = identity_of(form="callable", code=code, source=_source_of(function))
    return FeatureSource(name, identity, _ABOUT, partial(_read, function, name))


def _source_of(function: Any) -> str | None:
    """The text of the module, if it can be read: changes of anything the function uses there count."""
    module = sys.modules.get(getattr(function, "__module__", None) or type(function).__module__)
    if module is None or module.__name__ == "__main__":
        return None
    try:
        return inspect.getsource(module)
    except (OSError, TypeError):
        return None


def _read(function: Callable[..., Any], name: str, split: Dataset, positions: Positions) -> Iterator[Any]:
    options = _options(function, split)
    for some in in_parts(positions, _CALLED_AT_ONCE):
        examples = split.map(some, split.kind.plain)
        with (
            recast(
                lambda error: BadInput(
                    f"features {name!r}: called with {len(examples)} {split.kind.nouns} it raised "  # noqa: B023
                    f"{describe(error)}; give what returns an array [n, D]"
                )
            ),
            current_folder_importable(),
        ):
            result = function(examples, **options)
            num = len(result)
        if num != len(examples):
            raise BadInput(
                f"features {name!r}: returned {num} vectors for {len(examples)} {split.kind.nouns}; return "
                "one for each"
            )
        yield result


def _options(function: Callable[..., Any], split: Dataset) -> dict[str, Any]:
    rate = getattr(split.traits, _RATE, None)
    with contextlib.suppress(TypeError, ValueError):  # built-in functions have no signature
        if rate is not None and _RATE in inspect.signature(function).parameters:
            return {_RATE: rate}
    return {}


def from_given(arrays: Any, data: Dataset) -> FeatureSource:
    """The source of an array [K, D], held-out examples behind the others, or of one for each split."""
    name = "array"
    if not isinstance(arrays, Mapping):
        return _of_splits(name, _divide(numbers_of(arrays, name), data, name), data)
    missing = next((split for split in data.splits if split not in arrays), None)
    if missing is not None:
        raise BadInput(f"features {name!r}: no array for {missing}; give one for each of train, held_out")
    rows = {str(split): numbers_of(arrays[split], f"{name} {split}") for split in data.splits}
    return _of_splits(name, rows, data)


def _divide(array: Array, data: Dataset, name: str) -> dict[str, Array]:
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


def _of_splits(name: str, rows: Mapping[str, Array], data: Dataset) -> FeatureSource:
    for split, examples in data.splits.items():
        if len(rows[split]) != len(examples):
            raise BadInput(
                f"features {name!r}: {len(rows[split])} rows for {len(examples)} examples of {split}; give "
                "one a row, in their order"
            )
    widths = {array.shape[1] for array in rows.values()}
    if len(widths) > 1:
        raise BadInput(f"features {name!r}: splits differ in width ({sorted(widths)}); give both the same")
    by_examples = {examples.contents: rows[split] for split, examples in data.splits.items()}
    values = {split: _digest(repr(array.shape), in_parts(array)) for split, array in rows.items()}

    def read(split: Dataset, positions: Positions) -> Iterator[Array]:
        return (by_examples[split.contents][some] for some in in_parts(positions))

    return FeatureSource(name, identity_of(form="array", rows=values), _ABOUT_ARRAY, read, slow=False)


def _digest(prefix: str, parts: Iterable[Array]) -> str:
    """SHA-256 (hex) of values at single precision, alike on every machine."""
    digest = hashlib.sha256(prefix.encode())
    for part in parts:
        with np.errstate(over="ignore"):
            digest.update(np.ascontiguousarray(part, "<f4").data)
    return digest.hexdigest()


def _from_npy(request: Request) -> FeatureSource:
    array = numbers_of(mapped_array(at_home(request.text)), request.text)
    return _of_splits(request.text, _divide(array, request.data, request.text), request.data)


def _from_npz(request: Request) -> FeatureSource:
    """The rows of an ``.npz`` file, by ``ids`` if it has them, and ``x_test`` for held-out examples."""
    path, data, what = at_home(request.text), request.data, request.text
    keys = [f"{name}{end}" for name in (*NAMES, "ids") for end in ("", "_test")]
    arrays = read_npz(path, keys, groups=())
    name = next((name for name in NAMES if name in arrays), None)
    if name is None:
        raise BadInput(
            f"{path}: no array named {', '.join(NAMES)}; save it with numpy.savez(path, x=vectors)"
        )
    rows, ids = numbers_of(arrays[name], f"{what} {name}"), arrays.get("ids")
    if f"{name}_test" in arrays and data.held_out is not None:
        test = numbers_of(arrays[f"{name}_test"], f"{what} {name}_test")
        by_split = {
            "train": _by_ids(what, data, rows, ids),
            "held_out": _by_ids(what, data.held_out, test, arrays.get("ids_test")),
        }
    elif ids is not None:
        both = set() if data.held_out is None else {*data.ids.tolist()} & {*data.held_out.ids.tolist()}
        if both:
            raise BadInput(
                f"features {what!r}: the id {min(both)!r} is of an example to train on and of one held out; "
                "give the vectors of those held out as x_test and ids_test"
            )
        by_split = {split: _by_ids(what, one, rows, ids) for split, one in data.splits.items()}
    else:
        by_split = _divide(rows, data, what)
    return _of_splits(what, by_split, data)


def _by_ids(what: str, split: Dataset, rows: Array, ids: Array | None) -> Array:
    """The rows in the order of a split's examples; without ids as they are."""
    if ids is None:
        return rows
    if ids.shape != (len(rows),) or ids.dtype.kind not in "iuU":
        raise BadInput(
            f"features {what!r}: ids of shape {ids.shape} and {ids.dtype}; give an integer or a "
            f"text for each of the {len(rows)} rows"
        )
    where = {one: at for at, one in enumerate(ids.tolist())}
    if len(where) != len(ids):
        raise BadInput(f"features {what!r}: an id occurs twice; give each example one row")
    missing = next((one for one in split.ids.tolist() if one not in where), None)
    if missing is not None:
        raise BadInput(
            f"features {what!r}: no row with the id {missing!r} of {split.name}; give one for each example"
        )
    return rows[[where[one] for one in split.ids.tolist()]]


def _of_column(request: Request) -> FeatureSource:
    column, splits = request.name, request.data.splits.items()
    values = {name: _digest(str(len(split)), split.column(column)) for name, split in splits}
    identity = identity_of(form="column", values=values)
    return FeatureSource(
        request.text, identity, _ABOUT_ARRAY, lambda split, some: split.part(some).column(column)
    )


def _inputs(request: Request) -> FeatureSource:
    """The examples' own values; columns of a table are standardized by the training examples."""
    data = request.data
    request.check_kind(VECTOR)
    settings = {"standardized": True} if data.traits.of_columns else {}
    contents = [split.contents for split in data.splits.values()]
    identity = identity_of(form=INPUTS_NAME, contents=contents, **settings)

    def read(split: Dataset, positions: Positions) -> Iterator[Array]:
        for some in in_parts(positions):
            values = np.stack(split.values(some))
            yield split.traits.standardize(values) if settings else values

    return FeatureSource(INPUTS_NAME, identity, "The values of the examples themselves.", read, slow=False)


CODE = FeatureKind(CALLABLE, _by_name)
INPUTS = FeatureKind(INPUTS_NAME, _inputs)
COLUMN = FeatureKind("column:NAME", _of_column)
NPY = FeatureKind("FILE.npy", _from_npy)
NPZ = FeatureKind("FILE.npz", _from_npz)
