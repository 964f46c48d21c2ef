"""Numbers at half precision, by a power of two that all vectors share, so that none becomes infinite."""

from __future__ import annotations

import math
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Halves: TypeAlias = npt.NDArray[np.float16]

LARGEST = float(np.finfo(np.float16).max)
STEP = 8
"""The exponent goes down by this where a value is too large: the result is the same wherever that is."""

_USUAL = (2.0**-4, 2.0**12)
_WANTED = 8


class TooLarge(Exception):
    """A value would be infinite, multiplied by 2 to the ``exponent``."""

    def __init__(self, exponent: int) -> None:
        super().__init__(exponent)
        self.exponent = exponent


def exponent_for(values: npt.NDArray[np.float32]) -> int:
    """The power of two to multiply by, going by the largest of some values: 0 where that is a usual one."""
    largest = float(np.abs(values).max(initial=0))
    if largest == 0 or _USUAL[0] <= largest <= _USUAL[1]:
        return 0
    return _WANTED - math.frexp(largest)[1]


def halved(values: npt.NDArray[np.float32], exponent: int, *, cut: bool = False) -> Halves:
    """``values`` times 2 to the ``exponent``, at half precision; with ``cut`` at the largest there is.

    Raises:
        TooLarge: one is too large, without ``cut``.
    """
    scaled = np.ldexp(values.astype(np.float64), exponent) if exponent else values
    if cut:
        scaled = scaled.clip(-LARGEST, LARGEST)
    elif np.abs(scaled).max(initial=0) > LARGEST:
        raise TooLarge(exponent)
    return scaled.astype(np.float16)
