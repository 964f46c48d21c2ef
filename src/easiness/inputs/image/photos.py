"""Pictures at the resolution that training works at: made smaller, held in memory, or decoded anew."""

from __future__ import annotations

from functools import partial

import numpy as np
import numpy.typing as npt

from easiness.gate import fits
from easiness.inputs.image.stored import Pixels, StoredImages, to_pil
from easiness.inputs.packed import Packed

MOST_OBLONG = 8
"""Times the short side: the long side beyond that is cut off at both ends, or one thin photo could take
as much memory as thousands of others."""

_AT_ONCE = 1 << 14  # so many sums stay in a cache


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
    resized = np.array(to_pil(pixels).resize(size[::-1], Image.Resampling.BILINEAR))
    return resized[..., None] if channels == 1 else resized


class DecodedPhotos:
    """Photos decoded each time they are taken."""

    def __init__(self, stored: StoredImages, short_side: int, shapes: npt.NDArray[np.int64]) -> None:
        self._stored = stored
        self._short_side = short_side
        self.shapes = shapes

    def take(self, positions: npt.NDArray[np.int64]) -> list[Pixels]:
        """The photos at ``positions``.

        Raises:
            BadInput: one is unreadable.
        """
        ascending, back = np.unique(positions, return_inverse=True)
        photos = list(self._stored.subset(ascending).map(partial(reduce, short_side=self._short_side)))
        return [photos[at] for at in back.tolist()]


def uncached_photos(stored: StoredImages, short_side: int) -> Packed | DecodedPhotos:
    """The photos without a file: held in memory where they fit, else decoded anew for every batch.

    Raises:
        BadInput: a photo is unreadable.
    """
    channels = stored.traits.channels
    sizes = [reduced_size(h, w, short_side) for h, w in stored.sizes().tolist()]
    shapes = np.array([(*size, channels) for size in sizes], np.int64)
    if fits(int(shapes.prod(axis=1).sum())):
        return Packed.of_values(stored.map(partial(reduce, short_side=short_side)), shapes, np.uint8)
    return DecodedPhotos(stored, short_side, shapes)


def average_blocks(
    images: npt.NDArray[np.uint8], side: int, at_once: int = _AT_ONCE
) -> npt.NDArray[np.uint8]:
    """Means of blocks of ``side`` x ``side`` pixels, to the nearest of 256 levels; halves go up.

    ``images`` are [K, h, w, c] with h and w multiples of ``side``; returned are [K, h / side, w / side, c],
    with blocks of one pixel ``images`` themselves. ``at_once`` sums are held at a time, at least those of one
    image.
    """
    if side == 1:
        return images
    num, height, width, channels = images.shape
    assert height % side == width % side == 0, (height, width, side)
    smaller = np.empty((num, height // side, width // side, channels), np.uint8)
    step = max(1, at_once // max(1, smaller[:1].size))
    area = side * side
    for start in range(0, num, step):
        some = images[start : start + step]
        sums = np.full((len(some), *smaller.shape[1:]), area // 2, np.int32)
        for at in range(area):
            sums += some[:, at // side :: side, at % side :: side]
        smaller[start : start + step] = sums // area
    return smaller
