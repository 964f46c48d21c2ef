"""The items of a map-style torch Dataset as pictures: read in order, and compared whenever read again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from easiness.errors import BadInput, one_line
from easiness.inputs import (
    BOMB,
    IMAGES,
    SIZES,
    UNREADABLE,
    ImageHeader,
    ImageTraits,
    Pixels,
    Positions,
    Stored,
    Unreadable,
    counted,
    decode_opened,
    decoder_warnings,
    header_of,
    pixel_digest,
    scan,
    to_picture,
)
from easiness.record import to_numpy

R = TypeVar("R")

READ_TWICE = 5
"""Items read a second time when a Dataset is loaded, spread evenly over it."""

INT64 = np.iinfo(np.int64)


class _Seen(NamedTuple):
    header: ImageHeader
    digest: str
    label: int


def length_of(dataset: Any, what: str) -> int:
    """Number of items of a Dataset."""
    try:
        return len(dataset)
    except (Exception, SystemExit) as error:  # somebody else's code
        raise BadInput(
            f"{what}: its length is not to be had ({type(error).__name__}: {one_line(error)}); let __len__ "
            "return the number of its items"
        ) from None


class Items:
    """All items of a Dataset, and what was seen of each when it was first read.

    The Dataset is used only from the thread that asks, so that it need not be safe for several.
    """

    def __init__(self, dataset: Any, what: str) -> None:
        self._dataset = dataset
        self._what = what
        self._length = length_of(dataset, what)
        self._seen: dict[int, _Seen] = {}
        self.expected: npt.NDArray[np.int64] | None = None
        """Labels [K] that the items must have, where these are known without reading them."""

    def __len__(self) -> int:
        return self._length

    def name(self, position: int) -> str:
        """The item in words, for an error."""
        return f"item {position} of {self._what}"

    def read(self, position: int) -> Pixels:
        """Pixels [height, width, channels] of an item, grey ones with one channel."""
        name = self.name(position)
        with decoder_warnings():
            picture, label = self._item(position)
            pixels, deep = _pixels(picture, name)
        header = ImageHeader(pixels.shape[0], pixels.shape[1], pixels.shape[2] == 1, deep)
        seen = _Seen(header, pixel_digest(pixels.transpose(2, 0, 1)), _label(label, name))
        if self.expected is not None and seen.label != self.expected[position]:
            raise BadInput(
                f"{name}: its label is {seen.label} but targets[{position}] is {self.expected[position]}; "
                "make both the same"
            )
        if self._seen.setdefault(position, seen) != seen:
            raise BadInput(
                f"{name}: it is not the same when it is read again; take random transforms out of the "
                "Dataset (training augments by itself)"
            )
        return pixels

    def seen(self, position: int) -> _Seen:
        """ImageHeader, digest and label of an item, which is read where it was not yet."""
        if position not in self._seen:
            self.read(position)
        return self._seen[position]

    def check_length(self) -> None:
        """See before every pass that the length is what it was."""
        length = length_of(self._dataset, self._what)
        if length != self._length:
            raise BadInput(
                f"{self._what}: its length was {self._length} and is {length} now; give a Dataset that does "
                "not change"
            )

    def check_stable(self, positions: Positions) -> None:
        """Read a few of the items at ``positions`` twice."""
        self.check_length()
        chosen = positions[np.unique(np.linspace(0, len(positions) - 1, READ_TWICE).astype(int))]
        for position in chosen.tolist():
            self.seen(position)
        for position in chosen.tolist():
            self.read(position)

    def readable(self) -> Positions:
        """Positions of the items that can be read; every item is read for it."""
        self.check_length()
        kept = []
        for position in counted(range(len(self)), UNREADABLE, len(self)):
            try:
                self.seen(position)
            except Unreadable:
                continue
            kept.append(position)
        return np.array(kept, np.int64)

    @cached_property
    def scan(self) -> ImageTraits:
        """Channels and sizes of the pictures, which are read until these are certain."""
        self.check_length()
        found = scan(self._headers())
        if found is None:
            self.read(0)
            raise AssertionError("an item that could not be read was read")
        return found

    def _headers(self) -> Iterator[ImageHeader]:
        for position in counted(range(len(self)), SIZES, len(self)):
            try:
                yield self.seen(position).header
            except Unreadable:  # named when it is used; it may lie outside of the subset in use
                continue

    def labels(self, positions: Positions) -> npt.NDArray[np.int64]:
        """Labels of the items at ``positions``, which are read where they were not yet."""
        return np.array(
            [self.seen(p).label for p in counted(positions.tolist(), IMAGES, len(positions))], np.int64
        )

    def digests(self, positions: Positions) -> list[str]:
        """SHA-256 (hex) of shape and pixels of the items at ``positions``."""
        self.check_length()
        return [self.seen(p).digest for p in counted(positions.tolist(), IMAGES, len(positions))]

    def _item(self, position: int) -> tuple[Any, Any]:
        from PIL import Image

        name = self.name(position)
        try:
            item = self._dataset[position]
        except IndexError as error:
            raise BadInput(
                f"{name}: there is none ({one_line(error)}) though its length is {self._length}; make "
                "__len__ and __getitem__ agree"
            ) from None
        except (Image.DecompressionBombError, Image.DecompressionBombWarning):
            raise Unreadable(name, BOMB) from None
        except SystemExit as error:
            raise BadInput(
                f"{name}: its code ends the program (SystemExit: {one_line(error)}); let it raise another "
                "error"
            ) from None
        except Exception as error:  # somebody else's code, which reads files and decodes them
            raise Unreadable(name, f"{type(error).__name__}: {one_line(error)}") from None
        if not isinstance(item, tuple | list) or len(item) != 2:
            parts = f" of {len(item)} parts" if isinstance(item, tuple | list) else ""
            raise BadInput(f"{name}: a {type(item).__name__}{parts}; give a pair (image, label)")
        return item[0], item[1]


class ItemImages(Stored):
    """The pictures of ``items`` at ascending ``positions``."""

    def __init__(self, items: Items, positions: Positions) -> None:
        self._items = items
        self._positions = positions

    def __len__(self) -> int:
        return len(self._positions)

    @property
    def traits(self) -> ImageTraits:
        """Channels and sizes over the whole Dataset, of which pictures are read until that is certain."""
        return self._items.scan

    def subset(self, positions: Positions) -> ItemImages:
        """The pictures at ascending ``positions`` among these; nothing is read."""
        return ItemImages(self._items, self._positions[positions])

    def digests(self) -> list[str]:
        """SHA-256 (hex) of each picture's shape and pixels, as for arrays."""
        return self._items.digests(self._positions)

    def unreadable(self) -> list[int]:
        """Positions among these of the pictures that cannot be read; every item is read for it."""
        return np.flatnonzero(~np.isin(self._positions, self._items.readable())).tolist()

    def sizes(self) -> npt.NDArray[np.int64]:
        """(height, width) of each picture, [K, 2]."""
        self._items.check_length()
        return np.array([self._items.seen(p).header[:2] for p in self._positions.tolist()], np.int64)

    def map(self, function: Callable[[Pixels], R]) -> Iterator[R]:
        """``function`` of each picture, in order, one at a time."""
        channels = self.traits.channels
        self._items.check_length()
        for position in self._positions.tolist():
            pixels = self._items.read(position)
            yield function(np.repeat(pixels, 3, axis=2) if channels > pixels.shape[2] else pixels)

    def name(self, position: int) -> str:
        """The item's position in the Dataset."""
        return self._items.name(int(self._positions[position]))


def _pixels(picture: Any, name: str) -> tuple[Pixels, bool]:
    """The pixels of an item, and whether it has 16 bits per channel."""
    from PIL import Image

    if isinstance(picture, Image.Image):
        header = header_of(picture)
        return decode_opened(picture, name, 1 if header.grey else 3), header.deep
    if not hasattr(picture, "shape") or not hasattr(picture, "dtype"):
        raise BadInput(
            f"{name}: its image is a {type(picture).__name__}; give a PIL image, an array or a tensor"
        )
    return np.array(to_picture(to_numpy(picture), name).transpose(1, 2, 0), order="C"), False


def _label(label: Any, name: str) -> int:
    value: int | None = None
    if isinstance(label, int | np.integer) and not isinstance(label, bool):
        value = int(label)
    elif hasattr(label, "detach") or isinstance(label, np.ndarray):
        array = to_numpy(label)
        if array.ndim == 0 and array.dtype.kind in "iu":
            value = int(array)
    if value is not None:
        if not INT64.min <= value <= INT64.max:
            raise BadInput(f"{name}: label {value} is out of range; labels are 0, 1, 2, ...")
        return value
    raise BadInput(f"{name}: its label is a {type(label).__name__} ({label!r:.40}); give an integer")
