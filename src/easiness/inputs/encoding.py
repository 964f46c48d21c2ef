"""Encoded examples (files, cells of tables): identified by their bytes, decoded when needed, in threads."""

from __future__ import annotations

import hashlib
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from easiness.errors import BadInput, shorten
from easiness.inputs.kind import StoredExamples, Traits
from easiness.inputs.pack import Value

T = TypeVar("T")

Told = Callable[[str, int, int], None]
"""Called with what is done, and how many of how many images it is done for."""

AT_ONCE = 256  # images between two calls

_told: ContextVar[Told | None] = ContextVar("_told", default=None)


@contextmanager
def reading(told: Told) -> Iterator[None]:
    """Within the block, ``told`` is called now and then during every pass over a source."""
    token = _told.set(told)
    try:
        yield
    finally:
        _told.reset(token)


def tell(what: str, done: int, total: int) -> None:
    """Tell how far a pass has come that is made in parts of its own."""
    told = _told.get()
    if told is not None:
        told(what, done, total)


def track(items: Iterable[T], what: str, total: int, done: int = 0) -> Iterator[T]:
    """The items as they come, ``total`` of them with ``done`` before the first."""
    told = _told.get()
    for at, item in enumerate(items, done + 1):
        yield item
        if told is not None and (at % AT_ONCE == 0 or at == total):
            told(what, at, total)


Positions = npt.NDArray[np.int64]
R = TypeVar("R")

Blob = Callable[[], bytes]
"""Returns the stored bytes of one example; raises `Unreadable` where there are none."""

MOST_BYTES = 2**30  # of one stored example: the pixels that a picture may have take less
NAMED = 5  # others that an error names at most


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
    return hashlib.sha256(blob()).digest()


Header: TypeAlias = tuple[Any, ...]
"""The beginning of a file on its example: numbers and truth values, which are kept as JSON."""


class Files:
    """How examples of a kind are read from the bytes of a file, or of a cell of a table.

    One is called ``noun``, and what headers tell of it ``measures``. Several are decoded at once, where they
    can be ``in_threads``.
    """

    noun: str
    measures: str
    in_threads = True

    def suffixes(self) -> frozenset[str]:
        """The ends of the names of such files, in lower case."""
        raise NotImplementedError

    def read_header(self, blob: Blob, name: str) -> Header:
        """The header of a file; raises `Unreadable` where it has none."""
        raise NotImplementedError

    def header(self, kept: Any) -> Header | None:
        """The header again from what JSON has kept of it, ``None`` where that is none."""
        raise NotImplementedError

    def scan(self, headers: Iterator[Any]) -> Traits | None:
        """The traits of all examples, ``None`` of no header."""
        raise NotImplementedError

    def decode(self, blob: Blob, name: str, traits: Any) -> Value:
        """The example of a file, by the traits of the data if any; `Unreadable` where it cannot be used."""
        raise NotImplementedError

    def is_readable(self, blob: Blob, name: str) -> bool:
        try:
            self.decode(blob, name, None)
        except Unreadable:
            return False
        return True

    def readable(self) -> str:
        """A name for what it depends on whether one can be decoded, beside its bytes."""
        return f"readable_{self.noun}"

    def quiet(self) -> AbstractContextManager[None]:
        return nullcontext()

    @property
    def reading(self) -> str:
        return f"reading {self.noun}s"

    @property
    def reading_headers(self) -> str:
        return f"reading {self.noun} {self.measures}"

    @property
    def looking(self) -> str:
        return f"looking for unreadable {self.noun}s"


CHUNK = 32  # items per task: handing over one small picture costs as much as decoding it


def in_threads(function: Callable[[T], R], items: Iterable[T], num: int | None = None) -> Iterator[R]:
    """``function`` of each item, in order; the first error, in order, is raised and ends it.

    Items are taken and results made only a little ahead of their use, so that photos do not pile up. Of
    ``num`` items, where that is known and small, every core gets some.
    """

    def several(chunk: list[T]) -> list[R]:
        return [function(item) for item in chunk]

    cores = os.cpu_count() or 1
    size = CHUNK if num is None else max(1, min(CHUNK, num // (2 * cores)))
    rest = iter(items)
    ahead: deque[Future[list[R]]] = deque()
    with ThreadPoolExecutor(cores) as pool:
        try:
            while True:
                while len(ahead) < 2 * cores and (chunk := list(islice(rest, size))):
                    ahead.append(pool.submit(several, chunk))
                if not ahead:
                    return
                yield from ahead.popleft().result()
        finally:
            for future in ahead:
                future.cancel()


class Blobs:
    """All stored examples of one split, by position: each is read by the ``reader``."""

    reader: Files

    def __len__(self) -> int:
        raise NotImplementedError

    def name(self, position: int) -> str:
        """The example in words, for an error: its file, and its row where a file holds many."""
        raise NotImplementedError

    def blobs(self, positions: Positions) -> Iterator[Blob]:
        """Readers of the examples at ascending ``positions``, in order, made as they are taken."""
        raise NotImplementedError

    def headers(self, positions: Positions) -> Iterator[Header | None]:
        """Headers of the examples at ascending ``positions``; ``None`` for one that cannot be read."""

        def read(name: str, blob: Blob) -> Header | None:
            try:
                return self.reader.read_header(blob, name)
            except Unreadable:  # named when it is decoded; it may lie outside of the subset in use
                return None

        return self._each(read, positions, self.reader.reading_headers, len(positions))

    def digests(self, positions: Positions) -> list[str]:
        found = self._each(lambda _, blob: digest(blob).hex(), positions, self.reader.reading, len(positions))
        return list(found)

    def unreadable(self, positions: Positions) -> Positions:
        """The ascending ``positions`` at which examples cannot be decoded."""
        return self.tried(positions, len(positions), 0)

    def tried(self, positions: Positions, total: int, done: int) -> Positions:
        """`unreadable`, tried now: what is told of it is of ``total`` examples with ``done`` before these."""
        readable = self._each(
            lambda name, blob: self.reader.is_readable(blob, name),
            positions,
            self.reader.looking,
            total,
            done,
        )
        return positions[~np.fromiter(readable, np.bool_)]

    def _each(
        self, function: Callable[[str, Blob], R], positions: Positions, what: str, total: int, done: int = 0
    ) -> Iterator[R]:
        items = named_blobs(self, positions)
        with self.reader.quiet():
            yield from track(in_threads(lambda item: function(*item), items), what, total, done)


@dataclass(frozen=True, eq=False)
class EncodedSource:
    """All splits of a source; what examples have in common is looked up over all of them at once."""

    parts: tuple[tuple[Blobs, Positions], ...]

    @cached_property
    def traits(self) -> Any:
        """The `Traits` of the examples; `Unreadable` where no one has a header that can be read."""
        first, positions = self.parts[0]
        headers = (header for blobs, some in self.parts for header in blobs.headers(some))
        found = first.reader.scan(header for header in headers if header is not None)
        if found is None:
            found = first.reader.scan(iter([_header_again(first, positions[:1])]))
            assert found is not None
        return found


def named_blobs(blobs: Blobs, positions: Positions) -> Iterator[tuple[str, Blob]]:
    """(name, reader) of the examples at ascending ``positions``, in order."""
    for position, blob in zip(positions.tolist(), blobs.blobs(positions), strict=True):
        yield blobs.name(position), blob


def _header_again(blobs: Blobs, position: Positions) -> Header:
    """The header of the one example at ``position`` [1], or the reason why it cannot be read."""
    with blobs.reader.quiet():
        return blobs.reader.read_header(next(blobs.blobs(position)), blobs.name(int(position[0])))


class EncodedExamples(StoredExamples):
    """The examples of ``blobs`` at ascending ``positions``."""

    def __init__(self, blobs: Blobs, positions: Positions, source: EncodedSource) -> None:
        self._blobs = blobs
        self._positions = positions
        self._source = source

    def __len__(self) -> int:
        return len(self._positions)

    @property
    def traits(self) -> Any:
        return self._source.traits

    def subset(self, positions: Positions) -> EncodedExamples:
        return EncodedExamples(self._blobs, self._positions[positions], self._source)

    def digests(self) -> list[str]:
        return self._blobs.digests(self._positions)

    def name(self, position: int) -> str:
        return self._blobs.name(int(self._positions[position]))

    def unreadable(self) -> list[int]:
        """Positions among these of the examples that cannot be decoded, ascending."""
        found = self._blobs.unreadable(self._positions)
        return [int(at) for at in np.searchsorted(self._positions, found)]

    def headers(self) -> Iterator[Header]:
        """The header of each example; `Unreadable` where one has none."""
        for at, header in enumerate(self._blobs.headers(self._positions)):
            yield header or _header_again(self._blobs, self._positions[at : at + 1])

    def sizes(self) -> npt.NDArray[np.int64]:
        """(height, width) of each picture, [K, 2], from the headers."""
        return np.array([header[:2] for header in self.headers()], np.int64).reshape(len(self), 2)

    def map(self, function: Callable[[Value], R]) -> Iterator[R]:
        traits, reader = self.traits, self._blobs.reader

        def decoded(item: tuple[str, Blob]) -> R:
            name, blob = item
            return function(reader.decode(blob, name, traits))

        items = named_blobs(self._blobs, self._positions)
        with reader.quiet():
            yield from in_threads(decoded, items, len(self)) if reader.in_threads else map(decoded, items)
