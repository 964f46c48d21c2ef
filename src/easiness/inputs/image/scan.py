"""What the pictures of a source have in common, read off their headers: channels and sizes."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

SMALL_SIDE = 128
"""Pixels; images of one size whose short side is below this are used at that size."""

FEW_EXAMPLES_A_STEP = 64
LOOKED_AT = 256


class Header(NamedTuple):
    """What a picture's header says; height and width as they are after its EXIF orientation."""

    height: int
    width: int
    grey: bool


@dataclass(frozen=True)
class Scan:
    """The whole source at a glance, so that a subset does not change what an image is.

    ``channels`` is 1 if all pictures are grey, else 3. ``size`` is the (height, width) that all have, or
    ``None`` where they differ. ``short_side`` is the median one of the first 256 pictures.
    """

    channels: Literal[1, 3]
    size: tuple[int, int] | None
    short_side: int

    def recipe(self) -> dict[str, Any]:
        """Recipe settings that these pictures need.

        Photos (sizes differ, or the one size has a short side of 128 pixels or more) are cropped at
        random and to one size: 224 pixels, or the short side that is usual where that is below 128. Steps
        of 64 examples are the paper's for photos.
        """
        if self.size is not None and min(self.size) < SMALL_SIDE:
            return {}
        if self.short_side < SMALL_SIDE:
            return {"crop": max(1, self.short_side), "translation": 0.0}
        return {"crop": 224, "translation": 0.0, "batch_size": FEW_EXAMPLES_A_STEP}


def scan(headers: Iterable[Header]) -> Scan | None:
    """Look at headers until nothing more can be learned; ``None`` where there are no headers."""
    size: tuple[int, int] | None = None
    same, grey = True, True
    short_sides: list[int] = []
    for header in headers:
        size = size or header[:2]
        same = same and header[:2] == size
        grey = grey and header.grey
        if len(short_sides) < LOOKED_AT:
            short_sides.append(min(header[:2]))
        elif not same and not grey:
            break
    if size is None:
        return None
    return Scan(1 if grey else 3, size if same else None, int(statistics.median_low(short_sides)))


def merge(train: Scan, held_out: Scan) -> Scan:
    """The scan of two splits looked at one by one; the training split decides what size is usual."""
    size = train.size if train.size == held_out.size else None
    return Scan(train.channels, size, train.short_side)
