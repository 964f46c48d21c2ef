"""Photos at the resolution that training works at: held in memory, mapped from a file, or decoded anew."""

from __future__ import annotations

from functools import partial
from typing import Protocol

import numpy as np
import numpy.typing as npt

from easiness.inputs.image.stored import Pixels, StoredImages
from easiness.inputs.memory import fits

MOST_OBLONG = 8
"""Times the short side: the long side beyond that is cut off at both ends, or one thin photo could take
as much memory as thousands of others."""

Sizes = npt.NDArray[np.int64]
"""(height, width) of each photo: [K, 2]."""


class Photos(Protocol):
    """Photos of one split in color or grey, their short side at most the working resolution."""

    @property
    def channels(self) -> int:
        """1 or 3, of every photo."""
        ...

    @property
    def sizes(self) -> Sizes:
        """(height, width) of each photo, [K, 2]."""
        ...

    def take(self, positions: npt.NDArray[np.int64]) -> list[Pixels]:
        """The photos at ``positions``, in any order, each uint8 [height, width, channels]; do not write."""
        ...


def reduced_size(height: int, width: int, short_side: int) -> tuple[int, int]:
    """Size of a photo at the working resolution.

    The long side is cut to 8 times the short one. Then the short side is reduced to ``short_side`` pixels
    where it is larger; the long side is rounded down, as torchvision's ``Resize`` does.
    """
    shortest = min(height, width)
    height, width = min(height, MOST_OBLONG * shortest), min(width, MOST_OBLONG * shortest)
    if shortest <= short_side:
        return height, width
    if height <= width:
        return short_side, short_side * width // height
    return short_side * height // width, short_side


def reduce(pixels: Pixels, short_side: int) -> Pixels:
    """The photo at `reduced_size`: its middle where it is very long, bilinear with antialias."""
    from PIL import Image

    height, width, channels = pixels.shape
    longest = MOST_OBLONG * min(height, width)
    top, left = max(0, height - longest) // 2, max(0, width - longest) // 2
    pixels = pixels[top : top + longest, left : left + longest]
    size = reduced_size(height, width, short_side)
    if size == pixels.shape[:2]:
        return pixels
    image = Image.fromarray(pixels[..., 0] if channels == 1 else pixels)
    resized = np.array(image.resize(size[::-1], Image.Resampling.BILINEAR))
    return resized[..., None] if channels == 1 else resized


class HeldPhotos:
    """Photos in memory."""

    def __init__(self, photos: list[Pixels]) -> None:
        self._photos = photos
        self.channels = photos[0].shape[2]
        self.sizes = np.array([photo.shape[:2] for photo in photos], np.int64)

    def take(self, positions: npt.NDArray[np.int64]) -> list[Pixels]:
        """The photos at ``positions``."""
        return [self._photos[position] for position in positions.tolist()]


class DecodedPhotos:
    """Photos decoded each time they are taken."""

    def __init__(self, stored: StoredImages, short_side: int, sizes: Sizes) -> None:
        self._stored = stored
        self._short_side = short_side
        self.channels: int = stored.scan.channels
        self.sizes = sizes

    def take(self, positions: npt.NDArray[np.int64]) -> list[Pixels]:
        """The photos at ``positions``.

        Raises:
            BadInput: one is unreadable.
        """
        ascending, back = np.unique(positions, return_inverse=True)
        photos = list(self._stored.subset(ascending).map(partial(reduce, short_side=self._short_side)))
        return [photos[at] for at in back.tolist()]


def uncached_photos(stored: StoredImages, short_side: int) -> HeldPhotos | DecodedPhotos:
    """The photos without a file: held in memory where they fit, else decoded anew for every batch.

    Raises:
        BadInput: a photo is unreadable.
    """
    sizes = np.array([reduced_size(h, w, short_side) for h, w in stored.sizes().tolist()], np.int64)
    if fits(int(sizes.prod(axis=1).sum()) * stored.scan.channels):
        return HeldPhotos(list(stored.map(partial(reduce, short_side=short_side))))
    return DecodedPhotos(stored, short_side, sizes)
