"""Lines that people read as they come: standard error, where a lost line stops nothing, and terminals.

Whatever is printed, by other libraries too, moves no cursor: controls are escaped, but the ends of lines.
"""

from __future__ import annotations

import contextlib
import io
import re
import sys
from typing import TYPE_CHECKING, Any, TextIO

from easiness.errors import printable

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


# what ends lines, moves to the next stop, or back to the first column as the bars of other libraries do
_OURS = re.compile(r"([\n\t\r]+)")


class _EscapingStream(io.TextIOWrapper):
    """Text to a stream that people read."""

    def write(self, text: str, /) -> int:
        super().write("".join(part if _OURS.match(part) else printable(part) for part in _OURS.split(text)))
        return len(text)


class _Lenient(io.FileIO):
    """Lose what cannot be written: to a full disk, a closed pipe or a terminal that has gone."""

    def write(self, data: ReadableBuffer, /) -> int:
        num_written = None
        with contextlib.suppress(OSError):
            num_written = super().write(data)
        return memoryview(data).nbytes if num_written is None else num_written


def lenient_stderr(*, escape: bool = True) -> TextIO | None:
    """A stream of its own to where ``sys.stderr`` writes, whose writes and flushes raise no `OSError`.

    ``None`` where there is no standard error. ``sys.stderr`` itself where it is no file of the system's,
    as in a notebook: whoever has put it there decides. Not ``escaped`` is what moves the cursor on purpose.
    """
    stream = sys.stderr
    if not isinstance(stream, io.TextIOWrapper):
        return stream
    raw: Any = getattr(stream.buffer, "raw", stream.buffer)  # the latter under `python -u`
    if type(raw) not in (io.FileIO, _Lenient) or (escape and type(raw) is _Lenient):
        return stream
    try:
        file = _Lenient(raw.fileno(), "w", closefd=False)
    except (OSError, ValueError):  # it is closed
        return None
    options: dict[str, Any] = {"encoding": stream.encoding, "errors": stream.errors, "line_buffering": True}
    return (_EscapingStream if escape else io.TextIOWrapper)(io.BufferedWriter(file), **options)


def escaped_stdout() -> TextIO | None:
    """``sys.stdout``, or on a terminal a stream of its own to there, by which no text moves the cursor."""
    stream = sys.stdout
    if not (isinstance(stream, io.TextIOWrapper) and stream.isatty()):
        return stream
    file = io.FileIO(stream.fileno(), "w", closefd=False)
    return _EscapingStream(
        io.BufferedWriter(file), encoding=stream.encoding, errors=stream.errors, line_buffering=True
    )


def say_on_stderr(text: str) -> None:
    """Print a line there, if there is a way; what it quotes does not end it."""
    stream = lenient_stderr()
    if stream is not None:  # of which print would make standard output
        print(printable(text), file=stream, flush=True)
