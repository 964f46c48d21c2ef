"""Photos at the working resolution of training: in memory, decoded for each batch, or in a file.

Many processes read the file. It is built once, and a build may be interrupted. It holds the pixels of each
photo [height, width, channels] one after another, a table of their heights, widths and CRC-32s (uint32
[K, 3]), and a footer with the channels, the short side, the number of photos and the digest of the table.
"""

from __future__ import annotations

import hashlib
import os
import struct
import weakref
import zlib
from collections.abc import Callable
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from easiness.errors import BadInput
from easiness.gate import fits, made_once
from easiness.inputs.image.pixels import Pixels, to_pil
from easiness.inputs.kind import StoredExamples
from easiness.inputs.pack import Pack, Values
from easiness.lazy import Image, Integers
from easiness.regular_file import open_growing, open_regular
from easiness.spec import Recipe

MOST_OBLONG = 8  # times the short side: beyond that both ends are cut off, or one photo could fill the memory
_SUMS_AT_ONCE = 1 << 14  # so many stay in a cache
_MAGIC = b"easiness photos 1"
_FOOTER = struct.Struct("<17sBIQ32s")  # magic, channels, short side, number of photos, SHA-256 of the table
_ROW = 12  # bytes of the table for a photo
_AT_ONCE = 512  # photos between two points at which an interrupted build can go on


def reduced_size(height: int, width: int, short_side: int) -> tuple[int, int]:
    """Size of a photo whose long side is cut and whose short side is reduced to ``short_side`` if larger.

    The long side is rounded down, as torchvision's ``Resize`` does.
    """
    shortest = min(height, width)
    height, width = min(height, MOST_OBLONG * shortest), min(width, MOST_OBLONG * shortest)
    if shortest <= short_side:
        return height, width
    if height <= width:
        return short_side, short_side * width // height
    return short_side * height // width, short_side


def reduce(pixels: Pixels, short_side: int) -> Pixels:
    """The photo at `reduced_size`, bilinear with antialias; only the middle of a very long one."""
    height, width, channels = pixels.shape
    longest = MOST_OBLONG * min(height, width)
    top, left = max(0, height - longest) // 2, max(0, width - longest) // 2
    pixels = pixels[top : top + longest, left : left + longest]
    size = reduced_size(height, width, short_side)
    if size == pixels.shape[:2]:
        return pixels
    smaller = np.array(to_pil(pixels).resize(size[::-1], Image.Resampling.BILINEAR))
    return smaller[..., None] if channels == 1 else smaller


class DecodedPhotos(Values):
    """Photos that are decoded each time they are taken."""

    def __init__(self, examples: StoredExamples, short_side: int, shapes: Integers) -> None:
        self._examples = examples
        self._short_side = short_side
        self.shapes = shapes

    def take(self, positions: Integers) -> list[Pixels]:
        ascending, back = np.unique(positions, return_inverse=True)
        photos = list(self._examples.subset(ascending).map(partial(reduce, short_side=self._short_side)))
        return [photos[at] for at in back.tolist()]


def uncached_photos(examples: StoredExamples, sizes: Integers, short_side: int) -> Pack | DecodedPhotos:
    """Photos of ``sizes`` [K, 2] (height, width), in memory where they fit, else decoded each time."""
    channels = examples.traits.channels
    shapes = np.array([(*reduced_size(h, w, short_side), channels) for h, w in sizes.tolist()], np.int64)
    if fits(int(shapes.prod(axis=1).sum())):
        return Pack.of_values(examples.map(partial(reduce, short_side=short_side)), shapes, np.uint8)
    return DecodedPhotos(examples, short_side, shapes)


def average_blocks(
    images: npt.NDArray[np.uint8], side: int, at_once: int = _SUMS_AT_ONCE
) -> npt.NDArray[np.uint8]:
    """Means of blocks of ``side`` x ``side`` pixels, to the nearest of 256 levels; halves go up.

    ``images`` are [K, h, w, c]; ``at_once`` sums are in memory at a time, at least those of one image.
    """
    if side == 1:
        return images
    num, height, width, channels = images.shape
    assert height % side == width % side == 0, (height, width, side)
    smaller = np.empty((num, height // side, width // side, channels), np.uint8)
    step = max(1, at_once // max(1, smaller[:1].size))
    area = side * side
    for start in range(0, num, step):
        some = images[start : start + step]
        sums = np.full((len(some), *smaller.shape[1:]), area // 2, np.int32)
        for at in range(area):
            sums += some[:, at // side :: side, at % side :: side]
        smaller[start : start + step] = sums // area
    return smaller


class DamagedCache(BadInput):
    """The file of cached photos is damaged; making it again mends that."""


def _damage(path: Path) -> DamagedCache:
    return DamagedCache(f"{path}: the cache of photos is damaged; remove it and run again")


class CheckedPixels:
    """The pixels of photos in a finished file; each photo is checked when it is first read.

    The file is read and not mapped: damage while in use raises an error and does not end the process.
    """

    def __init__(self, path: Path) -> None:
        """Raises `DamagedCache` if the table or the footer is damaged."""
        self.path = path
        try:
            with open_regular(path) as file:
                channels, self.short_side, table = _read_end(file)
                self._file = os.dup(file.fileno())
        except (OSError, ValueError, OverflowError, struct.error):
            raise _damage(path) from None
        weakref.finalize(self, os.close, self._file)
        self.shapes = np.insert(table[:, :2].astype(np.int64), 2, channels, axis=1)
        self._ends = np.cumsum(self.shapes.prod(axis=1))
        self._checksums = table[:, 2]
        self._is_checked = np.zeros(len(table), np.bool_)

    def __getitem__(self, part: slice) -> npt.NDArray[np.uint8]:
        start, stop = int(part.start), int(part.stop)
        pixels = np.empty(stop - start, np.uint8)
        try:
            num_read = os.preadv(self._file, [pixels.data], start)
        except OSError:
            num_read = 0
        whole, at = num_read == len(pixels), int(np.searchsorted(self._ends, start, side="right"))
        if not whole or not (self._is_checked[at] or zlib.crc32(pixels.data) == self._checksums[at]):
            raise _damage(self.path)
        self._is_checked[at] = True
        return pixels


class _DamagedMeanwhile:
    """Photos of a file that was damaged meanwhile: the first use fails, since unpickling may not."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __getattr__(self, name: str) -> Any:
        raise _damage(self._path)


def _in_another_process(path: Path) -> Pack | _DamagedMeanwhile:
    try:
        return opened_cache(path)
    except DamagedCache:
        return _DamagedMeanwhile(path)


def opened_cache(path: Path) -> Pack:
    """The photos in the finished file at ``path``; a process that is sent them reads the same file."""
    return _pack(CheckedPixels(path))


def _pack(pixels: CheckedPixels) -> Pack:
    return Pack(pixels, pixels.shapes, (_in_another_process, (pixels.path,)))


def _read_end(file: BinaryIO) -> tuple[int, int, npt.NDArray[np.uint32]]:
    end = file.seek(-_FOOTER.size, os.SEEK_END)
    magic, channels, short_side, num, digest = _FOOTER.unpack(file.read())
    start = file.seek(end - _ROW * num)
    content = file.read(_ROW * num)
    table = np.frombuffer(content, "<u4").reshape(num, 3)
    if (
        magic != _MAGIC
        or hashlib.sha256(content).digest() != digest
        or table[:, :2].prod(axis=1, dtype=np.int64).sum() * channels != start
        or not table[:, :2].all()
    ):
        raise ValueError
    return channels, short_side, table


def cache_path(data: Any, recipe: Recipe, folder: Path) -> Path:
    return folder / f"{data.fingerprint[:16]}-{recipe.resize}x{data.traits.channels}.photos"


def cached_photos(
    examples: StoredExamples, short_side: int, path: Path, on_cached: Callable[[int], None]
) -> Pack:
    """The photos in the file at ``path``; it is built if it is not whole, from where an interrupt left."""
    pixels = made_once(
        path,
        lambda: _whole(path),
        lambda: _build(examples, short_side, path, on_cached),
        "cache of photos",
        "or use --cache off",
    )
    if len(pixels.shapes) != len(examples) or pixels.short_side != short_side:
        raise BadInput(f"{path}: this cache holds other photos; remove it and run again")
    return _pack(pixels)


def _whole(path: Path) -> CheckedPixels | None:
    try:
        return CheckedPixels(path)
    except DamagedCache:
        return None


def _build(
    examples: StoredExamples, short_side: int, path: Path, on_cached: Callable[[int], None]
) -> CheckedPixels:
    """Write pixels to disk before the rows that vouch for them, so that the table can be trusted."""
    channels = examples.traits.channels
    pixels_path, table_path = Path(f"{path}.pixels"), Path(f"{path}.table")
    try:
        with open_growing(pixels_path) as pixels, open_growing(table_path) as table:
            num = _go_on(pixels, table, len(examples), channels)
            on_cached(num)
            rest = examples.subset(np.arange(num, len(examples)))
            photos = rest.map(partial(reduce, short_side=short_side))
            while batch := list(islice(photos, _AT_ONCE)):
                rows = []
                for photo in map(np.ascontiguousarray, batch):
                    pixels.write(photo.data)
                    rows.append((*photo.shape[:2], zlib.crc32(photo.data)))
                _to_disk(pixels)
                table.write(np.array(rows, "<u4").tobytes())
                _to_disk(table)
                num += len(batch)
                on_cached(num)
            table.seek(0)
            content = table.read()
            digest = hashlib.sha256(content).digest()
            pixels.write(content + _FOOTER.pack(_MAGIC, channels, short_side, num, digest))
            _to_disk(pixels)
    except BadInput:
        # mending or leaving out an unreadable photo makes other data of these, with a cache of their own
        pixels_path.unlink()
        table_path.unlink()
        raise
    pixels_path.replace(path)
    table_path.unlink()
    return CheckedPixels(path)


def _go_on(pixels: BinaryIO, table: BinaryIO, num: int, channels: int) -> int:
    """Cut both files behind the last intact photo, and return how many photos remain."""
    content = table.read(_ROW * num)
    rows = np.frombuffer(content[: len(content) // _ROW * _ROW], "<u4").reshape(-1, 3).tolist()
    left = os.fstat(pixels.fileno()).st_size
    num_whole, length = 0, 0
    for height, width, checksum in rows:
        num_bytes = height * width * channels
        if not 0 < num_bytes <= left or zlib.crc32(pixels.read(num_bytes)) != checksum:
            break
        num_whole, length, left = num_whole + 1, length + num_bytes, left - num_bytes
    table.truncate(table.seek(_ROW * num_whole))
    pixels.truncate(pixels.seek(length))
    return num_whole


def _to_disk(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())
