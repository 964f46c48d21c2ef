"""Photos at the resolution that training works at: held in memory, mapped from a file, or decoded anew."""

from __future__ import annotations

from functools import partial
from typing import Protocol

import numpy as np
import numpy.typing as npt

from easiness.data.memory import fits
from easiness.data.stored import Pixels, StoredImages

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
    """Size of a photo whose short side is reduced to ``short_side`` pixels; smaller ones stay as they are.

    The long side is rounded down, as torchvision's ``Resize`` does.
    """
    if min(height, width) <= short_side:
        return height, width
    if height <= width:
        return short_side, short_side * width // height
    return short_side * height // width, short_side


def reduce(pixels: Pixels, short_side: int) -> Pixels:
    """The photo, bilinear with antialias, at `reduced_size`."""
    from PIL import Image

    height, width = reduced_size(pixels.shape[0], pixels.shape[1], short_side)
    if (height, width) == pixels.shape[:2]:
        return pixels
    grey = pixels.shape[2] == 1
    image = Image.fromarray(pixels[..., 0] if grey else pixels)
    resized = np.array(image.resize((width, height), Image.Resampling.BILINEAR))
    return resized[..., None] if grey else resized


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
