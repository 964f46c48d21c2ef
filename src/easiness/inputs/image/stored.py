"""Pictures as they are stored: what a data set needs of them, and arrays as the simplest kind."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from easiness.inputs.image.scan import ImageTraits
from easiness.inputs.kind import Stored

if TYPE_CHECKING:
    from PIL import Image

Pixels: TypeAlias = npt.NDArray[np.uint8]
"""One decoded picture: [height, width, channels]."""

R = TypeVar("R")


class StoredImages(Stored, Protocol):
    """Pictures that can be identified without decoding and decoded when needed."""

    @property
    def traits(self) -> ImageTraits:
        """Channels and sizes of the whole source, also of pictures outside of this subset."""

    def sizes(self) -> npt.NDArray[np.int64]:
        """(height, width) of each picture, [K, 2]; nothing is decoded that has a header."""


def to_pil(pixels: Pixels) -> Image.Image:
    """The picture [height, width, channels] as Pillow's, of the same pixels."""
    from PIL import Image

    return Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)


def pixel_digest(image: npt.NDArray[np.uint8]) -> str:
    """SHA-256 (hex) of the shape and pixels of one picture [channels, height, width]."""
    shape = "x".join(map(str, image.shape)).encode() + b":"
    return hashlib.sha256(shape + image.tobytes()).hexdigest()


class ArrayImages:
    """Pictures held as pixels, uint8 [K, channels, height, width]; stored bytes are shape and pixels."""

    def __init__(self, pixels: npt.NDArray[np.uint8]) -> None:
        self._pixels = np.ascontiguousarray(pixels)

    def __len__(self) -> int:
        return len(self._pixels)

    @property
    def traits(self) -> ImageTraits:
        """Channels and the one size."""
        channels: Literal[1, 3] = 1 if self._pixels.shape[1] == 1 else 3
        height, width = self._pixels.shape[2:]
        return ImageTraits(channels, (height, width), min(height, width))

    def subset(self, positions: npt.NDArray[np.int64]) -> ArrayImages:
        """A copy of the pictures at ``positions``."""
        return ArrayImages(self._pixels[positions])

    def digests(self) -> list[str]:
        """SHA-256 (hex) of each picture's shape and pixels."""
        return [pixel_digest(image) for image in self._pixels]

    def sizes(self) -> npt.NDArray[np.int64]:
        """The one size, [K, 2]."""
        return np.tile(np.array(self._pixels.shape[2:], np.int64), (len(self), 1))

    def map(self, function: Callable[[Pixels], R]) -> Iterator[R]:
        """``function`` of each picture."""
        return (function(np.ascontiguousarray(image.transpose(1, 2, 0))) for image in self._pixels)

    def name(self, position: int) -> str:
        """The position in the array."""
        return f"image {position}"
