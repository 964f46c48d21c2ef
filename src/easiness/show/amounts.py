"""Durations and sizes for people."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

_SECONDS = {"ms": 1e-3, "s": 1, "min": 60, "h": 3600, "days": 86400}
_BELOW = {"ms": 0.1, "s": 100, "min": 100 * 60, "h": 48 * 3600, "days": math.inf}  # seconds


def _three_digits(value: float) -> str:
    return f"{value:.0f}" if value >= 10 else f"{value:.1f}".removesuffix(".0")


def duration_text(
    seconds: float,
    below: Mapping[str, float] = _BELOW,
    number: Callable[[float], str] = _three_digits,
) -> str:
    """A duration for people: ``1.2 ms``, ``40 s``, ``12 min``, ``3.5 h``, ``2.1 days``.

    ``below`` has the units to choose from, each with the seconds from which on the next is used.
    """
    unit = next((unit for unit, end in below.items() if seconds < end), [*below][-1])
    return f"{number(seconds / _SECONDS[unit])} {unit}"


def size_text(num_bytes: int) -> str:
    """A size for people, in powers of 1000."""
    value, unit = float(num_bytes), "bytes"
    for larger in ("kB", "MB", "GB", "TB"):
        if value < 1000:
            break
        value, unit = value / 1000, larger
    return f"{_three_digits(value)} {unit}"
