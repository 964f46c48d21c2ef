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

from easiness.errors import BadInput, shorten
from easiness.inputs.kind import StoredExamples, Traits
from easiness.inputs.pack import Value
from easiness.lazy import Integers

T = TypeVar("T")

Listener = Callable[[str, int, int], None]
"""A function of the work, the number of examples done, and their total."""

AT_ONCE = 256  # images between two calls

_listener: ContextVar[Listener | None] = ContextVar("_listener", default=None)


@contextmanager
def reading(listener: Listener) -> Iterator[None]:
    """Call the ``listener`` now and then in every pass over a source, within the block."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


def tell(what: str, num_done: int, total: int) -> None:
    listener = _listener.get()
    if listener is not None:
        listener(what, num_done, total)


def track(items: Iterable[T], what: str, total: int, num_done: int = 0) -> Iterator[T]:
    """Yield the items and tell the listener, who knows of ``num_done`` before the first."""
    listener = _listener.get()
    for at, item in enumerate(items, num_done + 1):
        yield item
        if listener is not None and (at % AT_ONCE == 0 or at == total):
            listener(what, at, total)


Positions = Integers
R = TypeVar("R")

Blob = Callable[[], bytes]  # a function that returns the stored bytes of an example or raises `Unreadable`
MOST_BYTES = 2**30  # of one stored example: more than the pixels of any picture that is read
MOST_NAMES = 5  # of other examples in an error


class Unreadable(BadInput):
    """An example that cannot be used, like ``others``; ``--skip-unreadable`` leaves them out."""

    def __init__(self, name: str, reason: str, others: Sequence[str] = ()) -> None:
        one = "it" if not others else "them"
        more = f", and {len(others):,} more cannot be read: {shorten(others, MOST_NAMES)}" if others else ""
        super().__init__(
            f"{name}: {reason}{more}; mend {one}, or use --skip-unreadable to go on without {one}"
        )
        self.name = name
        self.reason = reason


def digest(blob: Blob) -> bytes:
    return hashlib.sha256(blob()).digest()


Header: TypeAlias = tuple[Any, ...]  # the facts that the beginning of a file holds: numbers and truth values


@dataclass(eq=False)
class Files:
    """Reads examples of a kind from the bytes of files, or of cells of a table.

    Messages call an example ``noun``, and the facts in its header ``measures``; ``blank`` is such a header.
    ``suffixes`` are the ends of names of files, in lower case. ``read_header`` and ``decode``, by the traits
    of the data if any, raise `Unreadable`. ``scan`` gives the traits by all headers, ``None`` without any.
    Files are remembered as ``readable`` under this key. ``quiet`` surrounds threads that decode. Examples are
    decoded ``in_threads`` unless that is unsafe.
    """

    noun: str
    measures: str
    blank: tuple[Any, ...]
    suffixes: Callable[[], frozenset[str]]
    read_header: Callable[[Blob, str], Header]
    scan: Callable[[Iterator[Any]], Traits | None]
    decode: Callable[[Blob, str, Any], Value]
    readable: Callable[[], str]
    quiet: Callable[[], AbstractContextManager[None]] = nullcontext
    in_threads: bool = True

    def header(self, fields: Any) -> Header | None:
        is_header = isinstance(fields, list) and [*map(type, fields)] == [*map(type, self.blank)]
        return type(self.blank)(*fields) if is_header else None

    def is_readable(self, blob: Blob, name: str) -> bool:
        try:
            self.decode(blob, name, None)
        except Unreadable:
            return False
        return True

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
    """Yield ``function`` of each of ``num`` items, in order, until the first error, which is raised.

    Results are made only a little ahead of their use, so that photos do not pile up.
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
    """All stored examples of one split by position, for the ``reader``."""

    reader: Files

    def __len__(self) -> int:
        raise NotImplementedError

    def name(self, position: int) -> str:
        """The words for an example in an error: its file, and its row where a file holds many."""
        raise NotImplementedError

    def blobs(self, positions: Positions) -> Iterator[Blob]:
        """Yield functions that read the examples at ascending ``positions``."""
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
        num = len(positions)
        return list(self._each(lambda _, blob: digest(blob).hex(), positions, self.reader.reading, num))

    def unreadable(self, positions: Positions) -> Positions:
        """The ascending ``positions`` at which examples cannot be decoded."""
        return self.find_unreadable(positions, len(positions), 0)

    def find_unreadable(self, positions: Positions, total: int, num_done: int) -> Positions:
        """As `unreadable`, never from memory, after ``num_done`` examples of ``total``."""
        readable = self._each(
            lambda name, blob: self.reader.is_readable(blob, name),
            positions,
            self.reader.looking,
            total,
            num_done,
        )
        return positions[~np.fromiter(readable, np.bool_)]

    def _each(
        self,
        function: Callable[[str, Blob], R],
        positions: Positions,
        what: str,
        total: int,
        before: int = 0,
    ) -> Iterator[R]:
        items = named_blobs(self, positions)
        with self.reader.quiet():
            yield from track(in_threads(lambda item: function(*item), items), what, total, before)


@dataclass(frozen=True, eq=False)
class EncodedSource:
    """All splits of a source, which have one set of traits."""

    parts: tuple[tuple[Blobs, Positions], ...]

    @cached_property
    def traits(self) -> Any:
        """The `Traits` of the examples; raises `Unreadable` if no header can be read."""
        first, positions = self.parts[0]
        headers = (header for blobs, some in self.parts for header in blobs.headers(some))
        result = first.reader.scan(header for header in headers if header is not None)
        if result is None:
            result = first.reader.scan(iter([_header_again(first, positions[:1])]))
            assert result is not None
        return result


def named_blobs(blobs: Blobs, positions: Positions) -> Iterator[tuple[str, Blob]]:
    for position, blob in zip(positions.tolist(), blobs.blobs(positions), strict=True):
        yield blobs.name(position), blob


def _header_again(blobs: Blobs, position: Positions) -> Header:
    """The header of the example at ``position`` [1]; raises `Unreadable` with the reason."""
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
        bad = self._blobs.unreadable(self._positions)
        return [int(at) for at in np.searchsorted(self._positions, bad)]

    def headers(self) -> Iterator[Header]:
        for at, header in enumerate(self._blobs.headers(self._positions)):
            yield header or _header_again(self._blobs, self._positions[at : at + 1])

    def sizes(self) -> Integers:
        return np.array([header[:2] for header in self.headers()], np.int64).reshape(len(self), 2)

    def map(self, function: Callable[[Value], R]) -> Iterator[R]:
        traits, reader = self.traits, self._blobs.reader

        def decode(item: tuple[str, Blob]) -> R:
            name, blob = item
            return function(reader.decode(blob, name, traits))

        items = named_blobs(self._blobs, self._positions)
        with reader.quiet():
            yield from in_threads(decode, items, len(self)) if reader.in_threads else map(decode, items)
