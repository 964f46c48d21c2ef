"""From splits as a source finds them to a checked data set."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from easiness.data.checks import Ids, check_examples, check_held_out
from easiness.data.dataset import Dataset
from easiness.inputs import Blobs, EncodedImages, Positions, Source, StoredImages

# what a held-out split may be called, as folders and as the column of a table; the first that is there counts
HELD_OUT_NAMES = ("test", "val", "valid", "validation")
HELD_OUT_PREFIXES = ("test", "val")  # of files; "val" begins all but the first of those
HELD_OUT_ON_HUB = ("test", "validation", "val", "valid")  # where "validation" is what most call it


@dataclass(frozen=True, eq=False)
class Split:
    """A split as found: pictures, ids and labels [K] in one order, labels still unchecked.

    In an error ``where`` names the split and ``name_at(i)`` the example at position i; ``unreadable`` names
    the pictures that were left out.
    """

    name: str
    where: str
    stored: StoredImages
    ids: Ids
    labels: npt.NDArray[Any]
    name_at: Callable[[int], str]
    unreadable: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class EncodedSplit:
    """A split of encoded pictures as found, the unreadable ones among them."""

    name: str
    where: str
    blobs: Blobs
    ids: Ids
    labels: npt.NDArray[Any]


def checked_dataset(
    name: str, source: str | None, train: Split, held_out: Split | None, *, classes: Sequence[str] | None
) -> Dataset:
    """The data set of these splits.

    Raises:
        BadInput: labels, ids or classes are wrong: see `check_examples` and `check_held_out`.
    """
    labels, names = check_examples(
        train.labels,
        train.ids,
        num_images=len(train.stored),
        classes=classes,
        where=train.where,
        name=train.name_at,
    )
    dataset = _dataset(name, source, train, labels, names)
    if held_out is None:
        return dataset
    labels = check_held_out(
        held_out.labels,
        num_images=len(held_out.stored),
        num_classes=len(names),
        where=held_out.where,
        name=held_out.name_at,
    )
    return replace(dataset, held_out=_dataset(name, source, held_out, labels, names))


def encoded_dataset(
    name: str,
    source: str | None,
    train: EncodedSplit,
    held_out: EncodedSplit | None,
    *,
    classes: Sequence[str] | None,
    skip_unreadable: bool,
) -> Dataset:
    """The data set of these splits, without the unreadable pictures if so asked.

    Raises:
        BadInput: labels, ids or classes are wrong.
    """
    splits = [train] if held_out is None else [train, held_out]
    kept = [_kept(split, skip_unreadable) for split in splits]
    source_images = Source(tuple((split.blobs, k) for split, k in zip(splits, kept, strict=True)))
    found = [_readable(split, k, source_images) for split, k in zip(splits, kept, strict=True)]
    return checked_dataset(name, source, found[0], found[1] if len(found) > 1 else None, classes=classes)


def _readable(split: EncodedSplit, kept: Positions, source: Source) -> Split:
    return Split(
        name=split.name,
        where=split.where,
        stored=EncodedImages(split.blobs, kept, source),
        ids=split.ids[kept],
        labels=split.labels[kept],
        name_at=lambda row: split.blobs.name(int(kept[row])),
        unreadable=_names(split, np.setdiff1d(np.arange(len(split.blobs)), kept)),
    )


def _names(split: EncodedSplit, positions: Positions) -> tuple[str, ...]:
    """What to call the pictures at ``positions`` to a person: their ids where these are paths."""
    told = split.ids.dtype == object
    return tuple(str(split.ids[at]) if told else split.blobs.name(at) for at in positions.tolist())


def _kept(split: EncodedSplit, skip_unreadable: bool) -> Positions:
    everything = np.arange(len(split.blobs))
    return np.setdiff1d(everything, split.blobs.unreadable()) if skip_unreadable else everything


def _dataset(
    name: str, source: str | None, split: Split, labels: npt.NDArray[np.int64], classes: tuple[str, ...]
) -> Dataset:
    return Dataset(
        name=name,
        source=source,
        split=split.name,
        ids=split.ids,
        labels=labels,
        true_labels=labels,
        classes=classes,
        stored=split.stored,
        unreadable=split.unreadable,
    )
