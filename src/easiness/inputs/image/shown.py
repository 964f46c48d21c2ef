"""A picture as people see it: in a page, and as a file."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from typing import Any

from easiness.inputs.image.stored import Pixels, to_pil

LARGEST_SIDE = 160
"""Pixels; larger pictures are made smaller, so that a page of twenty classes of photos has about 4 MB."""

_QUALITY = 80


@dataclass(frozen=True, eq=False)
class ShownPicture:
    """``pixels`` [height, width, channels]."""

    pixels: Pixels
    sound: None = None
    suffix: str = ".png"

    @property
    def text(self) -> str:
        """Its size."""
        height, width, _ = self.pixels.shape
        return f"{width} x {height} pixels"

    @property
    def uri(self) -> str:
        """A ``data:`` address, no side longer than `LARGEST_SIDE`."""
        return self.within(LARGEST_SIDE)

    def within(self, side: int) -> str:
        """A ``data:`` address.

        Small ones are kept to the pixel (PNG). A longer side than ``side`` pixels is reduced to that, and as
        those pixels are no longer the data's own, compressed with loss (JPEG).
        """
        from PIL import Image

        image = to_pil(self.pixels)
        if max(image.size) <= side:
            return _address("png", image, optimize=True)
        image.thumbnail((side, side), Image.Resampling.LANCZOS)
        return _address("jpeg", image, quality=_QUALITY)

    def file(self) -> bytes:
        """A PNG file, to the pixel."""
        file = io.BytesIO()
        to_pil(self.pixels).save(file, "PNG")
        return file.getvalue()


def show(value: Pixels, traits: Any) -> ShownPicture:  # noqa: ARG001 - a picture is shown as it is
    """The picture as people see it."""
    return ShownPicture(value)


def photo(value: Pixels, side: int) -> str | None:
    """A ``data:`` address of a picture larger than is shown, no side longer than ``side`` pixels.

    It is never enlarged, and compressed with loss: WebP or JPEG, which takes fewer bytes.
    """
    image = to_pil(value)
    return None if max(image.size) <= LARGEST_SIDE else _with_loss(image, side)


def reduced(address: str, side: int) -> str:
    """The `photo`, made smaller where it is larger."""
    from PIL import Image

    image = Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2])))
    return address if max(image.size) <= side else _with_loss(image, side)


def _with_loss(image: Any, side: int) -> str:
    from PIL import Image, features

    image.thumbnail((side, side), Image.Resampling.LANCZOS)
    formats = ("jpeg", "webp") if features.check("webp") else ("jpeg",)
    return min((_address(one, image, quality=_QUALITY, method=2) for one in formats), key=len)


def _address(kind: str, image: Any, **options: Any) -> str:
    file = io.BytesIO()
    image.save(file, kind.upper(), **options)
    return f"data:image/{kind};base64,{base64.b64encode(file.getvalue()).decode()}"
