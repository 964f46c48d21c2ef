"""Encoded examples (files, cells of tables): identified by their bytes, decoded when needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from easiness.errors import BadInput
from easiness.inputs.counting import counted
from easiness.inputs.files import Blob, Files, Header, Unreadable
from easiness.inputs.kind import Value
from easiness.inputs.threads import in_threads

Positions = npt.NDArray[np.int64]
R = TypeVar("R")
_HOPELESS = 10_000  # examples without one that can be read


class Blobs(Protocol):
    """All stored examples of one split, by position."""

    @property
    def reader(self) -> Files:
        """How one is read."""

    def __len__(self) -> int:
        """Number of examples."""

    def name(self, position: int) -> str:
        """What to call an example in an error: its file, and its row where a file holds many."""

    def blobs(self, positions: Positions) -> Iterator[Blob]:
        """Readers of the examples at ascending ``positions``, in order, made as they are taken."""

    def headers(self, positions: Positions) -> Iterator[Header | None]:
        """Headers of the examples at ascending ``positions``; ``None`` for one that cannot be read."""

    def digests(self, positions: Positions) -> list[str]:
        """SHA-256 (hex) of the stored bytes at ascending ``positions``."""

    def unreadable(self) -> Positions:
        """Positions of the examples that cannot be decoded, ascending."""


@dataclass(frozen=True, eq=False)
class Source:
    """All splits of a source; what examples have in common is looked up over all of them at once."""

    parts: tuple[tuple[Blobs, Positions], ...]

    @cached_property
    def traits(self) -> Any:
        """What the examples have in common: the `Traits` of their kind.

        Raises:
            Unreadable: no example at all has a header that can be read.
        """
        first, positions = self.parts[0]
        found = first.reader.scan(_known(h for blobs, some in self.parts for h in blobs.headers(some)))
        if found is None:
            found = first.reader.scan(iter([_header_again(first, positions[:1])]))
            assert found is not None
        return found


def _known(headers: Iterator[Header | None]) -> Iterator[Header]:
    """The headers that can be read; none where the first ones cannot, of which there may be millions."""
    first = next((h for h in islice(headers, _HOPELESS) if h is not None), None)
    if first is not None:
        yield first
        yield from (h for h in headers if h is not None)


def named_blobs(blobs: Blobs, positions: Positions) -> Iterator[tuple[str, Blob]]:
    """(name, reader) of the examples at ascending ``positions``, in order."""
    for position, blob in zip(positions.tolist(), blobs.blobs(positions), strict=True):
        yield blobs.name(position), blob


def _header_again(blobs: Blobs, position: Positions) -> Header:
    """The header of the one example at ``position`` [1], or the reason why it cannot be read."""
    with blobs.reader.quiet():
        return blobs.reader.read_header(next(blobs.blobs(position)), blobs.name(int(position[0])))


class Encoded:
    """The examples of ``blobs`` at ascending ``positions``."""

    def __init__(self, blobs: Blobs, positions: Positions, source: Source) -> None:
        self._blobs = blobs
        self._positions = positions
        self._source = source

    def __len__(self) -> int:
        return len(self._positions)

    @property
    def traits(self) -> Any:
        """What the examples of the whole source have in common."""
        return self._source.traits

    def subset(self, positions: Positions) -> Encoded:
        """The examples at ascending ``positions`` among these; nothing is read."""
        return Encoded(self._blobs, self._positions[positions], self._source)

    def digests(self) -> list[str]:
        """SHA-256 (hex) of each example's stored bytes."""
        return self._blobs.digests(self._positions)

    def name(self, position: int) -> str:
        """The example's file, and its row where a file holds many."""
        return self._blobs.name(int(self._positions[position]))

    def unreadable(self) -> list[int]:
        """Positions among these of the examples that cannot be decoded, ascending."""
        if len(self) == len(self._blobs):  # what is remembered of them may tell
            found = self._blobs.unreadable()
        else:
            found = find_unreadable(self._blobs, self._positions, len(self))
        return [int(at) for at in np.searchsorted(self._positions, found)]

    def headers(self) -> Iterator[Header]:
        """The header of each example.

        Raises:
            Unreadable: one has none that can be read.
        """
        for at, header in enumerate(self._blobs.headers(self._positions)):
            yield header or _header_again(self._blobs, self._positions[at : at + 1])

    def sizes(self) -> npt.NDArray[np.int64]:
        """(height, width) of each picture, [K, 2], from the headers.

        Raises:
            Unreadable: a picture has no header that can be read.
        """
        return np.array([header[:2] for header in self.headers()], np.int64).reshape(len(self), 2)

    def column(self, name: str) -> Iterator[npt.NDArray[Any]]:
        """Vectors [n, D] in a column of the table that the examples are in, some at a time.

        Raises:
            BadInput: they are in files of their own, or there is no such column.
        """
        if not hasattr(self._blobs, "column"):
            nouns = f"{self._blobs.reader.noun}s"
            raise BadInput(
                f"column {name}: these {nouns} are files and no rows of a table; give a Parquet file"
            )
        return self._blobs.column(name, self._positions)  # type: ignore[no-any-return]

    def map(self, function: Callable[[Value], R]) -> Iterator[R]:
        """``function`` of each decoded example, in order, a few at a time in threads.

        Raises:
            Unreadable: an example cannot be decoded.
        """
        traits, reader = self.traits, self._blobs.reader

        def decoded(item: tuple[str, Blob]) -> R:
            name, blob = item
            return function(reader.decode(blob, name, traits))

        with reader.quiet():
            yield from in_threads(decoded, named_blobs(self._blobs, self._positions), len(self))


def read_headers(blobs: Blobs, positions: Positions) -> Iterator[Header | None]:
    """Headers of the examples at ascending ``positions``, read now."""
    reader = blobs.reader

    def read(item: tuple[str, Blob]) -> Header | None:
        name, blob = item
        try:
            return reader.read_header(blob, name)
        except Unreadable:  # named when it is decoded; it may lie outside of the subset in use
            return None

    with reader.quiet():
        found = in_threads(read, named_blobs(blobs, positions))
        yield from counted(found, reader.reading_headers, len(positions))


def find_unreadable(blobs: Blobs, positions: Positions, total: int, done: int = 0) -> Positions:
    """Those of ascending ``positions`` at which examples cannot be decoded.

    What is told of it is of ``total`` examples, of which so many are ``done``.
    """
    reader = blobs.reader

    def readable(item: tuple[str, Blob]) -> bool:
        name, blob = item
        return reader.is_readable(blob, name)

    with reader.quiet():
        verdicts = in_threads(readable, named_blobs(blobs, positions))
        found = np.array(list(counted(verdicts, reader.looking, total, done)), np.bool_)
    return positions[~found]
