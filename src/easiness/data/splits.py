"""From splits of encoded pictures, as a source finds them, to a checked data set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from easiness.data.checks import Ids, check_examples, check_held_out
from easiness.data.dataset import Dataset
from easiness.data.encoded import Blobs, Channels, EncodedImages, Positions


@dataclass(frozen=True, eq=False)
class EncodedSplit:
    """A split as found: pictures, ids and labels [K] in one order, labels still unchecked."""

    name: str
    where: str
    blobs: Blobs
    ids: Ids
    labels: npt.NDArray[Any]


def encoded_dataset(
    name: str,
    source: str,
    train: EncodedSplit,
    held_out: EncodedSplit | None,
    *,
    classes: Sequence[str] | None,
    skip_unreadable: bool,
) -> Dataset:
    """The data set of these splits, without the unreadable pictures if so asked.

    Raises:
        BadInput: labels, ids or classes are wrong: see `check_examples` and `check_held_out`.
    """
    splits = [train] if held_out is None else [train, held_out]
    kept = [_kept(split, skip_unreadable) for split in splits]
    channels = Channels(tuple((split.blobs, k) for split, k in zip(splits, kept, strict=True)))

    def build(split: EncodedSplit, positions: Positions, known: Sequence[str] | None) -> Dataset:
        def name_at(row: int) -> str:
            return split.blobs.name(int(positions[row]))

        labels, ids, num = split.labels[positions], split.ids[positions], len(positions)
        if split is train:
            labels, names = check_examples(
                labels, ids, num_images=num, classes=known, where=split.where, name=name_at
            )
        else:
            assert known is not None
            names = tuple(known)
            labels = check_held_out(
                labels, num_images=num, num_classes=len(names), where=split.where, name=name_at
            )
        return Dataset(
            name=name,
            source=source,
            split=split.name,
            ids=ids,
            labels=labels,
            true_labels=labels,
            classes=names,
            stored=EncodedImages(split.blobs, positions, channels),
            num_unreadable=len(split.blobs) - num,
        )

    dataset = build(train, kept[0], classes)
    if held_out is None:
        return dataset
    return replace(dataset, held_out=build(held_out, kept[1], dataset.classes))


def _kept(split: EncodedSplit, skip_unreadable: bool) -> Positions:
    everything = np.arange(len(split.blobs))
    return np.setdiff1d(everything, split.blobs.unreadable()) if skip_unreadable else everything
