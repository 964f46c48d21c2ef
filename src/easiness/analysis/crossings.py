"""Where a value that falls crosses a bar: among numbers by Newton's steps, among whole numbers by halves."""

from __future__ import annotations

import math
from collections.abc import Callable

_CLOSE = 1e-8  # a step: Newton's square it, so that the next would be lost in rounding


def falls_to_0(value_and_slope: Callable[[float], tuple[float, float]], start: float) -> float:
    """Where a value that falls, given with how steeply, is 0: within 40 of 0, else at an end."""
    low, high, at = -40.0, 40.0, start
    for _ in range(60):
        value, slope = value_and_slope(at)
        low, high = (at, high) if value > 0 else (low, at)
        following = at + value / slope if slope > 0 else math.inf
        if not low <= following <= high:
            following = (low + high) / 2
        step, at = following - at, following
        if abs(step) < _CLOSE:
            break
    return at


def last(holds: Callable[[int], bool], limit: int) -> int:
    """The largest whole number in 0..limit that ``holds``, which 0 does and all up to the last do."""
    low, high = 0, limit + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low
