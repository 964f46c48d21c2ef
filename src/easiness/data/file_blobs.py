"""Pictures in files of their own below one folder."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from easiness.data.decode import Blob, UnreadableImage, decoder_warnings, read_header
from easiness.data.encoded import Positions, find_unreadable
from easiness.data.file_facts import FileFacts
from easiness.data.scan import Header
from easiness.data.threads import in_threads


class FileBlobs:
    """Pictures in files of their own: the one at position i is ``root / files[i]``.

    ``files`` are relative to ``root`` or absolute; ``facts`` are about files below ``root`` too.
    """

    def __init__(self, root: Path, files: Sequence[str], facts: FileFacts) -> None:
        self._root = root
        self._files = files
        self._facts = facts

    def __len__(self) -> int:
        return len(self._files)

    def name(self, position: int) -> str:
        """The file's path."""
        return str(self._root / self._files[position])

    def blobs(self, positions: Positions) -> Iterator[Blob]:
        """Readers of the files."""
        return (partial(self._read, position) for position in positions.tolist())

    def headers(self, positions: Positions) -> Iterator[Header | None]:
        """Headers, from the cache where size and time of modification are the same."""
        try:
            with decoder_warnings():
                yield from in_threads(self._header, positions.tolist())
        finally:
            self._facts.save()

    def digests(self, positions: Positions) -> list[str]:
        """SHA-256 (hex) of each file, from the cache where size and time of modification are the same."""
        digests = list(in_threads(self._digest, positions.tolist()))
        self._facts.save()
        return digests

    def unreadable(self) -> Positions:
        """Positions of files that cannot be decoded; unchanged files are not tried again."""
        stamps, verdicts = [], {}
        for position, file in enumerate(self._files):
            stamp, known = self._facts.recall(file)
            stamps.append(stamp)
            if isinstance(known.get("readable"), bool):
                verdicts[position] = known["readable"]
        unknown = np.array([p for p in range(len(self)) if p not in verdicts], dtype=np.int64)
        broken = set(find_unreadable(self, unknown).tolist())
        for position in unknown.tolist():
            verdicts[position] = position not in broken
            self._facts.remember(self._files[position], stamps[position], readable=verdicts[position])
        self._facts.save()
        return np.array([p for p in range(len(self)) if not verdicts[p]], dtype=np.int64)

    def _read(self, position: int) -> bytes:
        path = self._root / self._files[position]
        try:
            return path.read_bytes()
        except OSError as error:
            raise UnreadableImage(str(path), f"the file cannot be read: {error.strerror}") from None

    def _header(self, position: int) -> Header | None:
        file = self._files[position]
        stamp, known = self._facts.recall(file)
        match known.get("header"):
            case [int(height), int(width), bool(grey)]:
                return Header(height, width, grey)
        try:
            header = read_header(partial(self._read, position), file)
        except UnreadableImage:  # named when it is decoded; it may lie outside of the subset in use
            return None
        self._facts.remember(file, stamp, header=list(header))
        return header

    def _digest(self, position: int) -> str:
        file = self._files[position]
        stamp, known = self._facts.recall(file)
        digest = known.get("sha256")
        if not isinstance(digest, str):
            digest = hashlib.sha256(self._read(position)).hexdigest()
            self._facts.remember(file, stamp, sha256=digest)
        return digest
