"""Answers that take long to find out of a run: kept in its folder, else found out anew."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Mapping
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, Protocol, TypeAlias, cast

import numpy as np
import numpy.typing as npt

from easiness.errors import BadInput
from easiness.regular_file import read_regular
from easiness.store.files import check_no_links, write_whole

_SEAL = "seal"
_MOST_BYTES = 2**28
_FILE = "answer-{}.safetensors"

Arrays: TypeAlias = Mapping[str, npt.NDArray[Any]]
Form: TypeAlias = tuple[npt.DTypeLike, tuple[int | str, ...]]
"""The type and shape of an array; a size with a name may be any, but is the same in all that name it."""
P = ParamSpec("P")


class KeptAnswer(Protocol[P]):
    """A function of a run whose arrays the run keeps; ``kept`` gives them only where they are."""

    kept: Callable[P, Arrays | None]
    identity: Callable[P, str]

    def __call__(self, *args: P.args, **options: P.kwargs) -> Arrays:
        """The arrays, found out and kept where they are not yet."""


def kept_in_run(
    name: str,
    forms: Mapping[str, Form],
    identity: Callable[P, str],
    is_sound: Callable[..., bool] = lambda *_, **__: True,
) -> Callable[[Callable[P, Arrays]], KeptAnswer[P]]:
    """Keep the arrays that a function finds out of a run, its first argument, in the folder of that.

    They are found again where the ``identity`` of the same arguments is the same, and found out anew where
    they have not the ``forms``, are damaged, or `is_sound`, called with them and the arguments, is false:
    whoever sends a run may have written them. A folder that cannot be written to keeps none.
    """

    def keeping(function: Callable[P, Arrays]) -> KeptAnswer[P]:
        def kept(*args: P.args, **options: P.kwargs) -> Arrays | None:
            run: Any = args[0]
            found = kept_answer(run.path, name, identity(*args, **options), forms)
            return found if found is not None and is_sound(found, *args, **options) else None

        @wraps(function)
        def answer(*args: P.args, **options: P.kwargs) -> Arrays:
            found = kept(*args, **options)
            if found is None:
                found = function(*args, **options)
                run: Any = args[0]
                keep_answer(run.path, name, identity(*args, **options), found)
            return found

        answer.kept, answer.identity = kept, identity  # type: ignore[attr-defined]
        return cast(KeptAnswer[P], answer)

    return keeping


def kept_answer(
    folder: Path, name: str, identity: str, forms: Mapping[str, Form]
) -> dict[str, npt.NDArray[Any]] | None:
    """The arrays of these ``forms`` kept under a ``name``, as written and of this ``identity``, if any."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        found = load(read_regular(folder / _FILE.format(name), _MOST_BYTES))
        seal = found.pop(_SEAL)
        whole = np.array_equal(seal, _seal_of(found, identity)) and _fit(found, forms)
        return found if whole else None
    except (OSError, SafetensorError, ValueError, LookupError, TypeError, OverflowError):
        return None


def _fit(arrays: Arrays, forms: Mapping[str, Form]) -> bool:
    sizes: dict[str, int] = {}
    return all(
        arrays[name].dtype == kind
        and all(
            size == (sizes.setdefault(asked, size) if isinstance(asked, str) else asked)
            for size, asked in zip(arrays[name].shape, shape, strict=True)
        )
        for name, (kind, shape) in forms.items()
    )


def keep_answer(folder: Path, name: str, identity: str, arrays: Arrays) -> None:
    """Keep ``arrays`` for `kept_answer`, whole or not at all, in a folder that can be written to."""
    from safetensors.numpy import save

    whole = {one: np.ascontiguousarray(array) for one, array in arrays.items()}
    with contextlib.suppress(OSError, BadInput):
        check_no_links(folder)
        write_whole(folder / _FILE.format(name), save({**whole, _SEAL: _seal_of(whole, identity)}))


def _seal_of(arrays: Arrays, identity: str) -> npt.NDArray[np.uint8]:
    seal = hashlib.sha256(identity.encode())
    for name, array in sorted(arrays.items()):
        seal.update(f"{name} {array.dtype.str} {array.shape} ".encode())
        seal.update(np.ascontiguousarray(array).data)
    return np.frombuffer(seal.digest(), np.uint8)
