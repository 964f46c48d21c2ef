"""The view in which labels are decided: what its script reads."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

import numpy as np
import numpy.typing as npt

from easiness.data import Dataset
from easiness.pages.data_map import SHARED, Document, trajectories
from easiness.pages.examples import FoundExamples, Named, are_small, originals_of, table_of
from easiness.pages.labels import Copy
from easiness.pages.template import Inlined, inert, inlined
from easiness.pages.to_decide import Listed, ToDecide
from easiness.runs import data_version
from easiness.show import counted
from easiness.spec import command_line
from easiness.store import Run
from easiness.studies.suspects import ABOVE, nearest_by_class

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

_Beside = dict[int, Any]


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
        """Its styles."""
        return (resources.files("easiness.pages") / "decide.css").read_text("utf-8")

    @property
    def script(self) -> Inlined:
        """Its script."""
        return inlined(_SCRIPTS)

    def data(self, found: FoundExamples, pixelated: bool, elsewhere: Collection[Named] = ()) -> str:
        """Everything that the script reads, as JSON that can stand in a script element.

        Args:
            found: the examples that were found.
            pixelated: are pictures enlarged pixel by pixel?
            elsewhere: training examples whose pictures and sounds the page has in any case; the script takes
                them from there.
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
    lists: Sequence[Listed],
    copies: Sequence[Copy],
    data: Dataset | None,
    asked: ToDecide,
) -> Deciding | None:
    """The view of some lists of a run; ``None`` where there are none."""
    if not lists:
        return None
    seen = _Seen(lists)
    values: Document = {
        "run": run.path.resolve().name,
        "data": data_version(run),
        "blind": asked.is_blind,
        "above": ABOVE,
        "file": asked.file_name,
        **_next(run, lists, asked),
        "classes": list(run.classes),
        "parts": [{"name": one.name, "num": len(one.rows), "numSuspect": one.num_suspect} for one in lists],
        "copies": _copies(seen, copies),
        "near": _nearest(run, lists, seen, data),
    }
    if not asked.is_blind:
        values |= {**_of_networks(lists), "courses": _courses(run, epoch, lists)}
    if asked.file is not None:
        values |= _of_file(lists)
    examples = {
        "splits": [int(split == "held_out") for split, _ in seen.named],
        "ids": [str(one) for _, one in seen.named],
        "labels": seen.labels,
    }
    values["examples"] = examples
    of_table = data is not None and getattr(data.traits, "of_columns", False)
    of = _which(lists, asked)
    view = Deciding(seen.named, seen.num_listed, of, asked.is_blind, asked.file_name, of_table, values)
    if data is not None:
        values["originals"] = originals_of(data, seen.named, asked.page)
        values["table"] = table_of(data, seen.named, seen.labels, view.by_worth)
    return view


def _next(run: Run, lists: Sequence[Listed], asked: ToDecide) -> Document:
    """The command that reads what was decided: does it come of an ``audit``?"""
    audit = any(one.is_audit for one in lists)
    file = asked.file or asked.file_name
    return {
        "audit": audit,
        "command": command_line("audit" if audit else "suspects", run.path, "--decided", file),
    }


def _which(lists: Sequence[Listed], asked: ToDecide) -> str:
    """Which examples are decided on, in words."""
    num, suspects = sum(len(one.rows) for one in lists), {one.split: one.num_suspect for one in lists}
    if asked.file is not None:
        known = sum(len(one.known) for one in lists)
        besides = f", and {known:,} known before" if known else ""
        return f"{counted(num - known, 'label')} of {asked.file.name}{besides}"
    if not any(suspects.values()):
        return f"{counted(num, 'label')}, none of them suspect"
    held_out = f", and {suspects['held_out']:,} held out" if suspects.get("held_out") else ""
    return f"{counted(suspects.get('train', 0), 'suspect')}{held_out}"


def _of_networks(lists: Sequence[Listed]) -> Document:
    """What networks make of the examples."""
    rows = [row for one in lists for row in one.rows.to_dict("records")]
    return {
        "suggested": [row["suggested"] for row in rows],
        "pWrong": [None if np.isnan(row["p_wrong"]) else round(row["p_wrong"], _DIGITS) for row in rows],
        "kinds": [row["kind"] for row in rows],
        "reasons": [row["reason"] for row in rows],
    }


def _of_file(lists: Sequence[Listed]) -> Document:
    """What is decided in a file, by place, and the texts of its other columns."""
    others = list(dict.fromkeys(name for one in lists for name in one.others))
    decided: dict[int, Sequence[Any]] = {}
    known: list[int] = []
    cells, first = [], 0
    for one in lists:
        decided |= {first + row: decision for row, decision in one.decided.items()}
        known += [first + row for row in one.known]
        named = [dict(zip(one.others, texts, strict=True)) for texts in one.cells]
        cells += [[texts.get(name, "") for name in others] for texts in named]
        first += len(one.rows)
    return {"whole": True, "decided": decided, "known": known, "others": others, "cells": cells}


class _Seen:
    """The examples that the view shows, each with its place and its label: first those that are listed."""

    def __init__(self, lists: Sequence[Listed]) -> None:
        self._places: dict[Named, int] = {}
        self.labels: list[int] = []
        for one in lists:
            for name, label in zip(one.rows["id"].tolist(), one.rows["label"].tolist(), strict=True):
                self.place((one.split, name), label)
        self.num_listed = len(self._places)

    @property
    def named(self) -> list[Named]:
        return list(self._places)

    def is_listed(self, named: Named) -> bool:
        return self._places.get(named, self.num_listed) < self.num_listed

    def place(self, named: Named, label: int) -> int:
        """Where an example stands, which comes last where it did not."""
        if named not in self._places:
            self._places[named] = len(self._places)
            self.labels.append(label)
        return self._places[named]


def _copies(seen: _Seen, copies: Sequence[Copy]) -> _Beside:
    """Of examples that are listed the others that are the same, or nearly: where they stand, and how near."""
    found: dict[int, list[tuple[int, str]]] = {}
    for copy in copies:
        for one, other in (copy.pair, copy.pair[::-1]):
            if seen.is_listed((one.split, one.id)):
                others = found.setdefault(seen.place((one.split, one.id), one.label), [])
                if len(others) < _MOST_COPIES:
                    others.append((seen.place((other.split, other.id), other.label), copy.how))
    return found


def _nearest(run: Run, lists: Sequence[Listed], seen: _Seen, data: Dataset | None) -> _Beside:
    """Of the first examples of each list those nearest to them, of their label's class and the suggested."""
    found: _Beside = {}
    ask = data is not None and (_soon_asked(run, data) or bool(run.shares))
    for one in lists:
        first = one.rows.head(_BESIDE)
        at, suggested = _positions(run, one, len(first)), first["suggested"].to_numpy(np.int64)
        near, _ = nearest_by_class(run, at, suggested, split=one.split, source=data, device="cpu", ask=ask)
        if near is None:
            continue
        for name, sides in zip(first["id"].tolist(), near.positions.tolist(), strict=True):
            beside = [[_placed(run, seen, position) for position in side if position >= 0] for side in sides]
            found[seen.place((one.split, name), 0)] = beside
    return found


def _soon_asked(run: Run, data: Dataset) -> bool:
    """Is what the networks make of all training examples known within a minute or so?"""
    most = _MOST_ASKED if are_small(data) or data.kind.in_words else _MOST_PHOTOS
    return len(run.ids) <= most


def _placed(run: Run, seen: _Seen, position: int) -> int:
    """Where a training example stands that may be listed, or seen before."""
    return seen.place(("train", run.ids[position : position + 1].tolist()[0]), int(run.labels[position]))


def _courses(run: Run, epoch: int, lists: Sequence[Listed]) -> list[Document]:
    """The course of the examples of each list, and ``first``, where that stands."""
    found, first = [], 0
    for one in lists:
        at = _positions(run, one, len(one.rows))
        course, _ = trajectories(run, epoch, at, np.arange(len(at)), _COURSE_BYTES, one.split)
        found.append({"first": first, "num": len(at), "numTrials": len(run.trials), **course})
        first += len(at)
    return found


def _positions(run: Run, listed: Listed, num: int) -> npt.NDArray[np.int64]:
    """Where the first examples of a list stand in the run."""
    known = {one: at for at, one in enumerate(run.examples(listed.split)[0].tolist())}
    return np.array([known[one] for one in listed.rows["id"].head(num).tolist()], np.int64)
