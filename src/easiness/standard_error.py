"""Standard error as a place for what is nice to know: a line that cannot be written there stops nothing."""

from __future__ import annotations

import contextlib
import io
import sys
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class _Lenient(io.FileIO):
    """What cannot be written, to a full disk, a closed pipe or a terminal that has gone, is lost."""

    def write(self, data: ReadableBuffer, /) -> int:
        written = None
        with contextlib.suppress(OSError):
            written = super().write(data)
        return memoryview(data).nbytes if written is None else written


def lenient_stderr() -> TextIO | None:
    """A stream of its own to where ``sys.stderr`` writes, whose writes and flushes raise no `OSError`.

    ``None`` where there is no standard error. ``sys.stderr`` itself where it is no file of the system's,
    as in a notebook: whoever has put it there decides.
    """
    stream = sys.stderr
    if not isinstance(stream, io.TextIOWrapper):
        return stream
    raw = getattr(stream.buffer, "raw", stream.buffer)  # the latter under `python -u`
    if type(raw) is not io.FileIO:
        return stream
    try:
        file = _Lenient(raw.fileno(), "w", closefd=False)
    except (OSError, ValueError):  # it is closed
        return None
    return io.TextIOWrapper(
        io.BufferedWriter(file), encoding=stream.encoding, errors=stream.errors, line_buffering=True
    )


def say_on_stderr(text: str) -> None:
    """Print a line there, if there is a way."""
    stream = lenient_stderr()
    if stream is not None:  # of which print would make standard output
        print(text, file=stream, flush=True)
