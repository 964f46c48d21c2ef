"""The file of vectors: NumPy's format, with checksums of pieces behind the values, and how it grows.

While it grows the values are in ``.part`` and a note beside it says what of them is on the disk. Values are
there before the note vouches for them, so that a build killed at any moment goes on.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import struct
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, BinaryIO, Self

import numpy as np
import numpy.typing as npt

from easiness.features.half import Halves, exponent_for, halved
from easiness.regular_file import open_growing, open_regular, read_regular

PIECE = 64
"""Rows that have a checksum of their own; a build goes on behind a whole number of them."""

_LINE = 9  # bytes of the note for a piece
_LONGEST_BEGIN = 99  # bytes, of its first line
_SECONDS = 1.0  # of work that a kill may lose, about
_MAGIC = b"easivec1"
_FOOTER = struct.Struct("<8si32s")  # magic, exponent, SHA-256 of it and of the checksums
_MOST_CHECKED = 2**29  # bytes: of a larger file pieces spread over all of it are read, so that it starts soon


@dataclass(frozen=True)
class FeatureFile:
    """``rows`` [K, D], read-only, mapped where there is a file: the vectors times 2 to the ``exponent``."""

    rows: Halves
    exponent: int


def whole(path: Path, num: int, wanted: int | None = None) -> FeatureFile | None:
    """The file of ``num`` vectors, or ``None`` where it is not there, or is not as it was written.

    One of another exponent than the ``wanted`` one is not taken. Of one above half a gibibyte only a part of
    the checksums is compared.
    """
    num_pieces = -(-num // PIECE)
    try:
        with open_regular(path) as file:
            behind = 4 * num_pieces + _FOOTER.size
            length = os.fstat(file.fileno()).st_size - len(_header_of(num, 1)) - behind
            width = length // (2 * num)
            header = _header_of(num, max(1, width))
            right = file.read(len(header)) == header
            file.seek(-behind, os.SEEK_END)
            checksums = file.read(4 * num_pieces)
            footer = file.read()
        magic, exponent, digest = _FOOTER.unpack(footer)
        right = right and magic == _MAGIC and digest == _digest_of(exponent, checksums)
        if not right or length != 2 * num * width or wanted not in (None, exponent):
            return None
        rows = np.memmap(path, "<f2", "r", len(header), (num, width))
    except (OSError, ValueError, struct.error):
        return None
    known = np.frombuffer(checksums, "<u4")
    some = range(0, num_pieces, -(-length // _MOST_CHECKED))
    pieces = ((known[at], rows[at * PIECE : (at + 1) * PIECE]) for at in some)
    intact = all(_checksum(piece) == one and np.isfinite(piece).all() for one, piece in pieces)
    return FeatureFile(rows, exponent) if intact else None


def _small(value: object) -> int:
    """A number of ours, of another's file."""
    if type(value) is not int or abs(value) >= 2**31:
        raise ValueError(value)
    return value


class Growing:
    """Vectors on their way into the file at ``path``.

    As a context it writes down, at its end, what it has; also where that is an error.
    """

    def __init__(self, path: Path, num: int, exponent: int | None = None) -> None:
        """``num`` vectors; without ``exponent`` it goes by the first of them."""
        self._path = path
        self._part, self._note = Path(f"{path}.part"), Path(f"{path}.note")
        self._num = num
        self._fixed = exponent is not None
        self._exponent = exponent
        self._checksums: list[int] = []
        self._noted = 0
        self._width = 0
        self._header_bytes = 0
        self.done = 0
        self._go_on()

    def _go_on(self) -> None:
        """Take up what an interrupted build has left, as far as it is as it was written."""
        try:
            most = _LONGEST_BEGIN + _LINE * -(-self._num // PIECE)
            lines = (
                read_regular(self._note, most).decode("ascii").split("\n")[:-1]
            )  # without an end: not whole
            begun, checksum = lines[0].rsplit(" ", 1)
            if len(begun) > _LONGEST_BEGIN or zlib.crc32(begun.encode()) != int(checksum, 16):
                return
            width, exponent = (_small(value) for value in json.loads(begun))
            header = _header_of(self._num, width)
            with open_regular(self._part) as file:
                right = file.read(len(header)) == header
                known = [int(line, 16) for line in lines[1:]]
                good = list(_as_written(file, known, width, self._num)) if right else []
        except (OSError, ValueError, LookupError, TypeError):
            return
        if not good or (self._fixed and exponent != self._exponent):
            return
        self._exponent, self._width, self._header_bytes = exponent, width, len(header)
        self._checksums = good
        self.done = min(len(good) * PIECE, self._num)

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as opened:
            self._file = opened.enter_context(open_growing(self._part))
            self._note_file = opened.enter_context(open_growing(self._note))
            opened.pop_all()
        self._file.truncate(self._file.seek(self._header_bytes + 2 * self._width * self.done))
        self._noted = len(self._checksums)
        vouched_for = len(self._first_line()) + _LINE * self._noted if self._noted else 0
        self._note_file.truncate(self._note_file.seek(vouched_for))
        self._begun_at = time.monotonic()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._file, self._note_file:
            self._write_down()

    def add(self, values: npt.NDArray[np.float32]) -> None:
        """Append vectors [n, D]: a whole number of pieces, but at the end.

        Raises:
            TooLarge: one is, to the scale of those before.
        """
        for start in range(0, len(values), PIECE):
            piece = values[start : start + PIECE]
            if not self.done:
                self._begin(piece)
            assert self._exponent is not None
            content = np.ascontiguousarray(halved(piece, self._exponent, cut=self._fixed), "<f2")
            self._file.write(content.data)
            self._checksums.append(_checksum(content))
            self.done += len(piece)
        if time.monotonic() - self._begun_at > _SECONDS:
            self._write_down()

    def _begin(self, first: npt.NDArray[np.float32]) -> None:
        self._width = first.shape[1]
        if self._exponent is None:
            self._exponent = exponent_for(first)
        header = _header_of(self._num, self._width)
        self._header_bytes = len(header)
        self._file.truncate(self._file.seek(0))
        self._file.write(header)

    def _write_down(self) -> None:
        """Put the values on the disk, then the note of them."""
        new = self._checksums[self._noted :]
        if new:
            _to_disk(self._file)
            if not self._noted:
                self._note_file.write(self._first_line())
            self._note_file.write("".join(f"{one:08x}\n" for one in new).encode())
            _to_disk(self._note_file)
            self._noted = len(self._checksums)
        self._begun_at = time.monotonic()

    def _first_line(self) -> bytes:
        begun = json.dumps([self._width, self._exponent])
        return f"{begun} {zlib.crc32(begun.encode()):08x}\n".encode()

    def rows(self) -> Halves:
        """All vectors, when they are there."""
        self._file.flush()
        shape = (self._num, self._width)
        return np.memmap(self._part, "<f2", "r", self._header_bytes, shape)

    @property
    def exponent(self) -> int:
        """The power of two that vectors are multiplied by, once there are some."""
        assert self._exponent is not None
        return self._exponent

    @property
    def fixed(self) -> bool:
        """Was it given, and not chosen by the first of them?"""
        return self._fixed

    def start_over(self, step: int) -> None:
        """Begin again with vectors that are smaller by 2 to the ``step``."""
        assert self._exponent is not None
        self._exponent -= step
        self._checksums, self.done, self._header_bytes, self._width = [], 0, 0, 0
        self._note.unlink(missing_ok=True)

    def finish(self) -> FeatureFile:
        """Give the file its name."""
        assert self._exponent is not None
        checksums = np.array(self._checksums, "<u4").tobytes()
        with self._part.open("r+b") as file:
            file.truncate(file.seek(self._header_bytes + 2 * self._width * self._num))
            digest = _digest_of(self._exponent, checksums)
            file.write(checksums + _FOOTER.pack(_MAGIC, self._exponent, digest))
            _to_disk(file)
        self._part.replace(self._path)
        self._note.unlink(missing_ok=True)
        shape = (self._num, self._width)
        return FeatureFile(np.memmap(self._path, "<f2", "r", self._header_bytes, shape), self._exponent)

    def remove(self) -> None:
        """Leave nothing of it."""
        self._part.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)


def _digest_of(exponent: int, checksums: bytes) -> bytes:
    return hashlib.sha256(struct.pack("<i", exponent) + checksums).digest()


def _header_of(num: int, width: int) -> bytes:
    made = io.BytesIO()
    header: dict[str, Any] = {"descr": "<f2", "fortran_order": False, "shape": (num, width)}
    np.lib.format.write_array_header_1_0(made, header)
    return made.getvalue()


def _as_written(file: BinaryIO, known: list[int], width: int, num: int) -> Iterator[int]:
    """The checksums of pieces up to the first that is not as it was written, from where the file is."""
    for at, checksum in enumerate(known):
        content = file.read(2 * width * max(0, min(PIECE, num - at * PIECE)))
        if not content or zlib.crc32(content) != checksum:
            return
        yield checksum


def _checksum(piece: Halves) -> int:
    return zlib.crc32(np.ascontiguousarray(piece).data)


def _to_disk(file: IO[bytes]) -> None:
    file.flush()
    os.fsync(file.fileno())
