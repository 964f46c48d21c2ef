"""SIGTERM as an exception, so that what a command has begun is ended in order: workers, semaphores, files."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

EXIT_CODE = 128 + signal.SIGTERM


class Ended(BaseException):
    """This process was asked to end (``kill``); as little of an `Exception` as a `KeyboardInterrupt`."""


def _end(_number: int, _frame: FrameType | None) -> NoReturn:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # a second one would cut the tidying short
    raise Ended


@contextmanager
def raised_when_ended() -> Iterator[None]:
    """In the block SIGTERM raises `Ended`; afterwards it does what it did. For a main thread alone."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, _end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
