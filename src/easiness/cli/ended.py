"""SIGTERM and Ctrl-C as exceptions, so that what was begun is ended in order; a second one means at once."""

from __future__ import annotations

import atexit
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import NoReturn

EXIT_CODE = 128 + signal.SIGTERM


class Ended(BaseException):
    """This process was asked to end (``kill``); as little of an `Exception` as a `KeyboardInterrupt`."""


class _Ending:
    """The first signal raises, so that workers, semaphores and files are tidied; the next one ends at once.

    What is stored is whole at any moment, so that an end without tidying costs no more than a crash.
    """

    def __init__(self, line: Callable[[str], str]) -> None:
        self._line = line
        self._begun = False

    def __call__(self, number: int, _frame: FrameType | None) -> NoReturn:
        if self._begun:
            line = self._line("ended at once")
            with suppress(OSError):  # not by print, in the middle of which this may be
                os.write(2, f"{line}\n".encode(errors="surrogateescape"))
            os._exit(128 + number)
        self._begun = True
        if number == signal.SIGINT:
            raise KeyboardInterrupt
        raise Ended


@contextmanager
def raised_when_ended(line: Callable[[str], str]) -> Iterator[None]:
    """In the block SIGTERM raises `Ended` and SIGINT `KeyboardInterrupt`; a second signal ends the process.

    That one says ``line`` of what has happened. Afterwards signals do what they did, and while the
    interpreter ends, when all is done, Ctrl-C does nothing. For a main thread alone.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    ending, numbers = _Ending(line), [signal.SIGTERM]
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:  # or put into the background
        numbers.append(signal.SIGINT)
    before = {number: signal.signal(number, ending) for number in numbers}
    try:
        yield
    finally:
        atexit.register(signal.signal, signal.SIGINT, signal.SIG_IGN)
        for number, handler in before.items():
            signal.signal(number, handler)
