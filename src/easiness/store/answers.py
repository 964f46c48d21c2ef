"""Answers that take long to compute of a run: kept in its folder."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, ParamSpec, TypeAlias

import numpy as np
import numpy.typing as npt

from easiness.errors import BadInput
from easiness.lazy import Array, safetensors
from easiness.regular_file import read_regular
from easiness.store.files import check_no_links, write_whole

_SEAL = "seal"
_MOST_BYTES = 2**28
_FILE = "answer-{}.safetensors"

Arrays: TypeAlias = Mapping[str, Array]
Form: TypeAlias = tuple[npt.DTypeLike, tuple[int | str, ...]]
"""The type and shape of an array; a size with a name may be any, but is the same in all that name it."""
P = ParamSpec("P")


@dataclass(frozen=True)
class KeptAnswer(Generic[P]):
    """A function of a run, its first argument, whose arrays the run keeps; as `kept_in_run`."""

    function: Callable[P, Arrays]
    name: str
    forms: Mapping[str, Form]
    identity: Callable[P, str]
    is_sound: Callable[..., bool]

    def read(self, *args: P.args, **options: P.kwargs) -> Arrays | None:
        run: Any = args[0]
        arrays = kept_answer(run.path, self.name, self.identity(*args, **options), self.forms)
        return arrays if arrays is not None and self.is_sound(arrays, *args, **options) else None

    def __call__(self, *args: P.args, **options: P.kwargs) -> Arrays:
        arrays = self.read(*args, **options)
        if arrays is None:
            arrays = self.function(*args, **options)
            run: Any = args[0]
            keep_answer(run.path, self.name, self.identity(*args, **options), arrays)
        return arrays


def kept_in_run(
    name: str,
    forms: Mapping[str, Form],
    identity: Callable[P, str],
    is_sound: Callable[..., bool] = lambda *_, **__: True,
) -> Callable[[Callable[P, Arrays]], KeptAnswer[P]]:
    """Keep the arrays that a function computes of a run, its first argument, in the folder of that.

    They are read again where the ``identity`` of the same arguments is the same, and computed anew where
    they have not the ``forms``, are damaged, or `is_sound`, called with them and the arguments, is false:
    whoever sends a run may have written them. A folder that cannot be written to keeps none.
    """
    return lambda function: KeptAnswer(function, name, forms, identity, is_sound)


def kept_answer(folder: Path, name: str, identity: str, forms: Mapping[str, Form]) -> dict[str, Array] | None:
    """The arrays of these ``forms`` kept under a ``name``, as written and of this ``identity``, if any."""
    from safetensors import SafetensorError

    try:
        arrays = safetensors.load(read_regular(folder / _FILE.format(name), _MOST_BYTES))
        whole = np.array_equal(arrays.pop(_SEAL), _seal_of(arrays, identity)) and _fit(arrays, forms)
        return arrays if whole else None
    except (OSError, SafetensorError, ValueError, LookupError, TypeError, OverflowError):
        return None


def _fit(arrays: Arrays, forms: Mapping[str, Form]) -> bool:
    sizes: dict[int | str, int] = {}
    return all(
        arrays[name].dtype == kind
        and all(
            size == (sizes.setdefault(one, size) if isinstance(one, str) else one)
            for size, one in zip(arrays[name].shape, shape, strict=True)
        )
        for name, (kind, shape) in forms.items()
    )


def keep_answer(folder: Path, name: str, identity: str, arrays: Arrays) -> None:
    """Keep ``arrays`` for `kept_answer`, whole or not at all, in a folder that can be written to."""
    whole = {one: np.ascontiguousarray(array) for one, array in arrays.items()}
    with contextlib.suppress(OSError, BadInput):
        check_no_links(folder)
        write_whole(
            folder / _FILE.format(name), safetensors.save({**whole, _SEAL: _seal_of(whole, identity)})
        )


def _seal_of(arrays: Arrays, identity: str) -> npt.NDArray[np.uint8]:
    seal = hashlib.sha256(identity.encode())
    for name, array in sorted(arrays.items()):
        seal.update(f"{name} {array.dtype.str} {array.shape} ".encode())
        seal.update(np.ascontiguousarray(array).data)
    return np.frombuffer(seal.digest(), np.uint8)
