"""Pictures as they are stored: what a data set needs of them, and arrays as the simplest kind."""

from __future__ import annotations

import hashlib
from typing import Protocol, Self

import numpy as np
import numpy.typing as npt


class StoredImages(Protocol):
    """Pictures that can be identified without decoding and decoded when needed."""

    def __len__(self) -> int:
        """Number of pictures."""
        ...

    @property
    def shape(self) -> tuple[int, int, int]:
        """(channels, height, width) of the first picture."""
        ...

    def subset(self, positions: npt.NDArray[np.int64]) -> Self:
        """The pictures at ``positions``, in that order; nothing is read."""
        ...

    def digests(self) -> list[str]:
        """SHA-256 (hex) of each picture's stored bytes."""
        ...

    def decode(self) -> npt.NDArray[np.uint8]:
        """All pictures, [K, channels, height, width], contiguous."""
        ...


class ArrayImages:
    """Pictures held as pixels, uint8 [K, channels, height, width]; stored bytes are shape and pixels."""

    def __init__(self, pixels: npt.NDArray[np.uint8]) -> None:
        self._pixels = np.ascontiguousarray(pixels)

    def __len__(self) -> int:
        return len(self._pixels)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(channels, height, width)."""
        channels, height, width = self._pixels.shape[1:]
        return channels, height, width

    def subset(self, positions: npt.NDArray[np.int64]) -> ArrayImages:
        """A copy of the pictures at ``positions``."""
        return ArrayImages(self._pixels[positions])

    def digests(self) -> list[str]:
        """SHA-256 (hex) of each picture's shape and pixels."""
        shape = "x".join(map(str, self.shape)).encode() + b":"
        return [hashlib.sha256(shape + image.tobytes()).hexdigest() for image in self._pixels]

    def decode(self) -> npt.NDArray[np.uint8]:
        """The pixels themselves."""
        return self._pixels
