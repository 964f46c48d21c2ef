"""Encoded pictures (files, Parquet rows): identified by their bytes, decoded when needed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

from easiness.data.decode import Blob, UnreadableImage, decode_image, decoder_warnings, is_grey
from easiness.data.memory import check_fits
from easiness.data.threads import in_threads
from easiness.errors import BadInput

Positions = npt.NDArray[np.int64]


class Blobs(Protocol):
    """All stored pictures of one split, by position."""

    def __len__(self) -> int:
        """Number of pictures."""
        ...

    def name(self, position: int) -> str:
        """What to call a picture in an error: its file, and its row where a file holds many."""
        ...

    def batches(self, positions: Positions) -> Iterator[list[Blob]]:
        """Readers of the pictures at ascending ``positions``, in order, as many at a time as fit."""
        ...

    def digests(self, positions: Positions) -> list[str]:
        """SHA-256 (hex) of the stored bytes at ascending ``positions``."""
        ...

    def unreadable(self) -> Positions:
        """Positions of the pictures that cannot be decoded, ascending."""
        ...


@dataclass(frozen=True, eq=False)
class Channels:
    """The rule for color, over all splits of a source so that none differs from another.

    One channel if all pictures are grey, else three. Subsets follow the whole source: a limit does not
    change what an image is.
    """

    parts: tuple[tuple[Blobs, Positions], ...]

    @cached_property
    def number(self) -> Literal[1, 3]:
        """1 or 3; reads headers up to the first picture in color."""
        with decoder_warnings():
            return 3 if any(not _is_grey(item) for item in self._stored()) else 1

    def _stored(self) -> Iterator[tuple[str, Blob]]:
        for blobs, positions in self.parts:
            yield from named_blobs(blobs, positions)


def _is_grey(item: tuple[str, Blob]) -> bool:
    name, blob = item
    try:
        return is_grey(blob, name)
    except UnreadableImage:  # named when it is decoded; it may lie outside of the subset in use
        return True


def named_blobs(blobs: Blobs, positions: Positions) -> Iterator[tuple[str, Blob]]:
    """(name, reader) of the pictures at ascending ``positions``, in order."""
    at = 0
    for batch in blobs.batches(positions):
        for blob in batch:
            yield blobs.name(int(positions[at])), blob
            at += 1


class EncodedImages:
    """The pictures of ``blobs`` at ascending ``positions``."""

    def __init__(self, blobs: Blobs, positions: Positions, channels: Channels) -> None:
        self._blobs = blobs
        self._positions = positions
        self._channels = channels

    def __len__(self) -> int:
        return len(self._positions)

    @cached_property
    def shape(self) -> tuple[int, int, int]:
        """(channels, height, width) of the first picture, which is decoded for it."""
        name, blob = next(named_blobs(self._blobs, self._positions[:1]))
        with decoder_warnings():
            channels, height, width = decode_image(blob, name, self._channels.number).shape
        return channels, height, width

    def subset(self, positions: Positions) -> EncodedImages:
        """The pictures at ascending ``positions`` among these; nothing is read."""
        return EncodedImages(self._blobs, self._positions[positions], self._channels)

    def digests(self) -> list[str]:
        """SHA-256 (hex) of each picture's stored bytes."""
        return self._blobs.digests(self._positions)

    def decode(self) -> npt.NDArray[np.uint8]:
        """All pictures, [K, channels, height, width].

        Raises:
            BadInput: a picture is unreadable, two differ in size, or they do not fit in memory.
        """
        first = self._blobs.name(int(self._positions[0]))
        check_fits(len(self) * int(np.prod(self.shape)), first)
        pixels = np.empty((len(self), *self.shape), np.uint8)

        def fill(item: tuple[int, Blob]) -> None:
            at, blob = item
            name = self._blobs.name(int(self._positions[at]))
            image = decode_image(blob, name, self._channels.number)
            if image.shape != self.shape:
                raise BadInput(
                    f"{name} is {image.shape[2]}x{image.shape[1]} pixels but {first} is "
                    f"{self.shape[2]}x{self.shape[1]}; resize the images to one size first"
                )
            pixels[at] = image

        start = 0
        with decoder_warnings():
            for batch in self._blobs.batches(self._positions):
                for _ in in_threads(fill, list(enumerate(batch, start))):
                    pass
                start += len(batch)
        return pixels


def find_unreadable(blobs: Blobs, positions: Positions) -> Positions:
    """Those of ascending ``positions`` whose picture cannot be decoded."""
    verdicts: list[bool] = []

    def is_broken(item: tuple[str, Blob]) -> bool:
        name, blob = item
        try:
            decode_image(blob, name, 3)
        except UnreadableImage:
            return True
        return False

    start = 0
    with decoder_warnings():
        for batch in blobs.batches(positions):
            names = [blobs.name(int(p)) for p in positions[start : start + len(batch)]]
            verdicts += in_threads(is_broken, list(zip(names, batch, strict=True)))
            start += len(batch)
    return positions[np.array(verdicts, np.bool_)]
