"""Errors of two kinds: the user can mend the input, or a run that was fine has failed.

The text of an error has one form, ``thing: problem; remedy``, on one line and without a full stop. The thing
is what the user has given, with its value (``rate 2``, ``--limit 9``), or the file. The remedy says what to
do instead; where it says the problem too, it takes its place (``rate 2: give a share from 0 to 1``). A run
that has failed may have no remedy.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import NoReturn

# controls, ends of lines and paragraphs, what turns the direction of writing, and halves of pairs
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


# in quotes, or a run of letters that no file may have for a name
_LONG = re.compile(r"""(?<![^\s(])(['"])(?:(?!\1(?![^\s,;:)])).){1000,}\1|[^\s/]{300,}(?<![:;,])""")
_MOST, _MOST_SHOWN = 300, 80  # characters of what a user or a file says, and those shown of more


class EasinessError(Exception):
    """Base of every error this package raises on purpose; its text is one line for a person to act on.

    It shows the beginning of each text that it quotes, which may be as long as a file.
    """

    exit_code = 1

    def __init__(self, text: str = "") -> None:
        super().__init__(printable(_LONG.sub(lambda match: _cut(match[0]), text)))


class BadInput(EasinessError, ValueError):
    """Something given cannot be used as it is; the text says what to do instead (exit code 2)."""

    exit_code = 2


class RunFailed(EasinessError):
    """A run was asked for correctly and failed on the way; finished trials are kept (exit code 1)."""


class TrialFailed(EasinessError):
    """One trial cannot be finished, for example because its loss stopped being finite."""


_ends: list[BaseException] = []


def end_by(end: BaseException) -> NoReturn:
    """Raise what ends the work of this process, and remember it for `raise_end`."""
    _ends[:] = [end]
    raise end


def raise_end() -> None:
    """Raise the exit signal again where a library that called us has made an error of its own of it."""
    if _ends:
        raise _ends[0]


def forget_end() -> None:
    """Forget the pending exit signal."""
    _ends.clear()


def unless_exit(error: Exception | SystemExit) -> Exception:
    """The error, or a failure where somebody else's code called ``sys.exit``, which it may not."""
    if not isinstance(error, SystemExit):
        return error
    return RunFailed(f"it called sys.exit({'' if error.code is None else repr(error.code)})")


_MOST_COMPARED, _LONGEST_COMPARED = 10_000, 200  # names and their letters, which a hint may wait for


def nearest(name: str, names: Iterable[str], cutoff: float = 0.4) -> str:
    """A ``(did you mean a, b?)`` hint for a mistyped name; empty where none is alike by ``cutoff`` (0..1)."""
    some = [one for one in islice(names, _MOST_COMPARED) if len(one) <= _LONGEST_COMPARED]
    close = difflib.get_close_matches(name[:_LONGEST_COMPARED], some, n=3, cutoff=cutoff)
    return f" (did you mean {', '.join(close)}?)" if close else ""


def printable(text: str) -> str:
    r"""The text on one line: what moves a cursor or is no valid text is escaped, as ``\n`` or ``\x1b``."""
    return _UNSEEN.sub(lambda match: ascii(match[0])[1:-1], text)


def one_line(error: BaseException) -> str:
    """The text of an error from another library, to be put into a line."""
    return " ".join(str(error).split()) or type(error).__name__


def _cut(text: str) -> str:
    return text if len(text) <= _MOST else f"{text[:_MOST_SHOWN]}..."


def shorten(values: Iterable[object], limit: int = 3, total: int | None = None) -> str:
    """The first few values as text, with a count of the rest, up to ``total``: ``3, 7, 9 and 12 more``."""
    items = [_cut(str(v)) for v in values]
    rest = (len(items) if total is None else total) - min(limit, len(items))
    return ", ".join(items[:limit]) + (f" and {rest} more" if rest > 0 else "")


# how the allocator of torch on a CPU says so: it has no error of its own kind
_NO_MEMORY = ("can't allocate memory", "not enough memory", "Cannot allocate memory")


@contextmanager
def recast(error: Callable[[Exception], Exception]) -> Iterator[None]:
    """Raise errors of a library or a user as the ``error`` made of them; ours and those of memory stay."""
    try:
        yield
    except (Exception, SystemExit) as raised:
        if isinstance(raised, EasinessError) or is_out_of_memory(raised):
            raise
        raise error(unless_exit(raised)) from raised


def is_out_of_memory(error: BaseException | None) -> bool:
    """Is an error one of memory, of Python, of torch on a CPU or of torch on a GPU?"""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in _NO_MEMORY)
