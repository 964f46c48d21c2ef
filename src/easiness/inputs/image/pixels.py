"""Arrays to pixels: what they mean is known from dtype and shape, or refused; no guess is made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from easiness.errors import BadInput

CHANNELS = (1, 3)
AT_ONCE = 1024  # examples converted at a time, so that floats never exist twice


def to_pixels(x: npt.NDArray[Any], where: str) -> npt.NDArray[np.uint8]:
    """``x`` of three or four axes as uint8 [K, channels, height, width].

    Raises:
        BadInput: another dtype or shape, an axis of channels that could be either, or floats that are
            not finite or outside of [0, 1].
    """
    return _convert(x, where, _shape(x), "[K, height, width]", lambda i: f"{where}: example {i}")


def to_picture(x: npt.NDArray[Any], where: str) -> npt.NDArray[np.uint8]:
    """One picture ``x`` as uint8 [channels, height, width].

    Raises:
        BadInput: as for `to_pixels`.
    """
    if x.ndim not in (2, 3):
        raise BadInput(
            f"{where}: an image of shape {_shape(x)}; give [height, width] or [height, width, channels] or "
            "[channels, height, width]"
        )
    pixels = _convert(x[None], where, _shape(x), "[height, width]", lambda _: where)
    picture: npt.NDArray[np.uint8] = pixels[0]
    return picture


def _convert(
    x: npt.NDArray[Any], where: str, shape: str, grey: str, name: Callable[[int], str]
) -> npt.NDArray[np.uint8]:
    if x.dtype != np.uint8 and x.dtype.kind != "f":
        raise BadInput(
            f"{where}: pixels of dtype {x.dtype}; give uint8 (0 to 255; convert with .astype('uint8') if the "
            "values are that) or floats in [0, 1]"
        )
    images = _channels_first(x, where, shape, grey)
    if x.dtype == np.uint8:
        return images
    pixels = np.empty(images.shape, np.uint8)
    for start in range(0, len(images), AT_ONCE):
        part = images[start : start + AT_ONCE]
        _check_floats(part, start, name)
        pixels[start : start + AT_ONCE] = np.rint(part.astype(np.float64) * 255)
    return pixels


def _shape(x: npt.NDArray[Any]) -> str:
    return "x".join(map(str, x.shape)) or "()"


def _channels_first(x: npt.NDArray[Any], where: str, shape: str, grey: str) -> npt.NDArray[Any]:
    if 0 in x.shape:
        raise BadInput(f"{where}: shape {shape} holds no pixels; give at least one image of one pixel")
    if x.ndim == 3:
        return x[:, None]
    first, last = x.shape[1] in CHANNELS, x.shape[3] in CHANNELS
    if first and last:
        raise BadInput(
            f"{where}: shape {shape} could have its channels first or last; "
            f"give larger images, or grey ones as {grey}"
        )
    if not first and not last:
        raise BadInput(
            f"{where}: shape {shape} has no axis of 1 or 3 channels, first or last; give grey or RGB"
        )
    return x if first else x.transpose(0, 3, 1, 2)


def _check_floats(images: npt.NDArray[Any], start: int, name: Callable[[int], str]) -> None:
    with np.errstate(invalid="ignore"):
        low, high = images.min(axis=(1, 2, 3)), images.max(axis=(1, 2, 3))
    bad = np.flatnonzero(~(np.isfinite(low) & np.isfinite(high)))
    if len(bad):
        raise BadInput(f"{name(start + int(bad[0]))}: has a pixel that is not finite; mend or drop it")
    bad = np.flatnonzero((low < 0) | (high > 1))
    if len(bad):
        value = low[bad[0]] if low[bad[0]] < 0 else high[bad[0]]
        raise BadInput(
            f"{name(start + int(bad[0]))}: has a pixel of {value:g}; floats must be in [0, 1] "
            "(divide by 255 if they go up to that, and undo any normalization)"
        )
