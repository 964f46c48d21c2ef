"""Numbers of the page in words, and its tables."""

from __future__ import annotations

from easiness.show import size_text as size_in_words
from scale.workload import HOUR


def number(value):
    """Two digits that count, or whole thousands: ``0.35``, ``4.1``, ``32``, ``31,700``."""
    if value >= 1000:
        digits = len(str(int(value))) - 3
        return f"{round(value, -digits):,.0f}"
    return f"{value:.0f}" if value >= 10 else f"{value:.2g}"


def size_text(num_bytes):
    return f"{number(num_bytes / 1e15)} PB" if num_bytes >= 1e15 else size_in_words(num_bytes)


def amount(value):
    """``55 million``, ``152,000``, ``1.9``."""
    return f"{number(value / 1e6)} million" if value >= 1e6 else number(value)


def time_text(seconds):
    """Up to two days in hours, up to two hours in minutes."""
    units = (("s", 1, 120), ("min", 60, 7200), ("h", HOUR, 48 * HOUR), ("days", 24 * HOUR, float("inf")))
    unit, size = next((unit, size) for unit, size, below in units if seconds < below)
    return f"{number(seconds / size)} {unit}"


def table(header, rows):
    lines = ["| " + " | ".join(header) + " |", "|" + " --- |" * len(header)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])
