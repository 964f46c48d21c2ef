"""One stored picture to pixels, and what counts as unreadable."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from easiness.errors import BadInput

if TYPE_CHECKING:
    from PIL import Image

Blob = Callable[[], bytes]
"""Returns the stored bytes of one picture; raises `UnreadableImage` where there are none."""

GREY_MODES = ("1", "L", "LA")
ORIENTATION = 0x0112


class UnreadableImage(BadInput):
    """One picture cannot be used: ``--skip-unreadable`` goes on without it."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}; mend it, or use --skip-unreadable to go on without it")


@contextmanager
def decoder_warnings() -> Iterator[None]:
    """Around decoding: a decompression bomb is an error, other remarks of the decoder are dropped.

    Warning filters belong to the process, so this is entered once, around all the threads.
    """
    from PIL import Image

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield


def decode_image(blob: Blob, name: str, channels: Literal[1, 3]) -> npt.NDArray[np.uint8]:
    """Pixels [channels, height, width] of the picture, turned as its EXIF orientation says.

    Alpha is dropped, the first frame of an animation is taken, and palettes become colors.

    Raises:
        UnreadableImage: it cannot be decoded, is too large to be safe, or has more than 8 bits per
            channel.
    """
    from PIL import ImageOps

    image = _open(blob, name)
    if image.mode.startswith(("I", "F")):
        raise UnreadableImage(name, f"more than 8 bits per channel (mode {image.mode}); convert it to 8 bits")
    try:
        if image.getexif().get(ORIENTATION, 1) != 1:
            image = ImageOps.exif_transpose(image)
        pixels = np.asarray(image.convert("L" if channels == 1 else "RGB"))
    except Exception as error:  # a decoder may raise anything on broken bytes
        raise UnreadableImage(name, f"unreadable or truncated image ({_one_line(error)})") from None
    return pixels[None] if channels == 1 else pixels.transpose(2, 0, 1)


def is_grey(blob: Blob, name: str) -> bool:
    """Is the picture stored without color? Reads its header only.

    Raises:
        UnreadableImage: it has no header that can be read.
    """
    return _open(blob, name).mode in GREY_MODES


def _open(blob: Blob, name: str) -> Image.Image:
    from PIL import Image, UnidentifiedImageError

    data = blob()
    try:
        return Image.open(io.BytesIO(data))
    except UnidentifiedImageError:
        reason = "not an image in a known format" if data else "an empty file"
        raise UnreadableImage(name, reason) from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise UnreadableImage(name, "too many pixels to be safe (a decompression bomb)") from None
    except Exception as error:  # a decoder may raise anything on broken bytes
        raise UnreadableImage(name, f"unreadable image ({_one_line(error)})") from None


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
