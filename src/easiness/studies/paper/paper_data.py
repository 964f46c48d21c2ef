"""The data sets that the paper is about, and which of them given data are."""

from __future__ import annotations

from typing import Literal, TypeAlias

from easiness.data import Dataset

Kind: TypeAlias = Literal["small", "photos", "other"]
"""CIFAR-10 (``small``), mini ImageNet (``photos``), or data of which the paper says nothing."""

_SOURCES: dict[str, Kind] = {"cifar10": "small", "mini-imagenet": "photos"}

_CIFAR10 = frozenset(
    {"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"}
)
_OF_MINI_IMAGENET = frozenset({"sea snake", "butternut squash"})  # ImageNet has them too


def kind_of(data: Dataset) -> Kind:
    """Which of them these are, as their source says.

    Files and arrays of the user's own do not say where they are from: those go by the names of the classes.
    """
    source = (data.source or "").partition(":")[0]
    if source in _SOURCES:
        return _SOURCES[source]
    names = set(data.classes)
    if names == _CIFAR10:
        return "small"
    return "photos" if names >= _OF_MINI_IMAGENET else "other"
