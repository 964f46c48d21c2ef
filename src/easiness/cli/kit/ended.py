"""SIGTERM, SIGHUP and Ctrl-C as exceptions, so that what was begun ends in order; a second means at once."""

from __future__ import annotations

import atexit
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import NoReturn

from easiness.errors import end_by, forget_end


class Ended(BaseException):
    """This process was asked to end by a signal (``kill``, or a terminal that goes).

    As little of an `Exception` as a `KeyboardInterrupt`.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.name = signal.Signals(number).name
        self.exit_code = 128 + number


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
        end_by(KeyboardInterrupt() if number == signal.SIGINT else Ended(number))


@contextmanager
def raised_when_ended(line: Callable[[str], str]) -> Iterator[None]:
    """In the block SIGTERM and SIGHUP raise `Ended`, SIGINT `KeyboardInterrupt`; a second ends at once.

    That one says ``line`` of what has happened. Afterwards signals do what they did, and while the
    interpreter ends, when all is done, Ctrl-C does nothing. For a main thread alone.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    ending, numbers = _Ending(line), [signal.SIGTERM]
    for name in ("SIGINT", "SIGHUP"):  # ignored where put into the background, and by nohup
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            numbers.append(number)
    before = {number: signal.signal(number, ending) for number in numbers}
    try:
        yield
    finally:
        forget_end()
        atexit.register(signal.signal, signal.SIGINT, signal.SIG_IGN)
        for number, handler in before.items():
            signal.signal(number, handler)
