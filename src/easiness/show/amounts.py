"""Durations and sizes for people."""

from __future__ import annotations


def duration_text(seconds: float) -> str:
    """A duration for people: ``1.2 ms``, ``40 s``, ``12 min``, ``3.5 h``, ``2.1 days``."""
    for limit, unit, text in (
        (0.1, 1e-3, "ms"),
        (100, 1, "s"),
        (100 * 60, 60, "min"),
        (48 * 3600, 3600, "h"),
    ):
        if seconds < limit:
            return f"{_three_digits(seconds / unit)} {text}"
    return f"{_three_digits(seconds / 86400)} days"


def size_text(num_bytes: int) -> str:
    """A size for people, in powers of 1000."""
    value, unit = float(num_bytes), "bytes"
    for larger in ("kB", "MB", "GB", "TB"):
        if value < 1000:
            break
        value, unit = value / 1000, larger
    return f"{_three_digits(value)} {unit}"


def _three_digits(value: float) -> str:
    return f"{value:.0f}" if value >= 10 else f"{value:.1f}".removesuffix(".0")
