"""Vectors as they are stored, and what they have in common."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from easiness.errors import BadInput
from easiness.inputs.kind import Stored
from easiness.inputs.signature import Signature
from easiness.spec import Recipe

Vector: TypeAlias = npt.NDArray[np.float32]
"""One example: [D]."""

R = TypeVar("R")

AT_ONCE = 4096
"""Rows that are widened to double precision at a time."""


@dataclass(frozen=True, eq=False)
class VectorTraits:
    """What vectors have in common: their width, and ``mean`` and ``scale`` [D] of each value.

    ``scale`` is the (population) standard deviation, and 1 for a value that is ``constant`` [D]: the same in
    all. ``names`` [D] are those of the columns of a table.
    """

    mean: npt.NDArray[np.float64]
    scale: npt.NDArray[np.float64]
    constant: npt.NDArray[np.bool_]
    names: tuple[str, ...] | None = None

    @property
    def of_columns(self) -> bool:
        """Is each value of a column of a table, in units of its own, and not one of a list of them?"""
        return self.names is not None and not all(name.endswith("]") for name in self.names)

    def called(self, at: int) -> str:
        """What the value at a position is called."""
        return f"x[{at}]" if self.names is None else self.names[at]

    @property
    def shape(self) -> tuple[int]:
        """(D,)."""
        return (len(self.mean),)

    def recipe(self) -> dict[str, Any]:
        """No setting of a recipe differs for vectors."""
        return {}

    def signature(self, recipe: Recipe, where: str) -> Signature:  # noqa: ARG002 - the same under any recipe
        """(D,), whatever the recipe."""
        return Signature(self.shape)

    def joined(self, held_out: VectorTraits, where: str, names: tuple[str, str]) -> VectorTraits:
        """The traits of the training split, by which both are standardized.

        Raises:
            BadInput: the splits, called ``names``, differ in width.
        """
        ours, theirs = len(self.mean), len(held_out.mean)
        if ours != theirs:
            raise BadInput(
                f"{where}: vectors of {names[0]} have {ours} values but those of {names[1]} {theirs}; give "
                "both splits the same"
            )
        return self

    def held_out_from(self, train: Stored) -> VectorTraits:
        """The traits of ``train``."""
        traits: VectorTraits = train.traits
        return traits

    def pooled(self, other: VectorTraits, nums: tuple[int, int]) -> VectorTraits:
        """The traits of two sets of so many vectors as one."""
        share = nums[1] / sum(nums)
        apart = other.mean - self.mean
        ours, theirs = (np.where(one.constant, 0.0, one.scale) ** 2 for one in (self, other))
        variance = (1 - share) * ours + share * theirs + share * (1 - share) * apart**2
        constant = self.constant & other.constant & (apart == 0)
        scale = np.where(constant, 1.0, np.sqrt(variance))
        return VectorTraits(self.mean + share * apart, scale, constant, self.names)

    def standardized(self, values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Values [n, D] less the mean of the training examples, in units of their standard deviation.

        Those that are the same in all training examples become 0.
        """
        made = ((values.astype(np.float64) - self.mean) / self.scale).astype(np.float32)
        made[:, self.constant] = 0
        return made


class StoredVectors:
    """Vectors [K, D] in memory; their stored bytes are those of float32 values, little-endian.

    ``names`` [D] are those of the columns, where they come from a table.
    """

    def __init__(self, values: npt.NDArray[np.float32], names: tuple[str, ...] | None = None) -> None:
        self._values = np.ascontiguousarray(values)
        self._names = names

    def __len__(self) -> int:
        return len(self._values)

    @cached_property
    def traits(self) -> VectorTraits:
        """Width, mean and standard deviation of these vectors, in double precision."""
        parts = [self._values[at : at + AT_ONCE] for at in range(0, len(self), AT_ONCE)]
        mean = sum(part.sum(axis=0, dtype=np.float64) for part in parts) / len(self)
        squares = sum(((part - mean) ** 2).sum(axis=0) for part in parts) / len(self)
        scale = np.sqrt(squares)
        same = (self._values == self._values[:1]).all(axis=0)  # not left to rounding
        mean, scale = np.where(same, self._values[0], mean), np.where(same, 1.0, scale)
        return VectorTraits(mean, scale, same, self._names)

    def subset(self, positions: npt.NDArray[np.int64]) -> StoredVectors:
        """A copy of the vectors at ``positions``."""
        return StoredVectors(self._values[positions], self._names)

    def digests(self) -> list[str]:
        """SHA-256 (hex) of each vector's width and values."""
        prefix = f"{self._values.shape[1]}:".encode()
        return [hashlib.sha256(prefix + row.astype("<f4").tobytes()).hexdigest() for row in self._values]

    def map(self, function: Callable[[Vector], R]) -> Iterator[R]:
        """``function`` of each vector."""
        return map(function, self._values)

    def name(self, position: int) -> str:
        """The position in the array."""
        return f"vector {position}"


def to_vectors(array: npt.NDArray[Any], where: str, *, copy: bool) -> StoredVectors:
    """An array [K, D] of floats as vectors, in single precision.

    Raises:
        BadInput: there are none, or one is not finite in single precision.
    """
    if 0 in array.shape:
        raise BadInput(f"{where}: shape {'x'.join(map(str, array.shape))} holds no values; give at least one")
    with np.errstate(over="ignore"):
        values = array.astype(np.float32, copy=copy)
    bad = np.flatnonzero(~np.isfinite(values).all(axis=1))
    if len(bad):
        column = int(np.flatnonzero(~np.isfinite(values[bad[0]]))[0])
        raise BadInput(
            f"{where}: example {bad[0]} has {array[bad[0], column]} in column {column}; give finite values, "
            "or drop the example"
        )
    return StoredVectors(values)
