"""Examples in files of their own below one folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np

from easiness.data.sources.file_facts import FileFacts, Stamp
from easiness.inputs import MOST_BYTES, Files, Header, Positions, Unreadable, counted, digest, in_threads
from easiness.regular_file import read_regular

R = TypeVar("R")


class FileBlobs:
    """Examples in files of their own: the one at position i is ``root / files[i]``.

    ``files`` are relative to ``root`` or absolute; ``facts`` are about files below ``root`` too.
    """

    def __init__(self, root: Path, files: Sequence[str], facts: FileFacts, reader: Files) -> None:
        self._root = root
        self._files = files
        self._facts = facts
        self.reader = reader
        self._marks = np.zeros(len(files), np.uint64)  # of the files as their digests were taken

    def __len__(self) -> int:
        return len(self._files)

    def name(self, position: int) -> str:
        """The file's path."""
        return str(self._root / self._files[position])

    def blobs(self, positions: Positions) -> Iterator[Callable[[], bytes]]:
        """Readers of the files."""
        return (partial(self._read, position) for position in positions.tolist())

    def headers(self, positions: Positions) -> Iterator[Header | None]:
        """Headers, from the cache where size and time of modification are the same."""
        with self.reader.quiet():
            yield from self._of_each(self._header, positions, self.reader.reading_headers)

    def digests(self, positions: Positions) -> list[str]:
        """SHA-256 (hex) of each file, from the cache where size and time of modification are the same."""
        return list(self._of_each(self._digest, positions, self.reader.reading))

    def unreadable(self) -> Positions:
        """Positions of files that cannot be decoded; unchanged files are not tried again."""
        positions = np.arange(len(self))
        with self.reader.quiet():
            readable = np.array(list(self._of_each(self._readable, positions, self.reader.looking)), np.bool_)
        return positions[~readable]

    def _of_each(self, function: Callable[[int], R], positions: Positions, what: str) -> Iterator[R]:
        try:
            yield from counted(in_threads(function, positions.tolist()), what, len(positions))
        finally:
            self._facts.save()

    def _read(self, position: int) -> bytes:
        path = self._root / self._files[position]
        try:
            content = read_regular(path, MOST_BYTES)
            status = path.stat()
        except OSError as error:
            raise Unreadable(str(path), f"the file cannot be read: {error.strerror}") from None
        if self._marks[position] not in (0, _mark((status.st_size, status.st_mtime_ns))):
            raise Unreadable(str(path), "the file has changed since the data were loaded")
        return content

    def _header(self, position: int) -> Header | None:
        file = self._files[position]
        stamp, known = self._facts.recall(file)
        header = self.reader.header(known.get("header"))
        if header is not None:
            return header
        try:
            header = self.reader.read_header(partial(self._read, position), file)
        except Unreadable:  # named when it is decoded; it may lie outside of the subset in use
            return None
        self._facts.remember(file, stamp, header=list(header))
        return header

    def _digest(self, position: int) -> str:
        read = partial(self._read, position)
        stamp, found = self._facts.learned(self._files[position], "sha256", str, lambda: digest(read).hex())
        if stamp is not None:
            self._marks[position] = _mark(stamp)
        return found

    def _readable(self, position: int) -> bool:
        file = self._files[position]
        read = partial(self._read, position)
        learn = partial(self.reader.is_readable, read, file)
        return self._facts.learned(file, self.reader.readable(), bool, learn)[1]


def _mark(stamp: Stamp) -> np.uint64:
    """A stamp in eight bytes, of which there may be one for each of millions of files; never 0."""
    return np.uint64(hash(stamp) & (2**64 - 1) or 1)
