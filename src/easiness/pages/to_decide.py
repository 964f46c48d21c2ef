"""Which examples are to be decided on in the page: the first suspects, or those of a file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from easiness.data import DRAWN, UNKNOWN, read_label_file, splits_in
from easiness.errors import BadInput
from easiness.pages.labels import SuspectLabels
from easiness.runs import decisions_on
from easiness.spec import Split
from easiness.store import Run

if TYPE_CHECKING:
    import pandas as pd

SUSPECTS = 1000
"""So many examples of each split can be decided on, the most suspicious ones."""
PIXELS = 640
"""The longer side of a photo to decide on, in pixels, at most."""

_Flaws: TypeAlias = Mapping[tuple[str, object], str]

_PARTS: Mapping[Split, str] = {"train": "Training labels", "held_out": "Held-out labels"}
_FOUND = {"suggested": -1, "p_wrong": np.nan, "kind": "", "reason": ""}
KNOWN = "known"  # instead of the stratum that an example was drawn from
_OF_AUDIT = frozenset(DRAWN[1:])  # columns that `easiness.audit` writes
_HINTS = frozenset({*_FOUND, "suggested_class", "suggested_share"})


@dataclass(frozen=True)
class ToDecide:
    """What labels are decided on: of each split so many ``suspects``, or instead those of a ``file``.

    Photos have so many ``pixels`` on the longer side, and files are named as seen from the ``page``.

    Where it is ``blind``, nothing is said of what networks make of them; of an audit unless it is ``False``.
    """

    suspects: int = SUSPECTS
    file: Path | None = None
    blind: bool | None = None
    pixels: int = PIXELS
    page: Path | None = None

    @cached_property
    def is_blind(self) -> bool:
        """Is nothing said of what networks make of the labels?"""
        if self.blind is not None or self.file is None or self.file.suffix.lower() == ".json":
            return bool(self.blind)
        return read_label_file(self.file).columns >= _OF_AUDIT

    @property
    def file_name(self) -> str:
        """Of the file that the page saves: that of the one that it was made of."""
        return "labels.csv" if self.file is None else self.file.name

    def __post_init__(self) -> None:
        if self.suspects < 0:
            raise BadInput(f"--suspects {self.suspects}: give how many labels can be decided on, 0 or more")
        if not 32 <= self.pixels <= 4096:
            raise BadInput(f"--pixels {self.pixels}: give the longer side of a photo, 32 to 4096")
        if self.blind and self.file is None:
            raise BadInput(
                "--blind: hides what is suggested of the examples of a file; name the file with --decide"
            )


@dataclass(frozen=True, eq=False)
class Listed:
    """The examples of a ``split`` to be decided on, of which the first ``num_suspect`` are suspects.

    ``rows`` has one for each: ``id``, ``label``, ``suggested`` (-1 for none), ``p_wrong`` (NaN where nobody
    can tell), ``kind`` and ``reason``. ``decided`` has by row the action, the label, who and when of those
    that are decided in a file, and ``cells`` the texts of its ``others``: columns that are nobody's.
    """

    split: Split
    name: str
    rows: pd.DataFrame = field(repr=False)
    num_suspect: int = 0
    decided: Mapping[int, Sequence[Any]] = field(default_factory=dict, repr=False)
    others: Sequence[str] = ()
    cells: Sequence[Sequence[str]] = field(default=(), repr=False)

    @property
    def is_audit(self) -> bool:
        """Were they drawn by `easiness.audit`?"""
        return {*self.others} >= _OF_AUDIT

    @property
    def known(self) -> list[int]:
        """The rows of an audit that were decided before it, and are no looks."""
        if not self.is_audit:
            return []
        stratum = self.others.index("stratum")
        return [row for row in self.decided if self.cells[row][stratum] == KNOWN]


def listed(
    run: Run,
    parts: Sequence[SuspectLabels],
    asked: ToDecide,
    flaws: _Flaws = MappingProxyType({}),
) -> list[Listed]:
    """What is decided on; empty where nothing tells suspects."""
    if asked.file is not None:
        return list(_of_file(run, {} if asked.is_blind else {part.split: part for part in parts}, asked))
    found = [_with_flawed(part, flaws, asked.suspects) for part in parts]
    return [one for one in found if len(one.rows)]


def _with_flawed(part: SuspectLabels, flaws: _Flaws, most: int) -> Listed:
    """The suspects, then those with flaws, then all others."""
    told = [flaws.get((part.split, one), "") for one in part.ranked["id"].tolist()]
    reasons = ["; ".join(filter(None, both)) for both in zip(told, part.ranked["reason"], strict=True)]
    last = (np.arange(len(told)) >= part.num) * np.where([bool(one) for one in told], 1, 2)
    rows = part.ranked.assign(reason=reasons).iloc[np.argsort(last, kind="stable")].head(most)
    return Listed(part.split, _PARTS[part.split], rows, min(int((last < 2).sum()), len(rows)))


def _of_file(run: Run, parts: Mapping[Split, SuspectLabels], asked: ToDecide) -> Iterator[Listed]:
    file = asked.file
    assert file is not None
    for split in splits_in(file) or ("train",):
        found = decisions_on(run, file, split)
        at = np.array([*found.listed], np.int64)
        if not len(at):
            raise BadInput(f"{file}: names no example; give a row for each that is to be decided on")
        place = {one: row for row, one in enumerate(at.tolist())}
        others = dict.fromkeys(name for cells in found.listed.values() for name in cells)
        kept = [name for name in others if not (asked.is_blind and name in _HINTS)]
        labels = np.where(found.labels == UNKNOWN, found.of.labels[found.at], found.labels)
        decided = zip(
            found.actions.tolist(), labels.tolist(), found.by.tolist(), found.times.tolist(), strict=True
        )
        yield Listed(
            split,
            f"{_PARTS[split]} of {file.name}",
            _with_found(found.of.ids[at], found.of.labels[at], parts.get(split)),
            decided={place[one]: row for one, row in zip(found.at.tolist(), decided, strict=True)},
            others=kept,
            cells=[[cells.get(name, "") for name in kept] for cells in found.listed.values()],
        )


def _with_found(ids: Any, labels: Any, part: SuspectLabels | None) -> pd.DataFrame:
    """Examples with what the networks make of them, where that is known."""
    import pandas as pd

    if part is None:
        return pd.DataFrame({"id": ids, "label": labels, **_FOUND})
    found: pd.DataFrame = part.ranked.set_index("id").loc[ids].reset_index()
    return found
