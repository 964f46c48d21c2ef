"""How examples are read from files and cells of tables, and the error where one cannot be."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy.typing as npt

from easiness.errors import BadInput, shorten

Blob = Callable[[], bytes]
"""Returns the stored bytes of one example; raises `Unreadable` where there are none."""

MOST_BYTES = 2**30
"""Bytes of one stored example, at most: the pixels that a picture may have take less."""

NAMED = 5
"""Others that an error names at most."""


class Unreadable(BadInput):
    """One example cannot be used, nor can ``others``: ``--skip-unreadable`` goes on without them."""

    def __init__(self, name: str, reason: str, others: Sequence[str] = ()) -> None:
        one = "it" if not others else "them"
        more = f", and {len(others):,} more cannot be read: {shorten(others, NAMED)}" if others else ""
        super().__init__(
            f"{name}: {reason}{more}; mend {one}, or use --skip-unreadable to go on without {one}"
        )
        self.name = name
        self.reason = reason


def digest(blob: Blob) -> bytes:
    """SHA-256 of the stored bytes of an example."""
    return hashlib.sha256(blob()).digest()


Decode = Callable[[Blob, str, Any], npt.NDArray[Any]]
"""Makes an example of what gives a file's bytes, what to call it in an error, and the data's traits."""

Header: TypeAlias = tuple[Any, ...]
"""What the beginning of a file says of its example: numbers and truth values, which are kept as JSON."""


@dataclass(frozen=True)
class Files:
    """How examples of a kind are read from the bytes of a file, or of a cell of a table.

    One is called ``noun``, and what headers tell of it ``measures``. ``suffixes`` are the ends of the names
    of its files. ``read_header`` reads the header of one, ``header`` makes it again of what JSON has kept of
    it (``None`` where that is none), and ``scan`` the `Traits` of all (``None`` of no header). ``readable``
    names what it depends on whether one can be decoded, beside its bytes. ``quiet`` is around all reading.
    ``notes`` of the traits tell a person what is done to examples.
    """

    noun: str
    measures: str
    suffixes: Callable[[], frozenset[str]]
    read_header: Callable[[Blob, str], Header]
    header: Callable[[Any], Header | None]
    scan: Callable[[Iterator[Any]], Any]
    decode: Decode
    is_readable: Callable[[Blob, str], bool]
    readable: Callable[[], str]
    quiet: Callable[[], AbstractContextManager[None]] = nullcontext
    notes: Callable[[Any], tuple[str, ...]] = lambda traits: traits.notes

    @property
    def reading(self) -> str:
        """What is being done, while all are read."""
        return f"reading {self.noun}s"

    @property
    def reading_headers(self) -> str:
        """What is being done, while headers are read."""
        return f"reading {self.noun} {self.measures}"

    @property
    def looking(self) -> str:
        """What is being done, while each is decoded."""
        return f"looking for unreadable {self.noun}s"
