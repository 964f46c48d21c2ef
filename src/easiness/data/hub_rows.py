"""Encoded pictures in the rows of a `datasets.Dataset`, read a few at a time."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from easiness.data.decode import Blob, UnreadableImage
from easiness.data.encoded import Positions, find_unreadable, read_headers
from easiness.data.scan import Header
from easiness.data.threads import in_threads

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
        """SHA-256 (hex) of the bytes of each row."""
        return list(in_threads(_digest, self.blobs(positions)))

    def unreadable(self) -> Positions:
        """Positions of the rows that cannot be decoded."""
        return find_unreadable(self, np.arange(len(self)))


def _bytes(value: dict[str, Any] | None, name: str) -> bytes:
    if value is None or (value["bytes"] is None and value["path"] is None):
        raise UnreadableImage(name, "the image is null")
    if value["bytes"] is not None:
        data: bytes = value["bytes"]
        return data
    try:
        return Path(value["path"]).read_bytes()
    except OSError as error:
        raise UnreadableImage(
            f"{name}: {value['path']}", f"the file cannot be read: {error.strerror}"
        ) from None


def _digest(blob: Blob) -> str:
    return hashlib.sha256(blob()).hexdigest()
