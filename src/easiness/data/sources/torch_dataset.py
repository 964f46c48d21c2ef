"""Any map-style torch Dataset of (image, label); where it only names files, these are read directly."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from easiness import inputs
from easiness.data.dataset import Dataset
from easiness.data.other_targets import are_tags
from easiness.data.sources.file_blobs import FileBlobs, FileFacts
from easiness.data.sources.source import Source, SourceRequest, Split, dataset_of
from easiness.data.tags import MISSING
from easiness.errors import BadInput, RunFailed, one_line
from easiness.inputs import IMAGE_FILES, Blobs, ImageHeader, Pixels, Positions, Unreadable
from easiness.lazy import Image, Integers
from easiness.own_process import wait_passively
from easiness.records import to_numpy

READ_TWICE = 8

INT64 = np.iinfo(np.int64)


class _Item(NamedTuple):
    """Facts on an item."""

    header: ImageHeader
    digest: str
    label: int | tuple[int, ...]


def _with_channels(blob: Any, _: str, traits: inputs.ImageTraits) -> Pixels:
    """The pixels of an item, which stand for stored bytes."""
    pixels: Pixels = blob()
    return np.repeat(pixels, 3, axis=2) if traits.channels > pixels.shape[2] else pixels


class Items(Blobs):
    """All items of a Dataset, which is used only from the thread that asks."""

    reader = replace(IMAGE_FILES, in_threads=False, decode=_with_channels)

    def __init__(self, dataset: Any, what: str) -> None:
        self._dataset, self._what, self._length = dataset, what, length_of(dataset, what)
        self._items: dict[int, _Item] = {}

    def __len__(self) -> int:
        return self._length

    def name(self, position: int) -> str:
        return f"item {position} of {self._what}"

    def blobs(self, positions: Positions) -> Iterator[Any]:
        return (partial(self._pixels, position) for position in positions.tolist())

    def headers(self, positions: Positions) -> Iterator[ImageHeader | None]:
        return (self._item(at).header for at in positions.tolist())

    def digests(self, positions: Positions) -> list[str]:
        return [self._item(at).digest for at in positions.tolist()]

    def labels(self, positions: Positions) -> Integers:
        places = inputs.track(positions.tolist(), self.reader.reading, len(positions))
        labels = [self._item(at).label for at in places]
        if len({np.shape(label) for label in labels}) > 1:
            raise BadInput(f"{self._what}: its items have different numbers of labels; give each as many")
        return np.array(labels, np.int64)

    def unreadable(self, positions: Positions) -> Positions:
        places = inputs.track(positions.tolist(), self.reader.looking, len(positions))
        return np.array([at for at in places if not self._is_readable(at)], np.int64)

    def check(self, positions: Positions) -> None:
        for position in positions[:READ_TWICE].tolist():
            if self._item(position) != self._look(position):
                remedy = "take random transforms out of the Dataset (training augments by itself)"
                raise BadInput(f"{self.name(position)}: it is not the same when it is read again; {remedy}")

    def _item(self, position: int) -> _Item:
        """The item as it was when it was first read."""
        if position not in self._items:
            self._items[position] = self._look(position)
        return self._items[position]

    def _is_readable(self, position: int) -> bool:
        try:
            self._item(position)
        except Unreadable:
            return False
        return True

    def _look(self, position: int) -> _Item:
        name = self.name(position)
        with inputs.decoder_warnings():
            picture, label = self._pair(position)
            pixels, deep = _pixels(picture, name)
        header = ImageHeader(pixels.shape[0], pixels.shape[1], pixels.shape[2] == 1, deep)
        (digest,) = inputs.ArrayImages(pixels.transpose(2, 0, 1)[None]).digests()
        return _Item(header, digest, _label(label, name))

    def _pixels(self, position: int) -> Pixels:
        return _pixels(self._pair(position)[0], self.name(position))[0]

    def _pair(self, position: int) -> tuple[Any, Any]:
        name = self.name(position)
        try:
            item = self._dataset[position]
        except IndexError as error:
            problem = f"there is none ({one_line(error)}) though its length is {self._length}"
            raise BadInput(f"{name}: {problem}; make __len__ and __getitem__ agree") from None
        except (Image.DecompressionBombError, Image.DecompressionBombWarning):
            raise Unreadable(name, inputs.BOMB) from None
        except SystemExit as error:
            problem = f"its code ends the program (SystemExit: {one_line(error)})"
            raise BadInput(f"{name}: {problem}; let it raise another error") from None
        except Exception as error:  # somebody else's code, which reads files and decodes them
            raise Unreadable(name, f"{type(error).__name__}: {one_line(error)}") from None
        if not isinstance(item, tuple | list) or len(item) != 2:
            parts = f" of {len(item)} parts" if isinstance(item, tuple | list) else ""
            raise BadInput(f"{name}: a {type(item).__name__}{parts}; give a pair (image, label)")
        return item[0], item[1]


def length_of(data: Any, what: str) -> int:
    try:
        return len(data)
    except (Exception, SystemExit) as error:  # somebody else's code
        problem = f"its length is not to be had ({type(error).__name__}: {one_line(error)})"
        raise BadInput(f"{what}: {problem}; let __len__ return the number of its items") from None


def _pixels(picture: Any, name: str) -> tuple[Pixels, bool]:
    if isinstance(picture, Image.Image):
        header = inputs.header_of(picture)
        return inputs.decode_opened(picture, name, 1 if header.grey else 3), header.deep
    if not hasattr(picture, "shape") or not hasattr(picture, "dtype"):
        kind = type(picture).__name__
        raise BadInput(f"{name}: its image is a {kind}; give a PIL image, an array or a tensor")
    return np.array(inputs.to_picture(to_numpy(picture), name).transpose(1, 2, 0), order="C"), False


def _label(label: Any, name: str) -> int | tuple[int, ...]:
    is_array = hasattr(label, "detach") or isinstance(label, np.ndarray)
    value = to_numpy(label)[()] if is_array else label  # a number of an array without axes
    if np.size(value) > 1 and are_tags(np.asarray(value)[None]):
        return tuple(MISSING if one != one else int(one) for one in value)
    if not isinstance(value, int | np.integer) or isinstance(value, bool):
        raise BadInput(f"{name}: its label is a {type(label).__name__} ({label!r:.40}); give an integer")
    if not INT64.min <= int(value) <= INT64.max:
        raise BadInput(f"{name}: label {value} is out of range; labels are 0, 1, 2, ...")
    return int(value)


LOADERS = ("default_loader", "pil_loader", "accimage_loader")
CHANGES = ("transform", "target_transform", "transforms")  # the last of the others, or given alone


def is_map_style(data: object) -> bool:
    """Is this a map-style Dataset: items and a length, and no array, table or mapping?"""
    torch_data: Any = sys.modules.get("torch.utils.data")
    if torch_data is not None and isinstance(data, torch_data.Dataset):
        return hasattr(data, "__len__") and not isinstance(data, torch_data.IterableDataset)
    return (
        hasattr(data, "__len__")
        and hasattr(data, "__getitem__")
        and not any(hasattr(data, name) for name in ("keys", "dtype", "dtypes"))
        and not isinstance(data, str | bytes | tuple | list)
    ) or is_item_list(data)


def is_item_list(data: object) -> bool:
    """Is this a list (or tuple) of items (image, label), and not a pair of arrays?

    Of two parts, which could be either, the label of the first must be a single value, and it no text: two
    texts beside two labels are a pair.
    """
    if not isinstance(data, tuple | list) or not data:
        return False
    if not all(isinstance(item, tuple | list) and len(item) == 2 for item in data):
        return False
    example, label = data[0]
    if len(data) == 2 and isinstance(example, str):
        return False
    is_single = label is None or isinstance(label, int | float | str) or getattr(label, "ndim", None) == 0
    return len(data) != 2 or is_single


def check_map_style(data: object, what: str, remedy: str) -> None:
    """Refuse data without items or their number, such as an iterable Dataset or a DataLoader."""
    torch_data: Any = sys.modules.get("torch.utils.data")
    if is_map_style(data):
        return
    of_torch = torch_data is not None and isinstance(data, torch_data.IterableDataset)
    has_items, has_length = hasattr(data, "__getitem__"), hasattr(data, "__len__")
    if of_torch or (has_items and not has_length) or (not has_items and hasattr(data, "__iter__")):
        problem = "it can only be iterated or has no __len__, and an example needs an identity"
        remedy = "give a Dataset with __len__ and __getitem__"
        raise BadInput(f"{type(data).__name__}: {problem}; {remedy}")
    raise BadInput(f"{what}: {remedy}")


def load_map_style(
    data: Any,
    *,
    held_out: Any = None,
    held_out_name: str = "test",
    classes: Sequence[str] | None = None,
    skip_unreadable: bool = False,
    name: str | None = None,
    source: str | None = None,
) -> Dataset:
    """The items (image, label) of a map-style torch Dataset or a list, and of another that is held out."""
    name = name or type(_base(data)[0]).__name__
    parts = [_Part(data, "train", source or type(data).__name__)]
    if held_out is not None:
        parts.append(_Part(held_out, held_out_name, f"{source or type(held_out).__name__} ({held_out_name})"))
    if classes is None:
        names = [part.classes for part in parts]
        if len({*names} - {None}) > 1:
            problem = f"its class names differ from those of {parts[0].what}"
            raise BadInput(f"{parts[1].what}: {problem}; give both the same")
        classes = names[0]
    splits = [split for part in parts if (split := part.files())]
    if len(splits) < len(parts):
        splits, skip_unreadable = [part.read(skip_unreadable) for part in parts], False
    return dataset_of(name, source, splits, classes, skip_unreadable=skip_unreadable)


class _Part:
    """A Dataset as given, and what is known about it without reading its items."""

    def __init__(self, dataset: Any, split: str, what: str) -> None:
        self.dataset, self.split, self.what = dataset, split, what
        self.base, self.indices = _base(dataset)
        self.classes = _class_names(self.base)
        if self.indices is None:
            return
        num = length_of(self.base, what)
        outside = self.indices[(self.indices < -num) | (self.indices >= num)]
        if len(outside):
            raise BadInput(f"{what}: index {outside[0]} is outside of the {num} items; give indices of these")

    def files(self) -> Split | None:
        listing = _listed_files(self.base)
        if listing is None:
            return None
        root, files, labels = listing
        positions = range(len(files)) if self.indices is None else self.indices.tolist()
        blobs = FileBlobs(root, [files[i] for i in positions], FileFacts(root), IMAGE_FILES)
        own = np.array([labels[i] for i in positions], np.int64)
        return Split(self.split, self.what, blobs, np.arange(len(positions)), own, blobs.name)

    def read(self, skip_unreadable: bool) -> Split:
        items = Items(self.dataset, self.what)
        every = np.arange(len(items))
        bad = items.unreadable(every) if skip_unreadable else every[:0]
        rows = np.setdiff1d(every, bad)
        items.check(rows)
        return Split(
            name=self.split,
            where=self.what,
            examples=items,
            ids=rows,
            labels=items.labels(rows),
            name_at=lambda row: items.name(int(rows[row])),
            unreadable=tuple(map(items.name, bad.tolist())),
            rows=rows,
        )


def _base(data: Any) -> tuple[Any, Positions | None]:
    """The Dataset that a `torch.utils.data.Subset` (of a Subset ...) is taken from, and positions in it."""
    subset: Any = getattr(sys.modules.get("torch.utils.data"), "Subset", None)
    indices = None
    while subset is not None and type(data) is subset:
        inner = np.asarray(data.indices, np.int64)
        indices = inner if indices is None else inner[indices]
        data = data.dataset
    return data, indices


def _class_names(data: Any) -> tuple[str, ...] | None:
    classes = getattr(data, "classes", None)
    if not isinstance(classes, list | tuple) or not classes:
        return None
    names = [
        ", ".join(c) if isinstance(c, tuple) and all(isinstance(n, str) for n in c) else c for c in classes
    ]
    if not all(isinstance(name, str) for name in names):
        return None
    counts = Counter(names)
    return tuple(name if counts[name] == 1 else f"{name} ({label})" for label, name in enumerate(names))


def _listed_files(data: Any) -> tuple[Path, list[str], list[int]] | None:
    """A root, files relative to it (absolute where they lie elsewhere), and the label of each.

    These are of a Dataset that reads them with torchvision's loader and changes nothing: a `DatasetFolder`,
    classes derived from it that get their items in the same way (`ImageFolder`, `ImageNet`, ...), and
    torchvision's other Datasets with such a list.
    """
    folder: Any = sys.modules.get("torchvision.datasets.folder")
    if folder is None or any(getattr(data, name, None) is not None for name in CHANGES):
        return None
    loader = getattr(data, "loader", getattr(data, "_loader", None))
    if loader is not None and loader not in [getattr(folder, name) for name in LOADERS]:
        return None
    samples: Iterable[tuple[Any, Any]] = ()
    if isinstance(data, folder.DatasetFolder):
        if type(data).__getitem__ is folder.DatasetFolder.__getitem__:
            samples = data.samples
    elif type(data).__module__.startswith("torchvision.datasets."):
        if hasattr(data, "_image_files") and hasattr(data, "_labels"):
            samples = zip(data._image_files, data._labels, strict=True)
        samples = getattr(data, "_samples", getattr(data, "imgs", samples))
    pairs = [(path, label) for path, label in samples if isinstance(label, int | np.integer)]
    if not pairs or len(pairs) != len(data) or any(abs(int(label)) >= 2**63 for _, label in pairs):
        return None
    root = Path(os.path.abspath(data.root))  # noqa: PTH100 - resolves ".." but no links
    files = [Path(os.path.abspath(path)) for path, _ in pairs]  # noqa: PTH100
    names = [one.relative_to(root).as_posix() if one.is_relative_to(root) else str(one) for one in files]
    return root, names, [int(label) for _, label in pairs]


SECONDS_TO_WAIT = 30.0  # for the next bytes of a download


class NamedSet(NamedTuple):
    """How the splits of a class of `torchvision.datasets` are asked for, and what is special about it."""

    train: bool | str | None = "train"
    held_out: bool | str | None = "test"
    downloads: bool = True
    flips: bool = True  # a picture keeps its class when it is mirrored


# Image classification with labels 0, 1, ... Left out are sets in which order and with it the ids are those
# of the file system (INaturalist, Omniglot, SUN397), and those with classes that have no example.
SETS = {
    **dict.fromkeys(("country211", "dtd", "flowers102", "food101", "pcam", "renderedsst2"), NamedSet()),
    **dict.fromkeys(("caltech101", "caltech256", "eurosat"), NamedSet(None, None)),
    **dict.fromkeys(("cifar10", "cifar100", "fashionmnist"), NamedSet(train=True, held_out=False)),
    **dict.fromkeys(("kmnist", "mnist", "qmnist", "usps"), NamedSet(train=True, held_out=False, flips=False)),
    **dict.fromkeys(("fgvcaircraft", "oxfordiiitpet"), NamedSet("trainval")),
    **dict.fromkeys(("gtsrb", "svhn"), NamedSet(flips=False)),
    "fer2013": NamedSet(held_out=None, downloads=False),  # its test labels may be missing
    "imagenet": NamedSet(held_out="val", downloads=False),
    "imagenette": NamedSet(held_out="val"),
    "places365": NamedSet("train-standard", "val"),
    "semeion": NamedSet(None, None, flips=False),
    "stanfordcars": NamedSet(downloads=False),
    "stl10": NamedSet(),
}


def load_torchvision(request: SourceRequest) -> Dataset:
    """The data set of `SETS` that a request names, as torchvision reads it."""
    name, download = request.text, request.download
    entry = SETS[name]
    if request.options.data_root is None:
        raise BadInput(f"{name}: a data set of torchvision; say where it lies with --data-root")
    root = Path(request.options.data_root)
    if download and not entry.downloads:
        remedy = f"put it in {root} as its documentation says, and leave out --download"
        raise BadInput(f"{name}: torchvision cannot download it; {remedy}")
    if not download and not root.is_dir():
        raise BadInput(f"{root}: no such folder; {_remedy(name)}")
    held_out = entry.held_out
    data = load_map_style(
        _open(name, entry.train, root, download),
        held_out=None if held_out is None else _open(name, held_out, root, download),
        held_out_name=held_out if isinstance(held_out, str) else "test",
        skip_unreadable=request.options.skip_unreadable,
        name=name,
        source=name,
    )
    return data if entry.flips else replace(data, recipe_changes={"flip": 0.0})


def _open(name: str, split: bool | str | None, root: Path, download: bool) -> Any:
    arguments = {} if split is None else {"split" if isinstance(split, str) else "train": split}
    arguments |= {"download": download} if SETS[name].downloads else {}
    before = socket.getdefaulttimeout()
    try:
        socket.setdefaulttimeout(SECONDS_TO_WAIT)  # torchvision itself waits without end
        with contextlib.redirect_stdout(sys.stderr):
            return class_of(name)(str(root), **arguments)
    except Exception as error:  # whatever is wrong with the files, or on the way to them
        if download:
            raise RunFailed(f"{name}: it cannot be downloaded to {root} ({one_line(error)})") from error
        problem = f"torchvision finds no {name} there ({one_line(error)})"
        raise BadInput(f"{root}: {problem}; {_remedy(name)}") from None
    finally:
        socket.setdefaulttimeout(before)


def class_of(name: str) -> Any:
    """The class of torchvision for a data set, whose name is the same in capitals and small letters."""
    wait_passively()
    from torchvision import datasets

    return next(getattr(datasets, one) for one in datasets.__all__ if one.lower() == name)


def _remedy(name: str) -> str:
    more = ", or use --download" if SETS[name].downloads else ""
    return f"give the --data-root that holds {name}{more}"


TORCHVISION = Source(
    form="a torchvision name with --data-root",
    reads=lambda request: (
        request.text in SETS and (request.options.data_root is not None or not request.exists)
    ),
    load=load_torchvision,
    names=tuple(SETS),
)
