"""What the pictures of a source have in common, read off their headers: channels and sizes."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from easiness.errors import BadInput
from easiness.inputs.kind import Traits
from easiness.inputs.signature import Signature
from easiness.spec import Recipe

SMALL_SIDE = 128
"""Pixels; images of one size whose short side is below this are used at that size."""

FEW_EXAMPLES_A_STEP = 64
LOOKED_AT = 256

_DEEP = "some pictures have 16 bits per channel, and are scaled: 0 to 65535 becomes 0 to 255"


class ImageHeader(NamedTuple):
    """What a picture's header says; height and width as they are after its EXIF orientation.

    A ``deep`` one has 16 bits per channel, of which 8 are used.
    """

    height: int
    width: int
    grey: bool
    deep: bool = False


@dataclass(frozen=True)
class ImageTraits(Traits):
    """The whole source at a glance, so that a subset does not change what an image is.

    ``channels`` is 1 if all pictures are grey, else 3. ``size`` is the (height, width) that all have, or
    ``None`` where they differ. ``short_side`` is the median one of the first 256 pictures. ``deep`` ones, of
    16 bits per channel, are among those looked at.
    """

    channels: Literal[1, 3]
    size: tuple[int, int] | None
    short_side: int
    deep: bool = False

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know: that bits are dropped."""
        return (_DEEP,) if self.deep else ()

    @property
    def shape(self) -> tuple[int, int, int] | None:
        """(channels, height, width) of every picture, ``None`` where sizes differ."""
        return None if self.size is None else (self.channels, *self.size)

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

    def signature(self, recipe: Recipe, where: str) -> Signature:
        """(channels, height, width) of what a network gets under ``recipe``; ``where`` names the source."""
        if recipe.crop:
            return Signature((self.channels, recipe.crop, recipe.crop))
        if self.size is None:
            raise BadInput(
                f"{where}: the images differ in size; set `crop` in the recipe to the side in pixels that "
                "they are to have"
            )
        for name, side in zip(("height", "width"), self.size, strict=True):
            if side % recipe.reduce:
                raise BadInput(
                    f"{where}: the {name} of {side} pixels is no multiple of the recipe's "
                    f"`reduce` = {recipe.reduce}; choose another"
                )
        height, width = (side // recipe.reduce for side in self.size)
        return Signature((self.channels, height, width))

    def joined(self, held_out: ImageTraits, where: str, names: tuple[str, str]) -> ImageTraits:
        """The traits over both splits, called ``names``; the training split decides what size is usual."""
        if self.channels != held_out.channels:
            raise BadInput(
                f"{where}: images of {names[0]} have {_channels(self.channels)} but those of {names[1]} "
                f"{_channels(held_out.channels)}; give both splits the same"
            )
        return self.pooled(held_out)

    def held_out_from(self, *_: object) -> ImageTraits:
        """These, as pictures are seen by themselves."""
        return self

    def pooled(self, other: ImageTraits, *_: object) -> ImageTraits:
        """The traits of two sets of pictures as one; these decide what size is usual."""
        size = self.size if self.size == other.size else None
        return ImageTraits(self.channels, size, self.short_side, self.deep or other.deep)


def scan(headers: Iterable[ImageHeader]) -> ImageTraits | None:
    """Look at headers until nothing more can be learned; ``None`` where there are no headers."""
    size: tuple[int, int] | None = None
    same, grey, deep = True, True, False
    short_sides: list[int] = []
    for header in headers:
        size = size or header[:2]
        same = same and header[:2] == size
        grey = grey and header.grey
        deep = deep or header.deep
        if len(short_sides) < LOOKED_AT:
            short_sides.append(min(header[:2]))
        elif not same and not grey:
            break
    if size is None:
        return None
    side = int(statistics.median_low(short_sides))
    return ImageTraits(1 if grey else 3, size if same else None, side, deep)


def _channels(number: int) -> str:
    return "1 channel" if number == 1 else f"{number} channels"
