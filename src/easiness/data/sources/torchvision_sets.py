"""torchvision's data sets by name, from a local root."""

from __future__ import annotations

import contextlib
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from easiness.data.dataset import Dataset
from easiness.data.sources.source import Source, SourceRequest
from easiness.data.sources.torch_dataset import load_map_style
from easiness.errors import BadInput, RunFailed, one_line
from easiness.own_process import wait_passively

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


def load_torchvision(
    name: str, root: Path, *, download: bool = False, skip_unreadable: bool = False
) -> Dataset:
    """The data set ``name`` of `SETS` as torchvision reads it from the absolute path ``root``.

    Ids are positions. Where torchvision holds files, these are identified and decoded as they are.
    """
    entry = SETS[name]
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
        skip_unreadable=skip_unreadable,
        name=name,
        source=name,
    )
    return dataset if entry.mirrored else replace(dataset, recipe_changes={"flip": 0.0})


def _open(entry: NamedSet, name: str, split: dict[str, Any], root: Path, download: bool) -> Any:
    """The Dataset; torchvision itself unpickles some files, once they have the checksum it knows."""
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


def _load(request: SourceRequest) -> Dataset:
    root = request.options.data_root
    if root is None:
        raise BadInput(f"{request.text}: a data set of torchvision; say where it lies with --data-root")
    return load_torchvision(
        request.text, Path(root), download=request.download, skip_unreadable=request.options.skip_unreadable
    )


TORCHVISION = Source(
    form="a torchvision name with --data-root",
    reads=lambda request: (
        request.text in SETS and (request.options.data_root is not None or not request.exists)
    ),
    load=_load,
    names=tuple(SETS),
)
