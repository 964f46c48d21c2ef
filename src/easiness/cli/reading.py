"""A line on standard error now and then while a large source is read."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

SECONDS_BETWEEN_LINES = 5.0


@contextmanager
def reading_shown() -> Iterator[None]:
    """Says how far the reading of the source has come; nothing where that is quick."""
    from easiness.data import reading

    last_line = time.monotonic()

    def show(what: str, done: int, total: int) -> None:
        nonlocal last_line
        if time.monotonic() - last_line >= SECONDS_BETWEEN_LINES:
            last_line = time.monotonic()
            print(f"{what}: {done:,} of {total:,}", file=sys.stderr, flush=True)

    with reading(show):
        yield
