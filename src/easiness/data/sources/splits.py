"""From splits as a source finds them to a checked data set."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from easiness.data.checks import Ids, check_examples, check_held_out, check_ids
from easiness.data.dataset import Dataset
from easiness.data.sources.file_blobs import TextFiles
from easiness.inputs import IMAGE, Blobs, Encoded, InputKind, Positions, Source, Stored

# what a held-out split may be called, as folders and as the column of a table; the first that is there counts
HELD_OUT_NAMES = ("test", "val", "valid", "validation")
HELD_OUT_PREFIXES = ("test", "val")  # of files; "val" begins all but the first of those
HELD_OUT_ON_HUB = ("test", "validation", "val", "valid")  # where "validation" is what most call it


@dataclass(frozen=True, eq=False)
class Split:
    """A split as found: examples, ids and labels [K] in one order, labels still unchecked.

    In an error ``where`` names the split and ``name_at(i)`` the example at position i. Of encoded examples
    (`Blobs`) those at ``rows`` [K] are meant, by default all. ``unreadable`` names examples that were left
    out already. ``groups`` [K] are of one origin.
    """

    name: str
    where: str
    examples: Stored | Blobs | TextFiles
    ids: Ids
    labels: npt.NDArray[Any]
    name_at: Callable[[int], str]
    kind: InputKind = IMAGE
    unreadable: tuple[str, ...] = ()
    rows: Positions | None = None
    groups: npt.NDArray[np.object_] | None = None

    @property
    def positions(self) -> Positions:
        """The positions of the examples among all that are stored."""
        return np.arange(len(self.ids)) if self.rows is None else self.rows

    def readable(self) -> Split:
        """Without the examples that cannot be read, which are named, by their ids where these are texts."""
        if isinstance(self.examples, Blobs):
            unreadable = self.examples.unreadable(np.arange(len(self.examples)))
        elif isinstance(self.examples, TextFiles):
            unreadable = self.examples.unreadable()
        else:
            return self
        bad = np.isin(self.positions, unreadable)
        kept, by_id = np.flatnonzero(~bad), self.ids.dtype == object
        left_out = np.flatnonzero(bad).tolist()
        return replace(
            self,
            ids=self.ids[kept],
            labels=self.labels[kept],
            rows=self.positions[kept],
            name_at=lambda row: self.name_at(int(kept[row])),
            groups=None if self.groups is None else self.groups[kept],
            unreadable=tuple(str(self.ids[at]) if by_id else self.name_at(at) for at in left_out),
        )

    def stored(self, parts: Source) -> Stored:
        """The examples; ``parts`` are the encoded ones of all splits."""
        if isinstance(self.examples, Blobs):
            return Encoded(self.examples, self.positions, parts)
        return self.examples.stored(self.positions) if isinstance(self.examples, TextFiles) else self.examples


def dataset_of(
    name: str,
    source: str | None,
    splits: Sequence[Split],
    classes: Sequence[str] | None,
    *,
    skip_unreadable: bool = False,
    like: Dataset | None = None,
) -> Dataset:
    """The data set of the training split and a held-out one, with ``skip_unreadable`` without those examples.

    Without labels the classes are those of data that it is to be ``like``.
    """
    found = [split.readable() if skip_unreadable else split for split in splits]
    parts = Source(tuple((one.examples, one.positions) for one in found if isinstance(one.examples, Blobs)))
    names: tuple[str, ...] = () if like is None else like.classes
    made: list[Dataset] = []
    for at, one in enumerate(found):
        stored = one.stored(parts)
        check_ids(one.ids, len(stored), one.where, unique=at == 0)
        labels = one.labels
        if like is None and at == 0:
            labels, names = check_examples(labels, len(stored), classes, one.where, one.name_at)
        elif like is None:
            labels = check_held_out(labels, len(stored), len(names), one.where, one.name_at)
        made.append(
            Dataset(
                name=name,
                source=source,
                split=one.name,
                ids=one.ids,
                labels=labels,
                true_labels=labels,
                classes=names,
                stored=stored,
                unreadable=one.unreadable,
                kind=one.kind,
                groups=one.groups,
            )
        )
    return replace(made[0], held_out=made[1]) if len(made) > 1 else made[0]
