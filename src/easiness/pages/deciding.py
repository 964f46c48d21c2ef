"""The view in which labels are decided: which examples are to be decided on, and what its script reads."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import resources
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from easiness.data import AUDIT_COLUMNS, MARK, UNKNOWN, Dataset, splits_in
from easiness.errors import BadInput
from easiness.lazy import Integers, pd
from easiness.pages.data_map import COMMON_SCRIPTS, Document, Name, in_turns, trajectories
from easiness.pages.examples import FoundExamples, are_small, originals_of, table_of
from easiness.pages.labels import SuspectLabels
from easiness.pages.questions import tags_beside
from easiness.pages.template import InlineScript, inert, inline_script, without_repeats
from easiness.runs import data_version, decisions_on
from easiness.show import quantity
from easiness.spec import Split, command_line
from easiness.store import Run
from easiness.studies.audit import KNOWN
from easiness.studies.labels import ANSWER_COLUMN
from easiness.studies.suspects import ABOVE, Conflicts, Pulls, nearest_by_class, pulls

if TYPE_CHECKING:
    from easiness.pages.page import ReportOptions

_PARTS: Mapping[Split, str] = {"train": "Training labels", "held_out": "Held-out labels"}
_NO_JUDGEMENT = {"suggested": -1, "p_wrong": np.nan, "kind": "", "reason": ""}
_HINTS = [*_NO_JUDGEMENT, "suggested_class", "suggested_share"]
OF_AUDIT = frozenset(AUDIT_COLUMNS[1:])
"""Columns that `easiness.audit` writes."""

_SCRIPTS = (
    *COMMON_SCRIPTS,
    *("players", "decide_values", "decide_csv", "decide_store", "decide_tally", "decide_example"),
    *("decide_classes", "decide_acts", "decide_overview", "decide_files", "decide"),
)
_OF_VOTES = "decide_votes"
_COURSE_BYTES = (600_000, 600_000)  # of means, and of single trials
_MOST_COPIES = 6  # of an example
_BESIDE = 200  # examples, the first of each list, that have what is nearest beside them
_MOST_ASKED, _MOST_PHOTOS = 2_000, 200  # of more the networks are not asked for a page, but by `suspects`
_LARGE = 100  # of each list have a large picture, or all suspects
_DIGITS = 4  # of a probability


@dataclass(frozen=True, eq=False)
class DecidingList:
    """The examples of a ``split`` to be decided on, of which the first ``num_suspect`` are suspects.

    ``rows`` has one for each: ``id``, ``label``, ``suggested`` (-1 for none), ``p_wrong`` (NaN where nobody
    can tell), ``kind`` and ``reason``. ``decisions`` has by row the action, the label, who and when of those
    that are decided in a file, ``cells`` the texts of its other columns, which are nobody's, and ``before``
    the rows of an audit that were decided before it, and are no looks.
    """

    split: Split
    name: str
    rows: pd.DataFrame = field(repr=False)
    num_suspect: int = 0
    decisions: Mapping[int, Sequence[Any]] = field(default_factory=dict, repr=False)
    cells: pd.DataFrame | None = field(default=None, repr=False)
    before: Sequence[int] = ()

    @property
    def is_audit(self) -> bool:
        """Were they drawn by `easiness.audit`?"""
        return self.cells is not None and {*self.cells} >= OF_AUDIT

    @property
    def names(self) -> list[Name]:
        return [(self.split, one) for one in self.rows["id"].tolist()]

    def positions(self, run: Run, num: int | None = None) -> Integers:
        """Where the first ``num`` of the examples, or all, stand in the run."""
        place = {one: at for at, one in enumerate(run.examples(self.split)[0].tolist())}
        return np.array([place[one] for _, one in self.names[:num]], np.int64)


def decision_lists(
    run: Run,
    parts: Sequence[SuspectLabels],
    options: ReportOptions,
    flaws: Mapping[tuple[str, object], str] | None = None,
) -> list[DecidingList]:
    """The lists to decide on: suspects, then those with ``flaws``, then all others; or those of a file."""
    if options.decide is not None:
        # an audit, blind by itself, has votes only if they were not to be hidden when it was drawn
        hints = [*(_HINTS if options.is_blind else ()), *([ANSWER_COLUMN] if options.blind else ())]
        return list(_of_file(run, options.decide, () if options.is_blind else parts, hints))
    lists = []
    for part in parts if options.suspects else ():
        split, suspects = part.result.split, part.result.ranked
        flaw = [(flaws or {}).get((split, one), "") for one in suspects["id"].tolist()]
        reasons = ["; ".join(filter(None, both)) for both in zip(flaw, suspects["reason"], strict=True)]
        last = (np.arange(len(flaw)) >= part.num) * np.where([bool(one) for one in flaw], 1, 2)
        rows = suspects.assign(reason=reasons).iloc[np.argsort(last, kind="stable")].head(options.suspects)
        num_suspect = min(int((last < 2).sum()), len(rows))
        if run.tags is not None:  # those of one example one after another
            of_example = rows.groupby(rows["id"].str.rpartition(MARK)[0], sort=False).ngroup()
            rows = rows.iloc[np.lexsort((of_example, np.arange(len(rows)) >= num_suspect))]
        lists.append(DecidingList(split, _PARTS[split], rows, num_suspect))
    return lists


def _of_file(
    run: Run, file: Path, parts: Sequence[SuspectLabels], hints: Sequence[str]
) -> Iterator[DecidingList]:
    for split in splits_in(file) or ("train",):
        file_rows = decisions_on(run, file, split)
        at = np.array([*file_rows.other_cells], np.int64)
        if not len(at):
            raise BadInput(f"{file}: names no example; give a row for each that is to be decided on")
        place = {one: row for row, one in enumerate(at.tolist())}
        labels = np.where(file_rows.labels == UNKNOWN, file_rows.of.labels[file_rows.at], file_rows.labels)
        columns = file_rows.actions, labels, file_rows.by, file_rows.times
        outcomes = zip(*(column.tolist() for column in columns), strict=True)
        decisions = {place[one]: row for one, row in zip(file_rows.at.tolist(), outcomes, strict=True)}
        cells = pd.DataFrame([*file_rows.other_cells.values()], range(len(at))).fillna("")
        rows = pd.DataFrame({"id": file_rows.of.ids[at], "label": file_rows.of.labels[at], **_NO_JUDGEMENT})
        for part in parts:  # what the networks make of them, where that is known
            if part.result.split == split:
                rows = part.result.ranked.set_index("id").loc[file_rows.of.ids[at]].reset_index()
        stratum = cells["stratum"].tolist() if {*cells} >= OF_AUDIT else [""] * len(at)
        before = [row for row in decisions if stratum[row] == KNOWN]
        cells = cells.drop(columns=hints, errors="ignore")
        name = f"{_PARTS[split]} of {file.name}"
        yield DecidingList(split, name, rows, decisions=decisions, cells=cells, before=before)


@dataclass(frozen=True, eq=False)
class Deciding:
    """The view in which labels are decided, of the examples by ``names`` in this order.

    Examples shown beside others are the last of ``names``. ``by_worth`` has all of them, by how much a
    picture is wanted, and ``large`` those with a large one, in the order of looking. ``of`` says in words
    which they are, and ``of_table`` that they are rows of named columns.
    """

    options: ReportOptions
    names: list[Name] = field(repr=False)
    by_worth: list[Name] = field(repr=False)
    large: list[Name] = field(repr=False)
    of: str
    of_table: bool
    _values: Document = field(repr=False)

    @property
    def opens_files(self) -> bool:
        """Does it know where files of pictures lie?"""
        return bool(self._values.get("originals"))

    @property
    def has_votes(self) -> bool:
        """Is there a column with what people said?"""
        return ANSWER_COLUMN in self._values.get("others", ())

    @property
    def style(self) -> str:
        names = ("decide", _OF_VOTES) if self.has_votes else ("decide",)
        folder = resources.files("easiness.pages")
        return "".join((folder / f"{name}.css").read_text("utf-8") for name in names)

    @property
    def script(self) -> InlineScript:
        *names, last = _SCRIPTS  # which opens the view
        return inline_script([*names, *([_OF_VOTES] if self.has_votes else ()), last])

    def data(self, examples: FoundExamples, is_pixelated: bool, elsewhere: Collection[Name] = ()) -> str:
        """Everything that the script reads, as JSON that can stand in a script element.

        Pictures and sounds of examples ``elsewhere`` in the page are taken from there.
        """
        media: dict[str, dict[int, str]] = {"pictures": {}, "sounds": {}, "texts": {}}
        for at, example in enumerate(self.names):
            one = examples.by_name.get(example)
            if one is None:
                continue
            text = None if one.size else one.text
            if example in elsewhere:
                one = one.in_words()
            for name, value in zip(media, (one.uri, one.sound, text), strict=True):
                if value is not None:
                    media[name][at] = value
        photos = {at: examples.photos[one] for at, one in enumerate(self.names) if one in examples.photos}
        once = {name: without_repeats(values) for name, values in {**media, "photos": photos}.items()}
        return inert({**self._values, **once, "pixelated": is_pixelated})


def deciding(
    run: Run,
    epoch: int,
    lists: Sequence[DecidingList],
    conflicts: Conflicts,
    data: Dataset | None,
    options: ReportOptions,
) -> Deciding | None:
    """The view of some lists of a run; ``None`` where there are none."""
    if not lists:
        return None
    rows, audit = pd.concat([one.rows for one in lists]), any(one.is_audit for one in lists)
    listed_names = [name for one in lists for name in one.names]
    # the examples that are shown, each with its label: first those that are listed
    labels: dict[Name, int] = dict(zip(listed_names, rows["label"].tolist(), strict=True))
    copies = _copies(labels, conflicts)
    near = _nearest(run, lists, labels, data)
    place = {name: at for at, name in enumerate(labels)}
    target = options.decide or options.file_name
    values: Document = {
        "run": run.path.resolve().name,
        "data": data_version(run),
        "blind": options.is_blind,
        "above": ABOVE,
        "file": options.file_name,
        "audit": audit,
        "command": command_line("audit" if audit else "suspects", run.path, "--decided", target),
        "classes": list(run.classes),
        "parts": [{"name": one.name, "num": len(one.rows), "numSuspect": one.num_suspect} for one in lists],
        "copies": {place[one]: [(place[name], how) for name, how in same] for one, same in copies.items()},
        "near": {place[key]: [[place.get(n, n) for n in side] for side in one] for key, one in near.items()},
        "examples": {
            "splits": [int(split == "held_out") for split, _ in labels],
            "ids": [str(one) for _, one in labels],
            "labels": [*labels.values()],
        },
    }
    if (tags := tags_beside(run)) is not None:
        values["tags"] = without_repeats({at: tags.of(name) for at, name in enumerate(labels)})
    firsts = np.cumsum([0, *(len(one.rows) for one in lists[:-1])]).tolist()
    both = [*zip(firsts, lists, strict=True)]
    if not options.is_blind:
        values |= _judgements(run, epoch, both, rows)
    if options.decide is not None:
        cells = pd.concat([one.cells for one in lists if one.cells is not None]).fillna("")
        values |= {
            "whole": True,
            "decided": {
                first + row: outcome for first, one in both for row, outcome in one.decisions.items()
            },
            "known": [first + row for first, one in both for row in one.before],
            "others": [*cells],
            "cells": cells.to_numpy().tolist(),
        }
    of_table = data is not None and getattr(data.traits, "of_columns", False)
    first, rest = ([one.names[part] for one in lists] for part in (slice(_BESIDE), slice(_BESIDE, None)))
    by_worth = [*chain(*first), *[*labels][len(listed_names) :], *in_turns(rest)]
    whole = options.decide is not None
    large = in_turns([one.names if whole else one.names[: max(one.num_suspect, _LARGE)] for one in lists])
    view = Deciding(options, [*labels], by_worth, large, _which(lists, options), of_table, values)
    if data is not None:
        values["originals"] = originals_of(data, view.names, options.output)
        values["table"] = table_of(data, view.names, [*labels.values()], view.by_worth)
    return view


def _judgements(
    run: Run, epoch: int, lists: Sequence[tuple[int, DecidingList]], rows: pd.DataFrame
) -> Document:
    """Words and trajectories of the networks on the ``rows`` of all ``lists``, each with its first row."""
    courses = []
    for first, one in lists:
        at = one.positions(run)
        course, _ = trajectories(run, epoch, at, np.arange(len(at)), _COURSE_BYTES, one.split)
        courses.append({"first": first, "num": len(at), "numTrials": len(run.trials), **course})
    return {
        "pWrong": rows["p_wrong"].round(_DIGITS).astype(object).where(rows["p_wrong"].notna(), None).tolist(),
        "suggested": rows["suggested"].tolist(),
        "kinds": rows["kind"].tolist(),
        "reasons": rows["reason"].tolist(),
        "courses": courses,
    }


def _which(lists: Sequence[DecidingList], options: ReportOptions) -> str:
    num, suspects = sum(len(one.rows) for one in lists), {one.split: one.num_suspect for one in lists}
    if options.decide is not None:
        before = sum(len(one.before) for one in lists)
        besides = f", and {before:,} known before" if before else ""
        return f"{quantity(num - before, 'label')} of {options.file_name}{besides}"
    if not any(suspects.values()):
        return f"{quantity(num, 'label')}, none of them suspect"
    held_out = f", and {suspects['held_out']:,} held out" if suspects.get("held_out") else ""
    return f"{quantity(suspects.get('train', 0), 'suspect')}{held_out}"


def _copies(labels: dict[Name, int], conflicts: Conflicts) -> dict[Name, list[tuple[Name, str]]]:
    """Examples identical or nearly so to each listed one, and how near; ``labels`` gets theirs."""
    beside: dict[Name, dict[Name, str]] = {}
    of: dict[Name, int] = {}
    for pair in conflicts.pairs.to_dict("records"):
        one, other = ((pair[f"split_{side}"], pair[f"id_{side}"]) for side in "ab")
        of |= {one: pair["label_a"], other: pair["label_b"]}
        how = "nearly identical" if pair["kind"].startswith("near") else "identical"
        beside.setdefault(one, {})[other] = beside.setdefault(other, {})[one] = how
    copies = {}
    for name in [name for name in labels if name in beside]:
        others = dict(beside[name])
        for same in [one for one, how in others.items() if how == "identical"][:_MOST_COPIES]:
            some = islice(beside[same].items(), _MOST_COPIES + 1)  # one of which may be itself
            others |= {one: how for one, how in some if how == "identical" and one != name}
        copies[name] = sorted(others.items(), key=lambda one: one[1])[:_MOST_COPIES]
        labels.update((one, labels.get(one, of[one])) for one, _ in copies[name])
    return copies


def _nearest(
    run: Run, lists: Sequence[DecidingList], labels: dict[Name, int], data: Dataset | None
) -> dict[Name, list[list[Any]]]:
    """The nearest to the first of each list, of the label's class and the suggested; ``labels`` gets both.

    Behind them come those of `pulls`, the one to mend, the sizes of pulls, and the class to mend it to.
    """
    nearest: dict[Name, list[list[Any]]] = {}
    ask = bool(data is not None and run.shares)
    if data is not None and not ask:  # are the networks asked within a minute or so?
        ask = len(run.ids) <= (_MOST_ASKED if are_small(data) or data.kind.in_words else _MOST_PHOTOS)
    for one in lists:
        suggested = one.rows["suggested"].head(_BESIDE).to_numpy(np.int64)
        at = one.positions(run, len(suggested))
        near, _ = nearest_by_class(run, at, suggested, split=one.split, source=data, device="cpu", ask=ask)
        behind: list[Pulls | None] = [None] * len(at)
        with suppress(BadInput):
            behind = pulls(run, at, suggested, split=one.split, source=data)
        for name, both, pull in zip(one.names, near if near is not None else (), behind, strict=False):
            nearest[name] = []
            sides = [*both] if pull is None else [*both, pull.examples, np.array(pull.mend[:1])]
            for side in (side[side >= 0] for side in sides):
                neighbours: list[Name] = [("train", other) for other in run.ids[side].tolist()]
                labels |= dict(zip(neighbours, run.labels[side].tolist(), strict=True))
                nearest[name].append(neighbours)
            nearest[name] += [] if pull is None else [pull.sizes.round(2).tolist(), [pull.mend[1]]]
    return nearest
