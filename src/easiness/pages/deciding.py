"""The view in which labels are decided: which examples are to be decided on, and what its script reads."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib import resources
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from easiness.data import AUDIT_COLUMNS, UNKNOWN, Dataset, read_label_file, splits_in
from easiness.errors import BadInput
from easiness.pages.data_map import SHARED, Document, trajectories
from easiness.pages.examples import FoundExamples, Named, are_small, originals_of, table_of
from easiness.pages.labels import SuspectLabels
from easiness.pages.template import Inlined, inert, inlined
from easiness.runs import data_version, decisions_on
from easiness.show import counted
from easiness.spec import Split, command_line
from easiness.store import Run
from easiness.studies.suspects import ABOVE, Conflicts, nearest_by_class

if TYPE_CHECKING:
    import pandas as pd

SUSPECTS = 1000
"""So many examples of each split can be decided on, the most suspicious ones."""
PIXELS = 640
"""The longer side of a photo to decide on, in pixels, at most."""

_PARTS: Mapping[Split, str] = {"train": "Training labels", "held_out": "Held-out labels"}
_FOUND = {"suggested": -1, "p_wrong": np.nan, "kind": "", "reason": ""}
KNOWN = "known"  # instead of the stratum that an example was drawn from
_OF_AUDIT = frozenset(AUDIT_COLUMNS[1:])  # columns that `easiness.audit` writes
_HINTS = [*_FOUND, "suggested_class", "suggested_share"]

_SCRIPTS = (
    *SHARED,
    *("players", "decide_values", "decide_csv", "decide_store", "decide_tally", "decide_example"),
    *("decide_classes", "decide_acts", "decide_overview", "decide_files", "decide"),
)
_COURSE_BYTES = (600_000, 600_000)  # of means, and of single trials
_MOST_COPIES = 6  # of an example
_BESIDE = 200  # examples, the first of each list, that have what is nearest beside them
_MOST_ASKED, _MOST_PHOTOS = 2_000, 200  # of more the networks are not asked for a page, but by `suspects`
_LARGE = 100  # of each list have a large picture, or all suspects
_DIGITS = 4  # of a probability


@dataclass(frozen=True)
class ToDecide:
    """The labels that are decided on: of each split so many ``suspects``, or instead those of a ``file``.

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
        """Name of the saved file: that of the file the page was made from."""
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
class DecidingList:
    """The examples of a ``split`` to be decided on, of which the first ``num_suspect`` are suspects.

    ``rows`` has one for each: ``id``, ``label``, ``suggested`` (-1 for none), ``p_wrong`` (NaN where nobody
    can tell), ``kind`` and ``reason``. ``decided`` has by row the action, the label, who and when of those
    that are decided in a file, and ``cells`` the texts of its other columns, which are nobody's.
    """

    split: Split
    name: str
    rows: pd.DataFrame = field(repr=False)
    num_suspect: int = 0
    decided: Mapping[int, Sequence[Any]] = field(default_factory=dict, repr=False)
    cells: pd.DataFrame | None = field(default=None, repr=False)

    @property
    def is_audit(self) -> bool:
        """Were they drawn by `easiness.audit`?"""
        return self.cells is not None and {*self.cells} >= _OF_AUDIT

    @property
    def known(self) -> list[int]:
        """The rows of an audit that were decided before it, and are no looks."""
        if self.cells is None or not self.is_audit:
            return []
        stratum = self.cells["stratum"].tolist()
        return [row for row in self.decided if stratum[row] == KNOWN]

    def positions(self, run: Run, num: int | None = None) -> npt.NDArray[np.int64]:
        """Where the first ``num`` of the examples, or all, stand in the run."""
        known = {one: at for at, one in enumerate(run.examples(self.split)[0].tolist())}
        return np.array(
            [known[one] for one in self.rows["id"].head(num or len(self.rows)).tolist()], np.int64
        )


def listed(
    run: Run,
    parts: Sequence[SuspectLabels],
    asked: ToDecide,
    flaws: Mapping[tuple[str, object], str] | None = None,
) -> list[DecidingList]:
    """The lists to decide on: suspects, then those with ``flaws``, then all others; or those of a file."""
    if asked.file is not None:
        return list(_of_file(run, asked.file, () if asked.is_blind else parts, asked.is_blind))
    found = []
    for part in parts if asked.suspects else ():
        split, ranked = part.found.split, part.found.ranked
        told = [(flaws or {}).get((split, one), "") for one in ranked["id"].tolist()]
        reasons = ["; ".join(filter(None, both)) for both in zip(told, ranked["reason"], strict=True)]
        last = (np.arange(len(told)) >= part.num) * np.where([bool(one) for one in told], 1, 2)
        rows = ranked.assign(reason=reasons).iloc[np.argsort(last, kind="stable")].head(asked.suspects)
        found.append(DecidingList(split, _PARTS[split], rows, min(int((last < 2).sum()), len(rows))))
    return found


def _of_file(run: Run, file: Path, parts: Sequence[SuspectLabels], blind: bool) -> Iterator[DecidingList]:
    import pandas as pd

    for split in splits_in(file) or ("train",):
        found = decisions_on(run, file, split)
        at = np.array([*found.other_cells], np.int64)
        if not len(at):
            raise BadInput(f"{file}: names no example; give a row for each that is to be decided on")
        place = {one: row for row, one in enumerate(at.tolist())}
        labels = np.where(found.labels == UNKNOWN, found.of.labels[found.at], found.labels)
        decided = zip(
            found.actions.tolist(), labels.tolist(), found.by.tolist(), found.times.tolist(), strict=True
        )
        cells = pd.DataFrame([*found.other_cells.values()], range(len(at))).fillna("")
        rows = pd.DataFrame({"id": found.of.ids[at], "label": found.of.labels[at], **_FOUND})
        for part in parts:  # what the networks make of them, where that is known
            if part.found.split == split:
                rows = part.found.ranked.set_index("id").loc[found.of.ids[at]].reset_index()
        yield DecidingList(
            split,
            f"{_PARTS[split]} of {file.name}",
            rows,
            decided={place[one]: row for one, row in zip(found.at.tolist(), decided, strict=True)},
            cells=cells.drop(columns=_HINTS, errors="ignore") if blind else cells,
        )


@dataclass(frozen=True, eq=False)
class Deciding:
    """The view in which the labels of ``num`` examples are decided, ``wanted`` in this order.

    Others that it shows beside them are the last of ``wanted``. ``of`` says in words which they are,
    ``file`` is the name of the file that it saves, and ``of_table`` says that they are rows of named columns.
    """

    wanted: list[Named] = field(repr=False)
    num: int
    of: str
    blind: bool
    file: str
    of_table: bool
    _values: Document = field(repr=False)

    @property
    def by_worth(self) -> list[Named]:
        """The examples that it shows, those first whose pictures are wanted most."""
        listed = [part for part, _ in self._listed()]
        first = [at for part in listed for at in part[:_BESIDE]]
        rest = sorted((rank, at) for part in listed for rank, at in enumerate(part[_BESIDE:]))
        places = [*first, *range(self.num, len(self.wanted)), *(at for _, at in rest)]
        return [self.wanted[at] for at in places]

    @property
    def large(self) -> list[Named]:
        """The examples that have a large picture, those first that are looked at first."""
        whole = "whole" in self._values
        parts = (part if whole else part[: max(num, _LARGE)] for part, num in self._listed())
        ranked = sorted((rank, at) for part in parts for rank, at in enumerate(part))
        return [self.wanted[at] for _, at in ranked]

    def _listed(self) -> Iterator[tuple[range, int]]:
        """The places of each list, and how many of them are suspects."""
        first = 0
        for part in self._values["parts"]:
            yield range(first, first + part["num"]), part["numSuspect"]
            first += part["num"]

    @property
    def opens_files(self) -> bool:
        """Does it know where files of pictures lie?"""
        return bool(self._values.get("originals"))

    @property
    def style(self) -> str:
        return (resources.files("easiness.pages") / "decide.css").read_text("utf-8")

    @property
    def script(self) -> Inlined:
        return inlined(_SCRIPTS)

    def data(self, found: FoundExamples, pixelated: bool, elsewhere: Collection[Named] = ()) -> str:
        """Everything that the script reads, as JSON that can stand in a script element.

        Pictures and sounds of examples ``elsewhere`` in the page are taken from there.
        """
        media: dict[str, dict[int, str]] = {"pictures": {}, "sounds": {}, "texts": {}}
        for at, named in enumerate(self.wanted):
            one = found.named.get(named)
            if one is None:
                continue
            text = None if one.size else one.text
            if named in elsewhere:
                one = one.in_words()
            for name, value in zip(media, (one.uri, one.sound, text), strict=True):
                if value is not None:
                    media[name][at] = value
        photos = {at: found.photos[one] for at, one in enumerate(self.wanted) if one in found.photos}
        return inert({**self._values, **media, "photos": photos, "pixelated": pixelated})


def deciding(
    run: Run,
    epoch: int,
    lists: Sequence[DecidingList],
    conflicts: Conflicts,
    data: Dataset | None,
    asked: ToDecide,
) -> Deciding | None:
    """The view of some lists of a run; ``None`` where there are none."""
    import pandas as pd

    if not lists:
        return None
    seen, audit = _ShownExamples(lists), any(one.is_audit for one in lists)
    file = asked.file or asked.file_name
    values: Document = {
        "run": run.path.resolve().name,
        "data": data_version(run),
        "blind": asked.is_blind,
        "above": ABOVE,
        "file": asked.file_name,
        "audit": audit,
        "command": command_line("audit" if audit else "suspects", run.path, "--decided", file),
        "classes": list(run.classes),
        "parts": [{"name": one.name, "num": len(one.rows), "numSuspect": one.num_suspect} for one in lists],
        "copies": _copies(seen, conflicts),
        "near": _nearest(run, lists, seen, data),
    }
    firsts = np.cumsum([0, *(len(one.rows) for one in lists)]).tolist()
    if not asked.is_blind:
        rows = pd.concat([one.rows for one in lists])
        p_wrong = rows["p_wrong"].round(_DIGITS).astype(object).where(rows["p_wrong"].notna(), None)
        values |= {"pWrong": p_wrong.tolist(), "suggested": rows["suggested"].tolist()}
        values |= {"kinds": rows["kind"].tolist(), "reasons": rows["reason"].tolist(), "courses": []}
        for first, one in zip(firsts, lists, strict=False):
            at = one.positions(run)
            course, _ = trajectories(run, epoch, at, np.arange(len(at)), _COURSE_BYTES, one.split)
            about = {"first": first, "num": len(at), "numTrials": len(run.trials)}
            values["courses"].append(about | course)
    if asked.file is not None:
        cells = pd.concat([one.cells for one in lists if one.cells is not None]).fillna("")
        both = [*zip(firsts, lists, strict=False)]
        values |= {
            "whole": True,
            "decided": {first + row: said for first, one in both for row, said in one.decided.items()},
            "known": [first + row for first, one in both for row in one.known],
            "others": [*cells],
            "cells": cells.to_numpy().tolist(),
        }
    values["examples"] = {
        "splits": [int(split == "held_out") for split, _ in seen.named],
        "ids": [str(one) for _, one in seen.named],
        "labels": seen.labels,
    }
    of_table = data is not None and getattr(data.traits, "of_columns", False)
    of = _which(lists, asked)
    view = Deciding(seen.named, seen.num_listed, of, asked.is_blind, asked.file_name, of_table, values)
    if data is not None:
        values["originals"] = originals_of(data, seen.named, asked.page)
        values["table"] = table_of(data, seen.named, seen.labels, view.by_worth)
    return view


def _which(lists: Sequence[DecidingList], asked: ToDecide) -> str:
    num, suspects = sum(len(one.rows) for one in lists), {one.split: one.num_suspect for one in lists}
    if asked.file is not None:
        known = sum(len(one.known) for one in lists)
        besides = f", and {known:,} known before" if known else ""
        return f"{counted(num - known, 'label')} of {asked.file.name}{besides}"
    if not any(suspects.values()):
        return f"{counted(num, 'label')}, none of them suspect"
    held_out = f", and {suspects['held_out']:,} held out" if suspects.get("held_out") else ""
    return f"{counted(suspects.get('train', 0), 'suspect')}{held_out}"


class _ShownExamples:
    """The examples that the view shows, each with its place and its label: first those that are listed."""

    def __init__(self, lists: Sequence[DecidingList]) -> None:
        self._places: dict[Named, int] = {}
        self.labels: list[int] = []
        for one in lists:
            for name, label in zip(one.rows["id"].tolist(), one.rows["label"].tolist(), strict=True):
                self.place((one.split, name), label)
        self.num_listed = len(self._places)

    @property
    def named(self) -> list[Named]:
        return list(self._places)

    def place(self, named: Named, label: int) -> int:
        """Where an example stands, which comes last where it did not."""
        if named not in self._places:
            self._places[named] = len(self._places)
            self.labels.append(label)
        return self._places[named]


def _copies(seen: _ShownExamples, found: Conflicts) -> dict[int, Any]:
    """The same and nearly the same as each listed example: where they stand, and how near."""
    beside: dict[Named, dict[tuple[Named, int], str]] = {}
    for pair in found.pairs.to_dict("records"):
        one, other = (((pair[f"split_{x}"], pair[f"id_{x}"]), pair[f"label_{x}"]) for x in "ab")
        how = "nearly identical" if pair["kind"].startswith("near") else "identical"
        beside.setdefault(one[0], {})[other] = beside.setdefault(other[0], {})[one] = how
    copies: dict[int, Any] = {}
    for name in [name for name in seen.named if name in beside]:
        others = dict(beside[name])
        for same in [one for (one, _), how in others.items() if how == "identical"][:_MOST_COPIES]:
            some = islice(beside[same].items(), _MOST_COPIES + 1)  # one of which may be itself
            others |= {one: how for one, how in some if how == "identical" and one[0] != name}
        nearest = sorted(others.items(), key=lambda one: one[1])[:_MOST_COPIES]
        copies[seen.place(name, 0)] = [(seen.place(*one), how) for one, how in nearest]
    return copies


def _nearest(
    run: Run, lists: Sequence[DecidingList], seen: _ShownExamples, data: Dataset | None
) -> dict[int, Any]:
    """The nearest to the first examples of each list, of their label's class and the suggested."""
    found: dict[int, Any] = {}
    ask = bool(data is not None and run.shares)
    if data is not None and not ask:  # are the networks asked within a minute or so?
        ask = len(run.ids) <= (_MOST_ASKED if are_small(data) or data.kind.in_words else _MOST_PHOTOS)
    for one in lists:
        first = one.rows.head(_BESIDE)
        at, suggested = one.positions(run, len(first)), first["suggested"].to_numpy(np.int64)
        near, _ = nearest_by_class(run, at, suggested, split=one.split, source=data, device="cpu", ask=ask)
        if near is None:
            continue
        for name, sides in zip(first["id"].tolist(), near, strict=True):
            beside = []
            for side in (side[side >= 0] for side in sides):
                both = zip(run.ids[side].tolist(), run.labels[side].tolist(), strict=True)
                beside.append([seen.place(("train", other), label) for other, label in both])
            found[seen.place((one.split, name), 0)] = beside
    return found
