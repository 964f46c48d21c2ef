"""One stored picture to pixels, and what counts as unreadable."""

from __future__ import annotations

import io
import math
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from easiness.errors import caught, one_line
from easiness.inputs.files import Blob, Unreadable
from easiness.inputs.image.formats import is_phone_picture, reads_heif
from easiness.inputs.image.quiet_decoders import quiet_decoders
from easiness.inputs.image.scan import ImageHeader

if TYPE_CHECKING:
    from PIL import Image

GREY_MODES = ("1", "L", "LA", "I")
"""Modes of Pillow's without color, and the beginning of those of 16 bits (``I;16``, ``I;16B``)."""
DEEP = ";16"
"""What Pillow calls stored pixels of 16 bits per channel, as in ``I;16`` and ``RGB;16B``."""
HAS_16_BITS = ("PNG", "TIFF")
"""Formats of colors of 16 bits; in BMP the same word means 16 bits for all three."""
MEANS_16_BITS = ("PNG", "PPM")
"""Formats of which Pillow gives grey pictures of 16 bits as numbers of 32 (mode ``I``)."""
ORIENTATION = 0x0112
_LARGE = 2**26  # pixels: a picture of more is decoded alone, since it takes up to 12 bytes for each meanwhile
_ALONE = threading.Lock()
BOMB = "too many pixels to be safe (a decompression bomb)"
TURNED = (5, 6, 7, 8)
"""Orientations that exchange height and width."""
STORED_SIZE = (0x0100, 0x0101)
"""Tags of width and height in a TIFF file."""


@contextmanager
def decoder_warnings() -> Iterator[None]:
    """Around decoding: a decompression bomb is an error, other remarks of the decoders are dropped.

    Warning filters belong to the process, so this is entered once, around all the threads.
    """
    from PIL import Image

    with quiet_decoders(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield


def decode_image(blob: Blob, name: str, channels: Literal[1, 3]) -> npt.NDArray[np.uint8]:
    """Pixels [height, width, channels] of the picture, turned as its EXIF orientation says.

    Raises:
        Unreadable: it cannot be decoded, is too large to be safe, or has more than 16 bits per
            channel.
    """
    return decode_opened(_open(blob, name), name, channels)


def decode_opened(image: Image.Image, name: str, channels: Literal[1, 3]) -> npt.NDArray[np.uint8]:
    """Pixels [height, width, channels] of an opened picture, turned as its EXIF orientation says.

    The first frame of an animation is taken. Palettes become colors, CMYK and other color spaces RGB,
    grey is repeated where there must be three channels, and alpha is dropped: what a transparent pixel
    holds is shown. Of 16 bits per channel the upper 8 are taken, as Pillow itself does of colors.

    Raises:
        Unreadable: it cannot be decoded, is too large to be safe, or has more than 16 bits per
            channel.
    """
    from PIL import Image

    if image.width * image.height > (Image.MAX_IMAGE_PIXELS or math.inf):
        raise Unreadable(name, BOMB)
    with _ALONE if image.width * image.height > _LARGE else nullcontext():
        return _decoded(image, name, channels)


def _decoded(image: Image.Image, name: str, channels: Literal[1, 3]) -> npt.NDArray[np.uint8]:
    from PIL import Image, ImageOps

    deep = _is_deep(image)
    if image.mode.startswith("F") or (image.mode == "I" and not deep):
        raise Unreadable(name, f"32 bits per channel (mode {image.mode}); convert it to 8 or 16 bits")
    with caught(lambda error: Unreadable(name, f"unreadable or truncated image ({one_line(error)})")):
        turned = image.getexif().get(ORIENTATION, 1)
        if image.mode.startswith("I"):
            image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
            image.getexif()[ORIENTATION] = turned
        if turned != 1:
            image = ImageOps.exif_transpose(image)
        mode = "L" if channels == 1 else "RGB"
        pixels = np.array(image if image.mode == mode else image.convert(mode))
    return pixels[..., None] if channels == 1 else pixels


def is_readable(blob: Blob, name: str) -> bool:
    """Can the picture be decoded?"""
    try:
        decode_image(blob, name, 3)
    except Unreadable:
        return False
    return True


def read_header(blob: Blob, name: str) -> ImageHeader:
    """Size after turning, and whether the picture is stored without color; pixels are left alone.

    Raises:
        Unreadable: it has no header that can be read.
    """
    return header_of(_open(blob, name))


def header_of(image: Image.Image) -> ImageHeader:
    """The header of an opened picture."""
    width, height = image.size
    deep = _is_deep(image)
    if image.format == "TIFF":  # whose size is given as turned already by some versions of Pillow
        width, height = (image.tag_v2[tag] for tag in STORED_SIZE)  # type: ignore[attr-defined]
    if width != height:  # some formats keep the orientation behind the pixels, where it takes time to read
        try:
            turned = image.getexif().get(ORIENTATION, 1) in TURNED
        except Exception:  # a decoder may raise anything on broken bytes, and will again when they are used
            turned = False
        if turned:
            width, height = height, width
    return ImageHeader(height, width, image.mode.split(";")[0] in GREY_MODES, deep)


def _is_deep(image: Image.Image) -> bool:
    """Has a picture that was opened, and not loaded yet, 16 bits per channel?"""
    from PIL import ImageFile

    if image.mode == "I":
        return image.format in MEANS_16_BITS
    stored = image.tile if isinstance(image, ImageFile.ImageFile) and image.format in HAS_16_BITS else ()
    return DEEP in image.mode or any(DEEP in str(tile) for tile in stored)


def _open(blob: Blob, name: str) -> Image.Image:
    from PIL import Image, UnidentifiedImageError

    data = blob()
    heif = is_phone_picture(data) and reads_heif()
    try:
        return Image.open(io.BytesIO(data))
    except UnidentifiedImageError:
        reason = "not an image in a known format" if data else "an empty file"
        if is_phone_picture(data) and not heif:
            reason += " (HEIC needs pip install 'easiness[heif]')"
        raise Unreadable(name, reason) from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise Unreadable(name, BOMB) from None
    except Exception as error:  # a decoder may raise anything on broken bytes
        raise Unreadable(name, f"unreadable image ({one_line(error)})") from None
