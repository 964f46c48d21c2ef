"""A score card applied: the same examples found in another copy of the data."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from easiness.data import Dataset, load_dataset, picture_digests
from easiness.errors import BadInput
from easiness.exports.score_card import DIGEST, SCORES, Card, open_card

if TYPE_CHECKING:
    import pandas as pd

_OF_THE_COPY = ("id", "label", "class")


@dataclass(frozen=True, eq=False)
class Applied:
    """Scores for the examples of another copy of the data that the card knows.

    ``table`` has a row for each of these, in the order of the copy: its own id, label and class, then
    ``card_id`` and the scores of the card. ``unknown`` are ids of the copy whose pixels the card does not
    have, ``num_missing`` examples of the card are not in the copy, and ``num_relabelled`` have another
    class there.
    """

    table: pd.DataFrame = field(repr=False)
    unknown: tuple[Any, ...] = field(repr=False)
    num_missing: int
    num_relabelled: int

    @property
    def text(self) -> str:
        """``9,990 of 10,000 examples found by their pixels; 10 are not in the card``."""
        num = len(self.table) + len(self.unknown)
        parts = [f"{len(self.table):,} of {num:,} examples found by their pixels"]
        if self.unknown:
            parts.append(f"{len(self.unknown):,} are not in the card (such as {self.unknown[0]})")
        if self.num_missing:
            parts.append(f"{self.num_missing:,} of the card are not here")
        if self.num_relabelled:
            parts.append(f"{self.num_relabelled:,} have another class here")
        return "; ".join(parts)


def apply_card(card: str | Path, source: Any) -> Applied:
    """The scores of a card for the examples of another copy of the data, found by their pixels.

    Order, ids, file formats and folders may differ; pixels may not: an example whose picture was made
    smaller, cropped or compressed with loss is another one and gets no scores. Copies of one picture are
    told apart by their class, then taken in order.

    Args:
        card: the folder of a card.
        source: the copy: a `Dataset` or what `load_dataset` takes.

    Raises:
        BadInput: the card is damaged or without digests, the source cannot be read, or none of its pictures
            is in the card.
    """
    import pandas as pd

    opened = open_card(card)
    if not opened.document.has_digests:
        raise BadInput(f"{opened.path}: has no digests of pictures, so that examples cannot be found by them")
    scores = pd.read_parquet(opened.path / SCORES)
    data = source if isinstance(source, Dataset) else load_dataset(source)
    classes = np.array(data.classes, object)[data.labels]
    found = _found(scores, [one.tobytes().hex() for one in picture_digests(data)], classes.tolist())
    known = np.flatnonzero(found >= 0)
    if not len(known):
        raise BadInput(f"{data.name}: none of its {len(data):,} pictures is in {_what(opened)}; {_why(data)}")
    rows = scores.iloc[found[known]].reset_index(drop=True)
    relabelled = int((rows["class"].to_numpy() != classes[known]).sum())
    own = {"id": data.ids[known], "label": data.labels[known], "class": classes[known], "card_id": rows["id"]}
    table = pd.concat([pd.DataFrame(own), rows.drop(columns=[*_OF_THE_COPY, DIGEST])], axis=1)
    missing = len(scores) - len(np.unique(found[known]))
    return Applied(table, tuple(data.ids[np.flatnonzero(found < 0)].tolist()), missing, relabelled)


def _found(scores: pd.DataFrame, digests: Sequence[str], classes: Sequence[str]) -> npt.NDArray[np.int64]:
    """Rows of the card for each example of the copy, -1 where it has none; each is given once."""
    there = scores[DIGEST].tolist()
    exactly = list(zip(there, scores["class"].tolist(), strict=True))
    found = np.full(len(digests), -1, np.int64)
    taken = _take(exactly, list(zip(digests, classes, strict=True)), found, np.zeros(len(there), bool))
    _take(there, digests, found, taken)
    return found


def _take(
    there: Sequence[Hashable],
    here: Sequence[Hashable],
    found: npt.NDArray[np.int64],
    taken: npt.NDArray[np.bool_],
) -> npt.NDArray[np.bool_]:
    """Give examples that have no row yet the first one with their key that nobody has."""
    free: dict[Hashable, list[int]] = defaultdict(list)
    for row in np.flatnonzero(~taken)[::-1].tolist():
        free[there[row]].append(row)
    for at in np.flatnonzero(found < 0).tolist():
        rows = free.get(here[at])
        if rows:
            found[at] = rows.pop()
    taken[found[found >= 0]] = True
    return taken


def _what(card: Card) -> str:
    return f"the card {card.path} of {card.document.data or 'arrays'}"


def _why(data: Dataset) -> str:
    size = "" if data.scan.size is None else f" (here {data.scan.size[1]} x {data.scan.size[0]} pixels)"
    return f"pixels have to be the same{size}: give the data that it was made from"
