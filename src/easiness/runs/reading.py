"""A line now and then while a large source is read."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from easiness.data import reading

SECONDS_BETWEEN_LINES = 5.0


def _print(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


@contextmanager
def reading_shown(say: Callable[[str], None] = _print) -> Iterator[None]:
    """Says how far the reading of the source has come, on standard error; nothing where that is quick."""
    last_line = time.monotonic()

    def show(what: str, done: int, total: int) -> None:
        nonlocal last_line
        if time.monotonic() - last_line >= SECONDS_BETWEEN_LINES:
            last_line = time.monotonic()
            say(f"{what}: {done:,} of {total:,}")

    with reading(show):
        yield
