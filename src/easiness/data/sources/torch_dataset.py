"""Any map-style torch Dataset of (image, label); where it only names files, these are read directly."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from easiness.data.dataset import Dataset
from easiness.data.sources.file_blobs import FileBlobs, FileFacts
from easiness.data.sources.source import Source, SourceRequest, Split, dataset_of
from easiness.errors import BadInput, RunFailed, one_line
from easiness.inputs import (
    BOMB,
    IMAGE_FILES,
    Blobs,
    ImageHeader,
    ImageTraits,
    Pixels,
    Positions,
    Unreadable,
    decode_opened,
    decoder_warnings,
    header_of,
    pixel_digest,
    to_picture,
    track,
)
from easiness.own_process import wait_passively
from easiness.records import to_numpy

READ_TWICE = 8

INT64 = np.iinfo(np.int64)


class _ItemFacts(NamedTuple):
    header: ImageHeader
    digest: str
    label: int


def _with_channels(blob: Any, _: str, traits: ImageTraits) -> Pixels:
    """The pixels of an item, which stand for stored bytes."""
    pixels: Pixels = blob()
    return np.repeat(pixels, 3, axis=2) if traits.channels > pixels.shape[2] else pixels


class Items(Blobs):
    """All items of a Dataset, which is used only from the thread that asks."""

    reader = replace(IMAGE_FILES, in_threads=False, decode=_with_channels)

    def __init__(self, dataset: Any, what: str) -> None:
        self._dataset = dataset
        self._what = what
        self._length = length_of(dataset, what)
        self._seen: dict[int, _ItemFacts] = {}

    def __len__(self) -> int:
        return self._length

    def name(self, position: int) -> str:
        return f"item {position} of {self._what}"

    def blobs(self, positions: Positions) -> Iterator[Any]:
        return (partial(self._pixels, position) for position in positions.tolist())

    def headers(self, positions: Positions) -> Iterator[ImageHeader | None]:
        for position in track(positions.tolist(), self.reader.reading_headers, len(positions)):
            seen = self._seen_or_none(position)
            yield None if seen is None else seen.header

    def digests(self, positions: Positions) -> list[str]:
        return [self.seen(at).digest for at in track(positions.tolist(), self.reader.reading, len(positions))]

    def labels(self, positions: Positions) -> npt.NDArray[np.int64]:
        found = track(positions.tolist(), self.reader.reading, len(positions))
        return np.array([self.seen(at).label for at in found], np.int64)

    def unreadable(self, positions: Positions) -> Positions:
        told = track(positions.tolist(), self.reader.looking, len(positions))
        return np.array([at for at in told if self._seen_or_none(at) is None], np.int64)

    def seen(self, position: int) -> _ItemFacts:
        """Header, digest and label of an item, as it was when it was first read."""
        if position not in self._seen:
            self._seen[position] = self._look(position)
        return self._seen[position]

    def check(self, positions: Positions) -> None:
        for position in positions[:READ_TWICE].tolist():
            if self.seen(position) != self._look(position):
                raise BadInput(
                    f"{self.name(position)}: it is not the same when it is read again; take random "
                    "transforms out of the Dataset (training augments by itself)"
                )

    def _seen_or_none(self, position: int) -> _ItemFacts | None:
        try:
            return self.seen(position)
        except Unreadable:  # named when it is used; it may lie outside of the subset in use
            return None

    def _look(self, position: int) -> _ItemFacts:
        name = self.name(position)
        with decoder_warnings():
            picture, label = self._item(position)
            pixels, deep = _pixels(picture, name)
        header = ImageHeader(pixels.shape[0], pixels.shape[1], pixels.shape[2] == 1, deep)
        return _ItemFacts(header, pixel_digest(pixels.transpose(2, 0, 1)), _label(label, name))

    def _pixels(self, position: int) -> Pixels:
        return _pixels(self._item(position)[0], self.name(position))[0]

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


def length_of(dataset: Any, what: str) -> int:
    try:
        return len(dataset)
    except (Exception, SystemExit) as error:  # somebody else's code
        raise BadInput(
            f"{what}: its length is not to be had ({type(error).__name__}: {one_line(error)}); let __len__ "
            "return the number of its items"
        ) from None


def _pixels(picture: Any, name: str) -> tuple[Pixels, bool]:
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
CHANGES = ("transform", "target_transform", "transforms")  # the last of the others, or given alone


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
    """Refuse data without items or their number, such as an iterable Dataset or a DataLoader."""
    torch_data: Any = sys.modules.get("torch.utils.data")
    if is_map_style(source):
        return
    of_torch = torch_data is not None and isinstance(source, torch_data.IterableDataset)
    has_items, has_length = hasattr(source, "__getitem__"), hasattr(source, "__len__")
    if of_torch or (has_items and not has_length) or (not has_items and hasattr(source, "__iter__")):
        raise BadInput(
            f"{type(source).__name__}: it can only be iterated or has no __len__, and an example needs an "
            "identity to be measured over epochs and trials; give a Dataset with __len__ and __getitem__"
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
    """The items (image, label) of a map-style torch Dataset or a list, and of another that is held out."""
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
    splits = [found for part in parts if (found := part.files())]
    if len(splits) == len(parts):
        return dataset_of(name, source, splits, classes, skip_unreadable=skip_unreadable)
    return dataset_of(name, source, [part.read(skip_unreadable) for part in parts], classes)


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
            raise BadInput(
                f"{what}: index {outside[0]} is outside of the {num} items that it is taken from; give "
                "indices of these"
            )

    def files(self) -> Split | None:
        listed = _listed_files(self.base)
        if listed is None:
            return None
        root, files, labels = listed
        chosen = range(len(files)) if self.indices is None else self.indices.tolist()
        blobs = FileBlobs(root, [files[i] for i in chosen], FileFacts(root), IMAGE_FILES)
        own = np.array([labels[i] for i in chosen], np.int64)
        return Split(self.split, self.what, blobs, np.arange(len(chosen)), own, blobs.name)

    def read(self, skip_unreadable: bool) -> Split:
        items = Items(self.dataset, self.what)
        every = np.arange(len(items))
        bad = items.unreadable(every) if skip_unreadable else every[:0]
        kept = np.setdiff1d(every, bad)
        items.check(kept)
        return Split(
            name=self.split,
            where=self.what,
            examples=items,
            ids=kept,
            labels=items.labels(kept),
            name_at=lambda row: items.name(int(kept[row])),
            unreadable=tuple(map(items.name, bad.tolist())),
            rows=kept,
        )


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


def _listed_files(dataset: Any) -> tuple[Path, list[str], list[int]] | None:
    """A root, files relative to it (absolute where they lie elsewhere), and the label of each.

    These are of a Dataset that reads them with torchvision's loader and changes nothing: a `DatasetFolder`,
    classes derived from it that get their items in the same way (`ImageFolder`, `ImageNet`, ...), and
    torchvision's other Datasets with such a list.
    """
    folder: Any = sys.modules.get("torchvision.datasets.folder")
    if folder is None or any(getattr(dataset, name, None) is not None for name in CHANGES):
        return None
    loader = getattr(dataset, "loader", getattr(dataset, "_loader", None))
    if loader is not None and loader not in [getattr(folder, name) for name in LOADERS]:
        return None
    found: Iterable[tuple[Any, Any]] = ()
    if isinstance(dataset, folder.DatasetFolder):
        if type(dataset).__getitem__ is folder.DatasetFolder.__getitem__:
            found = dataset.samples
    elif type(dataset).__module__.startswith("torchvision.datasets."):
        if hasattr(dataset, "_image_files") and hasattr(dataset, "_labels"):
            found = zip(dataset._image_files, dataset._labels, strict=True)
        found = getattr(dataset, "_samples", getattr(dataset, "imgs", found))
    pairs = [(path, label) for path, label in found if isinstance(label, int | np.integer)]
    if not pairs or len(pairs) != len(dataset) or any(abs(int(label)) >= 2**63 for _, label in pairs):
        return None
    root = Path(os.path.abspath(dataset.root))  # noqa: PTH100 - resolves ".." but no links
    files = [Path(os.path.abspath(path)) for path, _ in pairs]  # noqa: PTH100
    named = [one.relative_to(root).as_posix() if one.is_relative_to(root) else str(one) for one in files]
    return root, named, [int(label) for _, label in pairs]


SECONDS_TO_WAIT = 30.0  # for the next bytes of a download


@dataclass(frozen=True)
class NamedSet:
    """A class of `torchvision.datasets`, how its splits are request for, and what is special about it."""

    class_name: str
    train: dict[str, Any] = field(default_factory=dict)
    held_out: dict[str, Any] | None = None
    downloads: bool = True
    mirrored: bool = True
    """Does a picture keep its class when it is mirrored?"""


def _flag(class_name: str, **more: Any) -> NamedSet:
    return NamedSet(class_name, {"train": True}, {"train": False}, **more)


def _split(class_name: str, train: str = "train", held_out: str = "test", **more: Any) -> NamedSet:
    return NamedSet(class_name, {"split": train}, {"split": held_out}, **more)


# Image classification with labels 0, 1, ... Left out are sets in which order and with it the ids are those
# of the file system (INaturalist, Omniglot, SUN397), and those with classes that have no example.
SETS = {
    "caltech101": NamedSet("Caltech101"),
    "caltech256": NamedSet("Caltech256"),
    "cifar10": _flag("CIFAR10"),
    "cifar100": _flag("CIFAR100"),
    "country211": _split("Country211"),
    "dtd": _split("DTD"),
    "eurosat": NamedSet("EuroSAT"),
    "fashionmnist": _flag("FashionMNIST"),
    "fer2013": NamedSet("FER2013", {"split": "train"}, downloads=False),  # its test labels may be missing
    "fgvcaircraft": _split("FGVCAircraft", "trainval"),
    "flowers102": _split("Flowers102"),
    "food101": _split("Food101"),
    "gtsrb": _split("GTSRB", mirrored=False),
    "imagenet": _split("ImageNet", held_out="val", downloads=False),
    "imagenette": _split("Imagenette", held_out="val"),
    "kmnist": _flag("KMNIST", mirrored=False),
    "mnist": _flag("MNIST", mirrored=False),
    "oxfordiiitpet": _split("OxfordIIITPet", "trainval"),
    "pcam": _split("PCAM"),
    "places365": _split("Places365", "train-standard", "val"),
    "qmnist": _flag("QMNIST", mirrored=False),
    "renderedsst2": _split("RenderedSST2"),
    "semeion": NamedSet("SEMEION", mirrored=False),
    "stanfordcars": _split("StanfordCars", downloads=False),
    "stl10": _split("STL10"),
    "svhn": _split("SVHN", mirrored=False),
    "usps": _flag("USPS", mirrored=False),
}


def load_torchvision(request: SourceRequest) -> Dataset:
    """The data set of `SETS` that a request names, as torchvision reads it."""
    name, download = request.text, request.download
    entry = SETS[name]
    if request.options.data_root is None:
        raise BadInput(f"{name}: a data set of torchvision; say where it lies with --data-root")
    root = Path(request.options.data_root)
    if download and not entry.downloads:
        raise BadInput(
            f"{name}: torchvision cannot download it; put it in {root} as {entry.class_name} in its "
            "documentation says, and leave out --download"
        )
    if not download and not root.is_dir():
        raise BadInput(f"{root}: no such folder; give the --data-root that holds {name}{_or_download(entry)}")
    train = _open(entry, name, entry.train, root, download)
    held_out, held_out_name = None, ""
    if entry.held_out is not None:
        held_out = _open(entry, name, entry.held_out, root, download)
        held_out_name = str(entry.held_out.get("split", "test"))
    dataset = load_map_style(
        train,
        held_out=held_out,
        held_out_name=held_out_name,
        skip_unreadable=request.options.skip_unreadable,
        name=name,
        source=name,
    )
    return dataset if entry.mirrored else replace(dataset, recipe_changes={"flip": 0.0})


def _open(entry: NamedSet, name: str, split: dict[str, Any], root: Path, download: bool) -> Any:
    wait_passively()
    import torchvision

    arguments = {**split, "download": download} if entry.downloads else split
    try:
        with contextlib.redirect_stdout(sys.stderr), _answered_within(SECONDS_TO_WAIT):
            return getattr(torchvision.datasets, entry.class_name)(str(root), **arguments)
    except Exception as error:  # whatever is wrong with the files, or on the way to them
        if download:
            raise RunFailed(f"{name}: it cannot be downloaded to {root} ({one_line(error)})") from error
        raise BadInput(
            f"{root}: torchvision finds no {name} there ({one_line(error)}); give the --data-root that "
            f"holds it{_or_download(entry)}"
        ) from None


@contextlib.contextmanager
def _answered_within(seconds: float) -> Iterator[None]:
    """Connections made in the block give up where nothing comes for so long; torchvision never does."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _or_download(entry: NamedSet) -> str:
    return ", or use --download" if entry.downloads else ""


TORCHVISION = Source(
    form="a torchvision name with --data-root",
    reads=lambda request: (
        request.text in SETS and (request.options.data_root is not None or not request.exists)
    ),
    load=load_torchvision,
    names=tuple(SETS),
)
