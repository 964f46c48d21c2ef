"""A score card applied: the same examples found in another copy of the data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from easiness.data import Dataset, load_dataset, value_digests
from easiness.errors import BadInput, shorten
from easiness.exports.score_card import DIGEST, FILES, SCORES, Card, damaged_card, open_card, read_scores
from easiness.regular_file import in_words
from easiness.studies.versions import renamed_classes

if TYPE_CHECKING:
    import pandas as pd

_OF_THE_COPY = ("id", "label", "class", "split")


@dataclass(frozen=True, eq=False)
class Applied:
    """Scores for the examples of another copy of the data that the card knows.

    ``table`` has a row for each of these, in the order of the copy, its training split first: its own id,
    label, class and ``split``, then ``card_id`` and ``card_split``, where it was found, and the scores of the
    card. A split is ``train`` or ``held_out``. ``unknown`` are ids of the copy whose values the card does not
    have, ``num_missing`` examples of the card are not in the copy. ``renamed`` are names of classes in the
    copy by those in the card, where others are called differently with just the same examples, and
    ``num_relabelled`` examples have another class beside these.
    """

    table: pd.DataFrame = field(repr=False)
    unknown: tuple[Any, ...] = field(repr=False)
    num_missing: int
    num_relabelled: int
    renamed: Mapping[str, str]

    @property
    def text(self) -> str:
        """``9,990 of 10,000 examples found by their values; 10 are not in the card``."""
        num = len(self.table) + len(self.unknown)
        parts = [f"{len(self.table):,} of {num:,} examples found by their values"]
        there = self.table["card_split"]
        held_out, moved = int((there == "held_out").sum()), int((there != self.table["split"]).sum())
        if held_out:
            parts.append(f"{held_out:,} of them are in the held-out split of the card")
        if moved:
            parts.append(f"{moved:,} of them are in the other split here")
        if self.unknown:
            parts.append(f"{len(self.unknown):,} are not in the card (such as {self.unknown[0]})")
        if self.num_missing:
            parts.append(f"{self.num_missing:,} of the card are not here")
        if self.renamed:
            others = [f"{was} is {name}" for was, name in self.renamed.items()]
            parts.append(f"classes with other names here: {shorten(others)}")
        if self.num_relabelled:
            parts.append(f"{self.num_relabelled:,} have another class here")
        return "; ".join(parts)


def apply_card(card: str | Path, source: Any) -> Applied:
    """The scores of a card for the examples of another copy of the data, found by their decoded values.

    Order, ids, file formats and folders may differ; pixels may not: an example whose picture was made
    smaller, cropped or compressed with loss is another one and gets no scores. Copies of one picture are
    told apart by their class and split, then by their class, then taken in order.

    Both splits of the copy are looked for in both of the card: scores of examples held out are of networks
    that never saw them, and not to be compared with the others.

    Args:
        card: the folder of a card.
        source: the copy: a `Dataset` or what `load_dataset` takes.

    Raises:
        BadInput: the card is damaged or without digests, the source cannot be read, or none of its examples
            is in the card.
    """
    import pandas as pd

    opened = open_card(card)
    if not opened.document.has_digests:
        raise BadInput(f"{opened.path}: has no digests to find examples by; join {SCORES} by id")
    scores = _scores(opened)
    data = source if isinstance(source, Dataset) else load_dataset(source)
    own = pd.concat([_examples(part, name) for name, part in data.splits.items()], ignore_index=True)
    found = _found(scores, own)
    known = np.flatnonzero(found >= 0)
    if not len(known):
        raise BadInput(
            f"{data.name}: none of its {len(own):,} {data.kind.nouns} is in {_what(opened)}; {_why(data)}"
        )
    rows = scores.iloc[found[known]].reset_index(drop=True)
    named = own.drop(columns=DIGEST).iloc[known].reset_index(drop=True)
    there, here = (table["class"].to_numpy(object) for table in (rows, named))
    renamed = renamed_classes(there, here, sorted(set(scores["class"])), data.classes)
    relabelled = int((np.array([renamed.get(name, name) for name in there], object) != here).sum())
    named["card_id"], named["card_split"] = rows["id"], rows["split"]
    table = pd.concat([named, rows.drop(columns=[*_OF_THE_COPY, DIGEST])], axis=1)
    missing = len(scores) - len(np.unique(found[known]))
    return Applied(
        table, tuple(own["id"].iloc[np.flatnonzero(found < 0)].tolist()), missing, relabelled, renamed
    )


def _scores(card: Card) -> pd.DataFrame:
    """The rows of both splits of a card, as far as they have digests."""
    import pandas as pd

    parts = []
    for split, name in FILES.items():
        if name in card.document.files:
            part = read_scores(card.path / name, _num_examples(card, split))
            if DIGEST in part:
                parts.append(part.assign(split=split))
    if not parts:
        raise damaged_card(card.path / SCORES)
    return pd.concat(parts, ignore_index=True)


def _num_examples(card: Card, split: str) -> int | None:
    if split == "train":
        return card.document.num_examples
    return None if card.document.held_out is None else card.document.held_out.num_examples


def _examples(data: Dataset, split: str) -> pd.DataFrame:
    """Id, label, class, split and digest of the examples of a split of the copy."""
    import pandas as pd

    columns = {"id": data.ids, "label": data.labels, "class": np.array(data.classes, object)[data.labels]}
    return pd.DataFrame(columns).assign(
        split=split, **{DIGEST: [one.tobytes().hex() for one in value_digests(data)]}
    )


def _found(scores: pd.DataFrame, own: pd.DataFrame) -> npt.NDArray[np.int64]:
    """Rows of the card for each example of the copy, in order, -1 where it has none; each is given once."""
    found = np.full(len(own), -1, np.int64)
    for keys in ([DIGEST, "class", "split"], [DIGEST, "class"], [DIGEST]):
        left = own.loc[found < 0, keys].rename_axis("at")
        free = scores.loc[~scores.index.isin(found), keys].rename_axis("row")
        left, free = (one.assign(nth=one.groupby(keys).cumcount()).reset_index() for one in (left, free))
        pairs = left.merge(free, on=[*keys, "nth"])
        found[pairs["at"]] = pairs["row"]
    return found


def _what(card: Card) -> str:
    return f"the card {in_words(card.path)} of {card.document.data or 'arrays'}"


def _why(data: Dataset) -> str:
    shape = data.traits.shape
    here = "" if shape is None else f" (here {data.kind.looks(shape).removeprefix(', ')})"
    return f"{data.kind.values} have to be the same{here}: give the data that it was made from"
