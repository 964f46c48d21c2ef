"""Any map-style torch Dataset of (image, label); where it only names files, these are read directly."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from easiness.data.dataset import Dataset
from easiness.data.sources.file_blobs import FileBlobs
from easiness.data.sources.file_facts import FileFacts
from easiness.data.sources.splits import Split, dataset_of
from easiness.errors import BadInput, one_line
from easiness.inputs import (
    BOMB,
    IMAGE_FILES,
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
from easiness.records import to_numpy

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


LOADERS = ("default_loader", "pil_loader", "accimage_loader")
Listed = tuple[Path, list[str], list[int]]
"""A root, files relative to it (absolute where they lie elsewhere), and the label of each."""


def is_map_style(source: object) -> bool:
    """Is this a map-style Dataset: items and a length, and no array, table or mapping?"""
    torch_data: Any = sys.modules.get("torch.utils.data")
    if torch_data is not None and isinstance(source, torch_data.Dataset):
        return hasattr(source, "__len__") and not isinstance(source, torch_data.IterableDataset)
    return (
        hasattr(source, "__len__")
        and hasattr(source, "__getitem__")
        and not any(hasattr(source, name) for name in ("keys", "dtype", "dtypes"))
        and not isinstance(source, str | bytes | tuple | list)
    ) or is_item_list(source)


def is_item_list(source: object) -> bool:
    """Is this a list (or tuple) of items (image, label), and not a pair of arrays?

    Of two parts, which could be either, the label of the first must be a single value, and it no text: two
    texts beside two labels are a pair.
    """
    if not isinstance(source, tuple | list) or not source:
        return False
    if not all(isinstance(item, tuple | list) and len(item) == 2 for item in source):
        return False
    example, label = source[0]
    if len(source) == 2 and isinstance(example, str):
        return False
    is_single = label is None or isinstance(label, int | float | str) or getattr(label, "ndim", None) == 0
    return len(source) != 2 or is_single


def refuse_iterable(source: object) -> None:
    """Refuse data that can only be iterated over, such as an iterable Dataset or a DataLoader."""
    torch_data: Any = sys.modules.get("torch.utils.data")
    if is_map_style(source):
        return
    has_items = hasattr(source, "__getitem__")
    if torch_data is not None and isinstance(source, torch_data.IterableDataset):
        has_items = False  # the class has the method, and no items
    elif has_items and not hasattr(source, "__len__"):
        raise BadInput(
            f"{type(source).__name__}: it has no __len__, so it is not known how many items there are; add "
            "one that returns their number"
        )
    if hasattr(source, "__iter__") and not has_items:
        raise BadInput(
            f"{type(source).__name__}: it can only be iterated, and an example needs an identity to be "
            "measured over epochs and trials; give a Dataset with __len__ and __getitem__"
        )


def load_map_style(
    dataset: Any,
    *,
    held_out: Any = None,
    held_out_name: str = "test",
    classes: Sequence[str] | None = None,
    skip_unreadable: bool = False,
    name: str | None = None,
    source: str | None = None,
) -> Dataset:
    """The items (image, label) of a map-style torch Dataset or a list, and of another that is held out.

    Images are PIL images, or arrays or tensors of one image, uint8 or floats in [0, 1]; labels are
    integers. Ids are positions. Class names are ``classes``, else the ``classes`` of the Dataset. Labels
    are its ``targets`` where it has them, else every item is read once. A `torch.utils.data.Subset` has
    the names, targets and files of what it is taken from. Where all that the Datasets do is to read files
    (`listed_files`), the files are used.
    """
    name = name or type(_base(dataset)[0]).__name__
    parts = [_Part(dataset, "train", source or type(dataset).__name__)]
    if held_out is not None:
        parts.append(_Part(held_out, held_out_name, f"{source or type(held_out).__name__} ({held_out_name})"))
    if classes is None:
        classes = parts[0].classes
        if len({part.classes for part in parts if part.classes is not None}) > 1:
            raise BadInput(
                f"{parts[1].what}: its class names differ from those of {parts[0].what}; give both the same"
            )
    files = [part.files() for part in parts]
    splits = [one for one in files if one is not None]
    if len(splits) < len(parts):
        splits = [part.read(skip_unreadable) for part in parts]
    return dataset_of(name, source, splits, classes, skip_unreadable=skip_unreadable)


class _Part:
    """A Dataset as given, and what is known about it without reading its items."""

    def __init__(self, dataset: Any, split: str, what: str) -> None:
        self.dataset = dataset
        self.split = split
        self.what = what
        self.base, self.indices = _base(dataset)
        self._check_indices()
        self.classes = _class_names(self.base)

    def files(self) -> Split | None:
        """The files, where the Dataset is no more than a list of them."""
        listed = listed_files(self.base)
        if listed is None:
            return None
        root, files, labels = listed
        chosen = range(len(files)) if self.indices is None else self.indices.tolist()
        blobs = FileBlobs(root, [files[i] for i in chosen], FileFacts(root), IMAGE_FILES)
        return Split(
            name=self.split,
            where=self.what,
            examples=blobs,
            ids=np.arange(len(chosen)),
            labels=np.array([labels[i] for i in chosen], np.int64),
            name_at=blobs.name,
        )

    def read(self, skip_unreadable: bool) -> Split:
        """The items."""
        items = Items(self.dataset, self.what)
        items.expected = self._targets(len(items))
        kept = items.readable() if skip_unreadable else np.arange(len(items))
        try:
            if len(kept):
                items.check_stable(kept)
            labels = items.labels(kept) if items.expected is None else items.expected[kept]
        except Unreadable as error:
            unreadable = map(items.name, np.setdiff1d(kept, items.readable()).tolist())
            others = [name for name in unreadable if name != error.name]
            raise Unreadable(error.name, error.reason, others) from None
        return Split(
            name=self.split,
            where=self.what,
            examples=ItemImages(items, kept),
            ids=kept,
            labels=labels,
            name_at=lambda row: items.name(int(kept[row])),
            unreadable=tuple(items.name(at) for at in sorted(set(range(len(items))) - set(kept.tolist()))),
        )

    def _check_indices(self) -> None:
        if self.indices is None:
            return
        num = length_of(self.base, self.what)
        outside = self.indices[(self.indices < -num) | (self.indices >= num)]
        if len(outside):
            raise BadInput(
                f"{self.what}: index {outside[0]} is outside of the {num} items that it is taken from; give "
                "indices of these"
            )

    def _targets(self, num: int) -> npt.NDArray[np.int64] | None:
        """Its ``targets`` where these are one integer per item, not changed on the way to the item."""
        changes = [getattr(self.base, f"{name}transform", None) for name in ("target_", "")]
        joint = getattr(self.base, "transforms", None) is not None and changes[1] is None
        if changes[0] is not None or joint:
            return None
        try:
            targets = to_numpy(self.base.targets)
        except (AttributeError, TypeError, ValueError):
            return None
        if targets.ndim != 1 or targets.dtype.kind not in "iu":
            return None
        if len(targets) != length_of(self.base, self.what) or (targets > INT64.max).any():
            return None
        targets = targets.astype(np.int64)
        targets = targets if self.indices is None else targets[self.indices]
        return targets if len(targets) == num else None


def _base(dataset: Any) -> tuple[Any, Positions | None]:
    """The Dataset that a `torch.utils.data.Subset` (of a Subset ...) is taken from, and positions in it."""
    subset: Any = getattr(sys.modules.get("torch.utils.data"), "Subset", None)
    indices = None
    while subset is not None and type(dataset) is subset:
        inner = np.asarray(dataset.indices, np.int64)
        indices = inner if indices is None else inner[indices]
        dataset = dataset.dataset
    return dataset, indices


def _class_names(dataset: Any) -> tuple[str, ...] | None:
    """The ``classes``; a tuple of synonyms becomes one name, and a name that repeats gets its label."""
    classes = getattr(dataset, "classes", None)
    if not isinstance(classes, list | tuple) or not classes:
        return None
    names = [
        ", ".join(c) if isinstance(c, tuple) and all(isinstance(n, str) for n in c) else c for c in classes
    ]
    if not all(isinstance(name, str) for name in names):
        return None
    counts = Counter(names)
    return tuple(name if counts[name] == 1 else f"{name} ({label})" for label, name in enumerate(names))


def listed_files(dataset: Any) -> Listed | None:
    """The files and labels of a Dataset that reads them with torchvision's loader and changes nothing.

    These are torchvision's `DatasetFolder` and classes derived from it that get their items in the same
    way (`ImageFolder`, `ImageNet`, ...), and torchvision's other Datasets with such a list.
    """
    folder: Any = sys.modules.get("torchvision.datasets.folder")
    pairs = [] if folder is None or not _only_loads(dataset, folder) else list(_pairs(dataset, folder))
    if (
        not pairs
        or len(pairs) != len(dataset)
        or not all(
            isinstance(path, str | os.PathLike)
            and isinstance(label, int | np.integer)
            and abs(int(label)) < 2**63
            for path, label in pairs
        )
    ):
        return None
    root = Path(os.path.abspath(dataset.root))  # noqa: PTH100 - resolves ".." but no links
    return root, [_from(root, path) for path, _ in pairs], [int(label) for _, label in pairs]


def _only_loads(dataset: Any, folder: Any) -> bool:
    changes = ("transform", "target_transform", "transforms")  # the last of the others, or given alone
    loader = getattr(dataset, "loader", getattr(dataset, "_loader", None))
    return all(getattr(dataset, name, None) is None for name in changes) and (
        loader is None or loader in [getattr(folder, name) for name in LOADERS]
    )


def _pairs(dataset: Any, folder: Any) -> Iterable[tuple[Any, Any]]:
    """(path, label) of each item, where a Dataset of torchvision's has such a list under one of its names."""
    pairs: Iterable[tuple[Any, Any]] = ()
    if isinstance(dataset, folder.DatasetFolder):
        if type(dataset).__getitem__ is folder.DatasetFolder.__getitem__:
            pairs = dataset.samples
    elif type(dataset).__module__.startswith("torchvision.datasets."):
        if hasattr(dataset, "_image_files") and hasattr(dataset, "_labels"):
            pairs = zip(dataset._image_files, dataset._labels, strict=True)
        pairs = getattr(dataset, "_samples", getattr(dataset, "imgs", pairs))
    return pairs


def _from(root: Path, path: str | os.PathLike[str]) -> str:
    absolute = Path(os.path.abspath(path))  # noqa: PTH100
    return absolute.relative_to(root).as_posix() if absolute.is_relative_to(root) else str(absolute)
