"""Examples one after another: in memory, in a file that processes share, or in a message."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from easiness.lazy import Array, Integers

Value = Array  # one decoded example: an array, of a picture [height, width, channels]


class Values:
    """Decoded examples of one split for training: a `Pack`, or decoded each time."""

    shapes: Integers
    """The shape of each, [K, n]."""

    def take(self, positions: Integers) -> list[Value]:
        """The examples at ``positions``, in any order; do not write to them."""
        raise NotImplementedError


@dataclass(frozen=True, eq=False)
class Pack(Values):
    """Examples as their ``flat`` values, and the ``shapes`` [K, n] of each.

    ``flat`` is an array, or gives slices of one. Other processes get ``reopen``, a function and its
    arguments, instead of values, if there is one.
    """

    flat: Any
    shapes: Integers
    reopen: tuple[Callable[..., Any], tuple[Any, ...]] | None = None

    @classmethod
    def of_array(cls, values: Array) -> Pack:
        shapes = np.broadcast_to(np.array(values.shape[1:], np.int64), (len(values), values.ndim - 1))
        return cls(np.ascontiguousarray(values).reshape(-1), shapes)

    @classmethod
    def of_values(cls, values: Iterable[Array], shapes: Integers, dtype: Any) -> Pack:
        """Pack examples of known ``shapes`` [K, n] one by one."""
        pack = cls(np.empty(int(shapes.prod(axis=1).sum()), dtype), shapes)
        for at, (value, shape) in enumerate(zip(values, shapes.tolist(), strict=True)):
            assert list(value.shape) == shape
            pack.flat[pack.offsets[at] : pack.offsets[at + 1]] = value.reshape(-1)
        return pack

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return self.reopen or (Pack, (self.flat, self.shapes))

    def __len__(self) -> int:
        return len(self.shapes)

    @cached_property
    def offsets(self) -> Integers:
        """The offset of each example in ``flat``, and the end of the last: [K + 1]."""
        return np.concatenate([[0], np.cumsum(self.shapes.prod(axis=1))])

    def take(self, positions: Integers) -> list[Value]:
        return [
            self.flat[self.offsets[at] : self.offsets[at + 1]].reshape(self.shapes[at])
            for at in positions.tolist()
        ]

    def array(self) -> Array:
        """All examples [K, ...] of one shape, without a copy."""
        assert (self.shapes == self.shapes[:1]).all()
        shape = tuple(self.shapes[0].tolist())
        values: Array = self.flat[: len(self) * math.prod(shape)].reshape(len(self), *shape)
        return values

    @property
    def in_memory(self) -> bool:
        return isinstance(self.flat, np.ndarray) and self.reopen is None

    def write(self, path: Path) -> Pack:
        """Write the values to a new file; processes that map it share one copy."""
        with path.open("wb") as file:
            np.save(file, self.flat[: self.offsets[-1]], allow_pickle=False)
        return _map(path, self.shapes)


def _map(path: Path, shapes: Integers) -> Pack:
    return Pack(_MappedFile(path), shapes, (_map, (path, shapes)))


class _MappedFile:
    """Values in a file that is mapped at the first read: it may be gone in the process they are sent to."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __getitem__(self, part: slice) -> Array:
        return self._values[part]

    @cached_property
    def _values(self) -> Array:
        """Copy on write, so that the file stays what it is."""
        values: Array = np.load(self._path, mmap_mode="c", allow_pickle=False)
        return values
