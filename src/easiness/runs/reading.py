"""How far the reading of a large source has come, for whoever waits."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext

from easiness.data import reading
from easiness.runs.screens import State, find_screen
from easiness.standard_error import say_on_stderr

SECONDS_BETWEEN_LINES = 5.0
_QUICK = 1.0  # seconds without a word


@contextmanager
def reading_shown(say: Callable[[str], None] = say_on_stderr) -> Iterator[None]:
    """Says how far the reading of the source has come, on standard error; nothing where that is quick."""
    last_line = time.monotonic()

    def show(what: str, done: int, total: int) -> None:
        nonlocal last_line
        if time.monotonic() - last_line >= SECONDS_BETWEEN_LINES:
            last_line = time.monotonic()
            say(f"{what}: {done:,} of {total:,}")

    with reading(show):
        yield


@contextmanager
def passes_shown(progress: bool) -> Iterator[None]:
    """As `reading_shown`, for what reads alone: a bar on a terminal, a line in a notebook.

    Nothing where that is quick. Without ``progress`` whoever shows it already goes on to do so.
    """
    screen = find_screen() if progress else None
    if screen is None:
        with reading_shown() if progress else nullcontext():
            yield
        return
    began, opened = time.monotonic(), False

    def show(what: str, done: int, total: int) -> None:
        nonlocal opened
        if not opened and time.monotonic() - began < _QUICK:
            return
        if not opened:
            opened = True
            screen.open()
        screen.show(State([what], done / max(total, 1)))

    try:
        with reading(show):
            yield
    finally:
        if opened:
            screen.close()
