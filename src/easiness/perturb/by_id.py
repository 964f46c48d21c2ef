"""What is drawn for an example: random bits that depend on its id and a seed alone."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import Tensor

from easiness.errors import BadInput
from easiness.perturb.kind import Ids


def check_seed(kind: str, seed: int) -> None:
    """Raise `BadInput` for a negative seed of a kind."""
    if seed < 0:
        raise BadInput(f"{kind} seed {seed}: negative; use 0 or above")


def plain_ids(ids: Ids | None, what: str) -> Iterable[Any]:
    """Ids as Python's own numbers and texts; a list stays as it is, so that [1, "a"] stays mixed.

    Raises:
        BadInput: there are none; ``what`` begins the message.
    """
    if ids is None:
        raise BadInput(what)
    return ids.tolist() if isinstance(ids, np.ndarray | Tensor) else ids


def random_bits(example: object, seed: int, num: int) -> npt.NDArray[np.uint64]:
    """Random bits [num] that no release of NumPy changes, as `numpy.random.Generator`'s methods may.

    Raises:
        BadInput: the id of the example is neither an integer nor a text.
    """
    if isinstance(example, int | np.integer):
        text = f"int {int(example)}"
    elif isinstance(example, str):
        text = f"text {example}"
    else:
        raise BadInput(f"id {example!r}: neither an integer nor a text; give the examples' own ids")
    # file names need not be valid text
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
    sequence = np.random.SeedSequence(int.from_bytes(digest, "little"), spawn_key=(seed,))
    return np.random.PCG64(sequence).random_raw(num)
