"""Pictures in memory, read by dtype and shape or refused; traits of all pictures of a source."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from easiness.errors import BadInput
from easiness.inputs.kind import Signature, StoredExamples, Traits
from easiness.lazy import Array, Image, Integers
from easiness.spec import Recipe

Pixels: TypeAlias = npt.NDArray[np.uint8]  # one decoded picture: [height, width, channels]
_CHANNELS = (1, 3)
_AT_ONCE = 1024  # examples converted at a time, so that floats never exist twice
_SMALL_SIDE = 128  # pixels: images of one size with a smaller short side are used as they are
_LOOKED_AT = 256
_DEEP = "some pictures have 16 bits per channel, and are scaled: 0 to 65535 becomes 0 to 255"


class ImageHeader(NamedTuple):
    """Height and width of a picture after its EXIF orientation; a ``deep`` one has 16 bits per channel."""

    height: int
    width: int
    grey: bool
    deep: bool = False


@dataclass(frozen=True)
class ImageTraits(Traits):
    """Traits of the whole source; a subset has the same.

    ``channels`` is 1 if all pictures are grey, else 3. ``size`` is the (height, width) of all, or ``None`` if
    they differ. ``short_side`` is the median of the first 256 pictures. ``deep`` tells whether any of those
    looked at have 16 bits per channel.
    """

    channels: Literal[1, 3]
    size: tuple[int, int] | None
    short_side: int
    deep: bool = False

    @property
    def notes(self) -> tuple[str, ...]:
        return (_DEEP,) if self.deep else ()

    @property
    def shape(self) -> tuple[int, int, int] | None:
        return None if self.size is None else (self.channels, *self.size)

    def recipe(self) -> dict[str, Any]:
        """Settings for photos: crops of 224 pixels, or the usual short side if that is below 128.

        Photos differ in size, or have a short side of 128 pixels or more. The paper's steps are 64 examples.
        """
        if self.size is not None and min(self.size) < _SMALL_SIDE:
            return {}
        if self.short_side < _SMALL_SIDE:
            return {"crop": max(1, self.short_side), "translation": 0.0}
        return {"crop": 224, "translation": 0.0, "batch_size": 64}

    def signature(self, recipe: Recipe, where: str) -> Signature:
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

    def join(self, held_out: ImageTraits, where: str, names: tuple[str, str]) -> ImageTraits:
        if self.channels != held_out.channels:
            raise BadInput(
                f"{where}: images of {names[0]} and of {names[1]} have {self.channels} and "
                f"{held_out.channels} channels; give both splits the same"
            )
        return self.pooled(held_out)

    def held_out_from(self, *_: object) -> ImageTraits:
        return self

    def pooled(self, other: ImageTraits, *_: object) -> ImageTraits:
        size = self.size if self.size == other.size else None
        return ImageTraits(self.channels, size, self.short_side, self.deep or other.deep)


def scan(headers: Iterable[ImageHeader]) -> ImageTraits | None:
    """Traits by headers, which are read until nothing more can be learned; ``None`` without headers."""
    size: tuple[int, int] | None = None
    same, grey, deep = True, True, False
    short_sides: list[int] = []
    for header in headers:
        size = size or header[:2]
        same &= header[:2] == size
        grey &= header.grey
        deep |= header.deep
        if len(short_sides) < _LOOKED_AT:
            short_sides.append(min(header[:2]))
        elif not same and not grey:
            break
    if size is None:
        return None
    return ImageTraits(1 if grey else 3, size if same else None, statistics.median_low(short_sides), deep)


def to_pil(pixels: Pixels) -> Image.Image:
    return Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)


class ArrayImages(StoredExamples):
    """Pictures held as pixels, uint8 [K, channels, height, width]; stored bytes are shape and pixels."""

    noun = "image"

    def __init__(self, pixels: npt.NDArray[np.uint8]) -> None:
        self._items = np.ascontiguousarray(pixels)

    @property
    def traits(self) -> ImageTraits:
        channels: Literal[1, 3] = 1 if self._items.shape[1] == 1 else 3
        height, width = self._items.shape[2:]
        return ImageTraits(channels, (height, width), min(height, width))

    def sizes(self) -> Integers:
        return np.tile(np.array(self._items.shape[2:], np.int64), (len(self), 1))

    def _content(self, item: npt.NDArray[np.uint8]) -> bytes:
        return f"{_shape(item)}:".encode() + item.tobytes()

    def _value(self, item: npt.NDArray[np.uint8]) -> Pixels:
        return np.ascontiguousarray(item.transpose(1, 2, 0))


def to_pixels(x: Array, where: str) -> npt.NDArray[np.uint8]:
    """``x`` of three or four axes as uint8 [K, channels, height, width]; `BadInput` if that is ambiguous."""
    return _convert(x, where, "K, ")


def to_picture(x: Array, where: str) -> npt.NDArray[np.uint8]:
    """One picture ``x`` as uint8 [channels, height, width]; as `to_pixels`."""
    if x.ndim not in (2, 3):
        raise BadInput(
            f"{where}: an image of shape {_shape(x)}; give [height, width] or [height, width, channels] or "
            "[channels, height, width]"
        )
    picture: npt.NDArray[np.uint8] = _convert(x, where, "")[0]
    return picture


def _convert(x: Array, where: str, first: str) -> npt.NDArray[np.uint8]:
    if x.dtype != np.uint8 and x.dtype.kind != "f":
        raise BadInput(
            f"{where}: pixels of dtype {x.dtype}; give uint8 (0 to 255; convert with .astype('uint8') if the "
            "values are that) or floats in [0, 1]"
        )
    if 0 in x.shape:
        raise BadInput(f"{where}: shape {_shape(x)} holds no pixels; give at least one image of one pixel")
    images = x if first else x[None]
    if images.ndim == 3:
        images = images[:, None]
    else:
        is_first, is_last = (images.shape[axis] in _CHANNELS for axis in (1, 3))
        if is_first and is_last:
            raise BadInput(
                f"{where}: shape {_shape(x)} could have its channels first or last; give larger images, or "
                f"grey ones as [{first}height, width]"
            )
        if not (is_first or is_last):
            raise BadInput(
                f"{where}: shape {_shape(x)} has no axis of 1 or 3 channels, first or last; give grey or RGB"
            )
        images = images if is_first else images.transpose(0, 3, 1, 2)
    if x.dtype == np.uint8:
        return images
    pixels = np.empty(images.shape, np.uint8)
    for start in range(0, len(images), _AT_ONCE):
        part = images[start : start + _AT_ONCE]
        for at in np.flatnonzero(~((part >= 0) & (part <= 1)).all(axis=(1, 2, 3)))[:1]:
            name = f"{where}: example {start + at}" if first else where
            raise BadInput(f"{name}: {_problem(part[at])}")
        pixels[start : start + _AT_ONCE] = np.rint(part.astype(np.float64) * 255)
    return pixels


def _problem(image: Array) -> str:
    low, high = image.min(), image.max()
    if not np.isfinite([low, high]).all():
        return "has a pixel that is not finite; mend or drop it"
    return (
        f"has a pixel of {low if low < 0 else high:g}; floats must be in [0, 1] (divide by 255 if they go up "
        "to that, and undo any normalization)"
    )


def _shape(x: Array) -> str:
    return "x".join(map(str, x.shape)) or "()"
