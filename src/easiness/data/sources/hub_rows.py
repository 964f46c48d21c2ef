"""Encoded pictures in the rows of a `datasets.Dataset`, read a few at a time."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from easiness.data.sources.file_facts import FileFacts, row_digests
from easiness.inputs import (
    IMAGES,
    MOST_BYTES,
    Blob,
    Header,
    Positions,
    UnreadableImage,
    counted,
    digest,
    find_unreadable,
    in_threads,
    read_headers,
)
from easiness.regular_file import read_regular

AT_ONCE = 64  # rows read together


class HubBlobs:
    """Pictures in the column of a `datasets.Dataset` whose images are stored as (bytes, path)."""

    def __init__(self, table: Any, column: str, what: str) -> None:
        """``table`` is in the arrow format; ``what`` names it in an error."""
        self._table = table
        self._column = column
        self._what = what

    def __len__(self) -> int:
        return len(self._table)

    def name(self, position: int) -> str:
        """The split and the row in it, from 0."""
        return f"{self._what}: row {position}"

    def blobs(self, positions: Positions) -> Iterator[Blob]:
        """Readers of the rows."""
        for start in range(0, len(positions), AT_ONCE):
            rows = positions[start : start + AT_ONCE].tolist()
            values = self._table[rows].column(self._column).to_pylist()
            for row, value in zip(rows, values, strict=True):
                yield partial(_bytes, value, self.name(row))

    def headers(self, positions: Positions) -> Iterator[Header | None]:
        """Headers of the rows."""
        return read_headers(self, positions)

    def digests(self, positions: Positions) -> list[str]:
        """SHA-256 (hex) of the bytes of each row; remembered where they lie in files of the library."""
        found = self._files()
        if found is None:
            return [value.hex() for value in self._read_digests(positions)]
        path, identity = found
        facts = FileFacts(path.parent)
        return row_digests(facts, path.name, len(self), positions, self._read_digests, identity=identity)

    def _read_digests(self, positions: Positions) -> Iterator[bytes]:
        return counted(in_threads(digest, self.blobs(positions)), IMAGES, len(positions))

    def _files(self) -> tuple[Path, str] | None:
        """The first Arrow file, and what the rows are in it and the others; ``None`` where they are in none.

        The library's own fingerprint says which rows are taken, in which order; that the files still hold
        what they did is seen by their size and time of modification.
        """
        import pyarrow.compute as pc

        files = [Path(file["filename"]) for file in self._table.cache_files]
        stored_bytes = pc.struct_field(self._table.data.column(self._column), "bytes")
        if not files or stored_bytes.null_count:  # in memory, or in picture files that change by themselves
            return None
        try:
            stamps = [(str(file), (status := file.stat()).st_size, status.st_mtime_ns) for file in files]
        except OSError:
            return None
        identity = json.dumps([self._table._fingerprint, self._column, stamps])
        return files[0], hashlib.sha256(identity.encode()).hexdigest()

    def unreadable(self) -> Positions:
        """Positions of the rows that cannot be decoded."""
        return find_unreadable(self, 0, len(self))


def _bytes(value: dict[str, Any] | None, name: str) -> bytes:
    if value is None or (value["bytes"] is None and value["path"] is None):
        raise UnreadableImage(name, "the image is null")
    if value["bytes"] is not None:
        data: bytes = value["bytes"]
        return data
    try:
        return read_regular(Path(value["path"]), MOST_BYTES)
    except OSError as error:
        raise UnreadableImage(
            f"{name}: {value['path']}", f"the file cannot be read: {error.strerror}"
        ) from None
