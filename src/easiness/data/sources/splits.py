"""From splits as a source finds them to a checked data set."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from easiness.data.checks import Ids, check_examples, check_held_out, check_unicode
from easiness.data.dataset import Dataset
from easiness.gate import check_names
from easiness.inputs import IMAGE, Blobs, Encoded, InputKind, Positions, Source, Stored

# what a held-out split may be called, as folders and as the column of a table; the first that is there counts
HELD_OUT_NAMES = ("test", "val", "valid", "validation")
HELD_OUT_PREFIXES = ("test", "val")  # of files; "val" begins all but the first of those
HELD_OUT_ON_HUB = ("test", "validation", "val", "valid")  # where "validation" is what most call it


@dataclass(frozen=True, eq=False)
class Split:
    """A split as found: examples, ids and labels [K] in one order, labels still unchecked.

    In an error ``where`` names the split and ``name_at(i)`` the example at position i; ``unreadable`` names
    the examples that were left out.
    """

    name: str
    where: str
    stored: Stored
    ids: Ids
    labels: npt.NDArray[Any]
    name_at: Callable[[int], str]
    unreadable: tuple[str, ...] = ()
    kind: InputKind = IMAGE


@dataclass(frozen=True, eq=False)
class EncodedSplit:
    """A split of encoded examples as found, the unreadable ones among them."""

    name: str
    where: str
    blobs: Blobs
    ids: Ids
    labels: npt.NDArray[Any]
    kind: InputKind = IMAGE

    def kept(self, skip_unreadable: bool) -> Positions:
        """Positions of the examples, without the unreadable ones where these are skipped."""
        everything = np.arange(len(self.blobs))
        return np.setdiff1d(everything, self.blobs.unreadable()) if skip_unreadable else everything

    def readable(self, kept: Positions, source: Source) -> Split:
        """The examples at positions ``kept``; the others are named, by their ids where these are paths."""
        left_out = np.setdiff1d(np.arange(len(self.blobs)), kept).tolist()
        by_path = self.ids.dtype == object
        return Split(
            name=self.name,
            where=self.where,
            stored=Encoded(self.blobs, kept, source),
            ids=self.ids[kept],
            labels=self.labels[kept],
            name_at=lambda row: self.blobs.name(int(kept[row])),
            unreadable=tuple(str(self.ids[at]) if by_path else self.blobs.name(at) for at in left_out),
            kind=self.kind,
        )


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
        num_examples=len(train.stored),
        classes=classes,
        where=train.where,
        name=train.name_at,
    )
    dataset = _dataset(name, source, train, labels, names)
    if held_out is None:
        return dataset
    check_unicode(held_out.ids, held_out.where)
    check_names(held_out.ids.tolist(), f"{held_out.where}: ids")
    labels = check_held_out(
        held_out.labels,
        num_examples=len(held_out.stored),
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
    """The data set of these splits, where ``skip_unreadable`` says so without the unreadable examples.

    Raises:
        BadInput: labels, ids or classes are wrong.
    """
    splits = [train] if held_out is None else [train, held_out]
    kept = [(split, split.kept(skip_unreadable)) for split in splits]
    parts = Source(tuple((split.blobs, positions) for split, positions in kept))
    found = [split.readable(positions, parts) for split, positions in kept]
    return checked_dataset(name, source, found[0], found[1] if held_out else None, classes=classes)


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
        kind=split.kind,
    )
