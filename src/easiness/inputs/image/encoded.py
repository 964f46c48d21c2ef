"""Encoded pictures (files, Parquet rows): identified by their bytes, decoded when needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from easiness.errors import BadInput
from easiness.inputs.counting import SIZES, UNREADABLE, counted
from easiness.inputs.image.decode import (
    Blob,
    UnreadableImage,
    decoder_warnings,
    is_readable,
    read_header,
)
from easiness.inputs.image.scan import Header, ImageTraits, scan
from easiness.inputs.image.stored import Pixels
from easiness.inputs.image.threads import in_threads
from easiness.inputs.kind import Decode

Positions = npt.NDArray[np.int64]
R = TypeVar("R")


class Blobs(Protocol):
    """All stored pictures of one split, by position."""

    def __len__(self) -> int:
        """Number of pictures."""
        ...

    def name(self, position: int) -> str:
        """What to call a picture in an error: its file, and its row where a file holds many."""
        ...

    def blobs(self, positions: Positions) -> Iterator[Blob]:
        """Readers of the pictures at ascending ``positions``, in order, made as they are taken."""
        ...

    def headers(self, positions: Positions) -> Iterator[Header | None]:
        """Headers of the pictures at ascending ``positions``; ``None`` for one that cannot be read."""
        ...

    def digests(self, positions: Positions) -> list[str]:
        """SHA-256 (hex) of the stored bytes at ascending ``positions``."""
        ...

    def unreadable(self) -> Positions:
        """Positions of the pictures that cannot be decoded, ascending."""
        ...


@dataclass(frozen=True, eq=False)
class Source:
    """All splits of a source; channels and sizes are looked up over all of them at once."""

    parts: tuple[tuple[Blobs, Positions], ...]

    @cached_property
    def traits(self) -> ImageTraits:
        """What the pictures have in common.

        Raises:
            UnreadableImage: no picture at all has a header that can be read.
        """
        headers = (h for blobs, positions in self.parts for h in blobs.headers(positions) if h is not None)
        found = scan(headers)
        if found is None:
            blobs, positions = self.parts[0]
            found = scan([_header_again(blobs, positions[:1])])
            assert found is not None
        return found


def named_blobs(blobs: Blobs, positions: Positions) -> Iterator[tuple[str, Blob]]:
    """(name, reader) of the pictures at ascending ``positions``, in order."""
    for position, blob in zip(positions.tolist(), blobs.blobs(positions), strict=True):
        yield blobs.name(position), blob


def _header_again(blobs: Blobs, position: Positions) -> Header:
    """The header of the one picture at ``position`` [1], or the reason why it cannot be read."""
    with decoder_warnings():
        return read_header(next(blobs.blobs(position)), blobs.name(int(position[0])))


class EncodedImages:
    """The pictures of ``blobs`` at ascending ``positions``."""

    def __init__(self, blobs: Blobs, positions: Positions, source: Source, decode: Decode) -> None:
        self._blobs = blobs
        self._positions = positions
        self._source = source
        self._decode = decode

    def __len__(self) -> int:
        return len(self._positions)

    @property
    def traits(self) -> ImageTraits:
        """Channels and sizes over the whole source."""
        return self._source.traits

    def subset(self, positions: Positions) -> EncodedImages:
        """The pictures at ascending ``positions`` among these; nothing is read."""
        return EncodedImages(self._blobs, self._positions[positions], self._source, self._decode)

    def digests(self) -> list[str]:
        """SHA-256 (hex) of each picture's stored bytes."""
        return self._blobs.digests(self._positions)

    def name(self, position: int) -> str:
        """The picture's file, and its row where a file holds many."""
        return self._blobs.name(int(self._positions[position]))

    def sizes(self) -> npt.NDArray[np.int64]:
        """(height, width) of each picture, [K, 2], from the headers.

        Raises:
            UnreadableImage: a picture has no header that can be read.
        """
        sizes = np.empty((len(self), 2), np.int64)
        for at, header in enumerate(self._blobs.headers(self._positions)):
            sizes[at] = (header or _header_again(self._blobs, self._positions[at : at + 1]))[:2]
        return sizes

    def column(self, name: str) -> Iterator[npt.NDArray[Any]]:
        """Vectors [n, D] in a column of the table that the pictures are in, some at a time.

        Raises:
            BadInput: they are in files of their own, or there is no such column.
        """
        if not hasattr(self._blobs, "column"):
            raise BadInput(
                f"column {name}: these pictures are files and no rows of a table; give a Parquet file"
            )
        return self._blobs.column(name, self._positions)  # type: ignore[no-any-return]

    def map(self, function: Callable[[Pixels], R]) -> Iterator[R]:
        """``function`` of each decoded picture, in order, a few at a time in threads.

        Raises:
            UnreadableImage: a picture cannot be decoded.
        """
        traits = self.traits

        def decoded(item: tuple[str, Blob]) -> R:
            name, blob = item
            return function(self._decode(blob, name, traits))

        with decoder_warnings():
            yield from in_threads(decoded, named_blobs(self._blobs, self._positions), len(self))


def read_headers(blobs: Blobs, positions: Positions) -> Iterator[Header | None]:
    """Headers of the pictures at ascending ``positions``, read now."""

    def read(item: tuple[str, Blob]) -> Header | None:
        name, blob = item
        try:
            return read_header(blob, name)
        except UnreadableImage:  # named when it is decoded; it may lie outside of the subset in use
            return None

    with decoder_warnings():
        yield from counted(in_threads(read, named_blobs(blobs, positions)), SIZES, len(positions))


def find_unreadable(blobs: Blobs, start: int, stop: int) -> Positions:
    """Positions from ``start`` up to ``stop`` of the pictures that cannot be decoded."""

    def readable(item: tuple[str, Blob]) -> bool:
        name, blob = item
        return is_readable(blob, name)

    positions = np.arange(start, stop)
    with decoder_warnings():
        verdicts = in_threads(readable, named_blobs(blobs, positions))
        found = np.array(list(counted(verdicts, UNREADABLE, len(blobs), start)), np.bool_)
    return positions[~found]
