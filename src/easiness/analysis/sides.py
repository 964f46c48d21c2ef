"""The two sides of a set of examples: how many a fraction is, and a reproducible order of those that tie."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable
from typing import Literal

import numpy as np
import numpy.typing as npt

from easiness.errors import BadInput
from easiness.lazy import Array, Mask
from easiness.spec import check_within

Side = Literal["easy", "hard"]
Ties = Literal["expected", "strict", "refine"]
SIDES: tuple[Side, ...] = ("easy", "hard")


def num_selected(num_examples: int, fraction: float) -> int:
    """k, the nearest whole number to ``fraction * num_examples`` (half goes up)."""
    check_within("fraction", fraction, "(0, 1]")
    k = int(fraction * num_examples + 0.5)
    if k == 0:
        raise BadInput(
            f"fraction {fraction}: too small, as it selects none of {num_examples} examples; "
            "give a larger fraction or more examples"
        )
    return k


def usual_fraction(num_examples: int) -> float:
    """A tenth, or what selects one example where a tenth selects none."""
    return max(0.1, 0.5 / num_examples) if num_examples > 1 else 1.0


def _digest(text: str) -> int:
    data = text.encode("utf-8", "surrogatepass")  # file names need not be valid text
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "little")


def id_keys(ids: Array) -> npt.NDArray[np.uint64]:
    """A 64-bit key for each of the ``ids`` [n]: an integer is its own key, any other id is hashed as text."""
    if ids.dtype.kind in "iu":
        return ids.astype(np.uint64)
    return np.fromiter((_digest(str(i)) for i in ids), np.uint64, len(ids))


def keys_when_asked(ids: Array) -> Callable[[], npt.NDArray[np.uint64]]:
    """A function that gives the `id_keys`, hashed once, when they are first needed."""
    return functools.cache(functools.partial(id_keys, ids))


def tie_order(keys: npt.NDArray[np.uint64], seed: int) -> npt.NDArray[np.uint64]:
    """Pseudo-random numbers [n] to sort ``keys`` [n] by: a function of key and ``seed`` alone.

    The finalizer of SplitMix64 (Steele et al. 2014): one-to-one, so distinct keys never tie, and the
    same in every process.
    """
    z = keys ^ np.uint64(_digest(f"ties:{seed}"))
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def first_in_order(keys: npt.NDArray[np.uint64], seed: int, num: int) -> Mask:
    """A mask [n] of the first ``num`` >= 1 of ``keys`` [n] in `tie_order`; of equal keys the first are in."""
    order = tie_order(keys, seed)
    last = np.partition(order, num - 1)[num - 1]
    first: Mask = order < last
    alike = np.flatnonzero(order == last)
    first[alike[: num - np.count_nonzero(first)]] = True
    return first
