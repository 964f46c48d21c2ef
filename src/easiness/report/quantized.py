"""Columns of numbers in few bytes, for the script of a page to read."""

from __future__ import annotations

import base64
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Document = dict[str, Any]
"""What JSON can hold."""

Bits = Literal[8, 16]

_MOST_LEVELS = 255


def quantized(values: npt.NDArray[Any], bits: Bits) -> Document:
    """Numbers [K] as unsigned codes: exact where there are at most 255 different ones, else to half a step.

    ``{"bits", "codes", "levels"}``: a code is a place in ``levels``; or ``{"bits", "codes", "low",
    "step"}``: a code c is ``low + c * step``. Codes are little-endian in base64, and the largest that
    ``bits`` can hold is an undefined value: NaN, or one that is not finite.
    """
    values = np.asarray(values, np.float64)
    defined = np.isfinite(values)
    levels, places = np.unique(values[defined], return_inverse=True)
    if len(levels) <= _MOST_LEVELS:
        codes = np.full(values.shape, 255, np.uint8)
        codes[defined] = places
        return {"bits": 8, "codes": encoded(codes), "levels": levels.tolist()}
    most = (1 << bits) - 1
    low, high = float(levels[0]), float(levels[-1])
    step = high / (most - 1) - low / (most - 1)  # the difference itself may overflow
    codes = np.full(values.shape, most, np.uint8 if bits == 8 else np.uint16)
    codes[defined] = np.clip(np.rint(values[defined] / step - low / step), 0, most - 1)
    return {"bits": bits, "codes": encoded(codes), "low": low, "step": step}


def shares(values: npt.NDArray[Any]) -> str:
    """Numbers in 0..1, of any shape, as bytes in base64: 254 is 1, and 255 is undefined."""
    codes = np.full(values.shape, 255, np.uint8)
    defined = np.isfinite(values)
    codes[defined] = np.clip(np.rint(254 * np.asarray(values, np.float64)[defined]), 0, 254)
    return encoded(codes)


def indices(values: npt.NDArray[np.integer[Any]], num: int) -> Document:
    """Indices below ``num`` [K], or -1 for none: ``{"bits", "codes"}``, the largest code is none."""
    bits: Bits | Literal[32] = 8 if num < 1 << 8 else 16 if num < 1 << 16 else 32
    codes = np.asarray(values, np.int64) % (1 << bits)
    return {"bits": bits, "codes": encoded(codes.astype(f"<u{bits // 8}"))}


def named(ids: npt.NDArray[Any]) -> Document:
    """Ids [K] as one value, shorter than a list where it can be.

    ``{"first", "step"}`` where they are evenly spaced, ``{"numbers"}``, or for paths ``{"folders", "of",
    "names"}``: an id is its folder, which ends in ``/`` or is empty, and its name.
    """
    if ids.dtype == np.int64:
        steps = np.unique(np.diff(ids))
        exact = max(abs(int(ids.min())), abs(int(ids.max()))) < 1 << 53  # beyond it scripts cannot count
        if len(steps) == 1 and exact:
            return {"first": int(ids[0]), "step": int(steps[0])}
        return {"numbers": [str(one) for one in ids.tolist()]}
    parts = [str(one).rpartition("/") for one in ids.tolist()]
    folders = {folder + slash: None for folder, slash, _ in parts}
    place = {name: at for at, name in enumerate(folders)}
    of = np.array([place[folder + slash] for folder, slash, _ in parts], np.int64)
    return {"folders": list(folders), "of": indices(of, len(folders)), "names": [name for *_, name in parts]}


def encoded(codes: npt.NDArray[Any]) -> str:
    """The bytes of an array, little-endian, in base64."""
    return base64.b64encode(codes.astype(codes.dtype.newbyteorder("<")).tobytes()).decode()
