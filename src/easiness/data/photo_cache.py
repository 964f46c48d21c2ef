"""Photos at the working resolution in one file that is mapped into memory, built once and safe to interrupt.

The file holds the pixels of each photo [height, width, channels] one after another, then the sizes
(int32 [K, 2]), then a footer with their number, the digest of the sizes and what was asked for.
"""

from __future__ import annotations

import hashlib
import os
import struct
from collections.abc import Callable
from functools import partial
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
from filelock import FileLock

from easiness.data.photos import reduce
from easiness.data.stored import Pixels, StoredImages
from easiness.errors import BadInput, RunFailed

_MAGIC = b"easiness photos 1"
_FOOTER = struct.Struct("<17sBIQ32s")  # magic, channels, short side, number of photos, SHA-256 of the sizes
_AT_ONCE = 512  # photos between two points at which an interrupted build can go on


class MappedPhotos:
    """The photos in a finished file."""

    def __init__(self, path: Path) -> None:
        """Raises `BadInput` where the file is not whole."""
        try:
            with path.open("rb") as file:
                self.channels, self.short_side, sizes = _read_end(file)
        except (OSError, ValueError, struct.error):
            raise BadInput(f"{path}: the cache of photos is damaged; remove it and run again") from None
        self.sizes = sizes.astype(np.int64)
        lengths = self.sizes.prod(axis=1) * self.channels
        self._starts = np.concatenate([[0], np.cumsum(lengths)])
        # copy on write: nothing is ever written, but torch wants memory that could be
        self._pixels = np.memmap(path, np.uint8, mode="c", shape=(int(self._starts[-1]),))

    def take(self, positions: npt.NDArray[np.int64]) -> list[Pixels]:
        """The photos at ``positions``: views, read by the system as they are touched."""
        return [
            self._pixels[self._starts[p] : self._starts[p + 1]].reshape(*self.sizes[p], self.channels)
            for p in positions.tolist()
        ]


def _read_end(file: BinaryIO) -> tuple[int, int, npt.NDArray[np.int32]]:
    end = file.seek(-_FOOTER.size, os.SEEK_END)
    magic, channels, short_side, num, digest = _FOOTER.unpack(file.read())
    start = file.seek(end - 8 * num)
    content = file.read(8 * num)
    sizes = np.frombuffer(content, "<i4").reshape(num, 2)
    if (
        magic != _MAGIC
        or hashlib.sha256(content).digest() != digest
        or sizes.prod(axis=1, dtype=np.int64).sum() * channels != start
    ):
        raise ValueError
    return channels, short_side, sizes


def cache_path(folder: Path, fingerprint: str, short_side: int, channels: int) -> Path:
    """Where the photos with this fingerprint are cached at this working resolution."""
    return folder / f"{fingerprint[:16]}-{short_side}x{channels}.photos"


def cached_photos(
    stored: StoredImages, short_side: int, path: Path, on_cached: Callable[[int], None]
) -> MappedPhotos:
    """The photos in the file at ``path``, which is built where it does not exist.

    A build that was interrupted goes on where it was, and of two processes one builds while the other
    waits. ``on_cached`` is told how many photos are done, now and then.

    Raises:
        BadInput: a photo is unreadable, or the file is damaged.
        RunFailed: the file cannot be written.
    """
    try:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(f"{path}.lock"):
                if not path.exists():
                    _build(stored, short_side, path, on_cached)
            Path(f"{path}.lock").unlink(missing_ok=True)
    except OSError as error:
        raise RunFailed(
            f"{path}: the cache of photos cannot be written ({error.strerror or error}); make room, or use "
            "--cache off"
        ) from error
    photos = MappedPhotos(path)
    if len(photos.sizes) != len(stored) or photos.short_side != short_side:
        raise BadInput(f"{path}: this cache holds other photos; remove it and run again")
    return photos


def _build(stored: StoredImages, short_side: int, path: Path, on_cached: Callable[[int], None]) -> None:
    """Pixels are on disk before the sizes that vouch for them, so that what sizes say can be trusted."""
    channels = stored.scan.channels
    pixels_path, sizes_path = Path(f"{path}.pixels"), Path(f"{path}.sizes")
    pixels_path.touch()
    sizes_path.touch()
    with pixels_path.open("r+b") as pixels, sizes_path.open("r+b") as sizes:
        content = sizes.read(8 * len(stored))
        done = np.frombuffer(content[: len(content) // 8 * 8], "<i4").reshape(-1, 2)
        length = int(done.prod(axis=1, dtype=np.int64).sum()) * channels
        if pixels.seek(0, os.SEEK_END) < length:
            done, length = done[:0], 0
        sizes.truncate(sizes.seek(8 * len(done)))
        pixels.truncate(pixels.seek(length))
        num = len(done)
        on_cached(num)
        photos = stored.subset(np.arange(num, len(stored))).map(partial(reduce, short_side=short_side))
        while batch := list(islice(photos, _AT_ONCE)):
            for photo in batch:
                pixels.write(np.ascontiguousarray(photo).data)
            _to_disk(pixels)
            sizes.write(np.array([photo.shape[:2] for photo in batch], "<i4").tobytes())
            _to_disk(sizes)
            num += len(batch)
            on_cached(num)
        sizes.seek(0)
        content = sizes.read()
        digest = hashlib.sha256(content).digest()
        pixels.write(content + _FOOTER.pack(_MAGIC, channels, short_side, num, digest))
        _to_disk(pixels)
    pixels_path.replace(path)
    sizes_path.unlink()


def _to_disk(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())
