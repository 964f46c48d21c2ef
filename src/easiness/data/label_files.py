"""Files of labels: what each row says of which example, and data with such labels."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, get_args

import numpy as np
import numpy.typing as npt

from easiness.data.dataset import Dataset
from easiness.data.sources.source import with_tags
from easiness.data.tables.splits import open_table
from easiness.data.tables.table import Table, is_numbers, written_in
from easiness.data.tags import MARK, MISSING, SUGGESTIONS, TAG, RunTags
from easiness.errors import BadInput, nearest, shorten
from easiness.gate import is_text
from easiness.regular_file import at_home
from easiness.spec import Split

KEEP, RELABEL, DROP, UNSURE = ACTIONS = ("keep", "relabel", "drop", "unsure")

ID_AND_LABEL = ("id", "label")
PROVENANCE = ("by", "time", "split", "data")
"""The columns of decisions that a file of labels may lack: who, when, of which split of which data."""
COLUMNS = (*ID_AND_LABEL, "class", "was", "action", *PROVENANCE)
AUDIT_COLUMNS = ("order", "stratum", "draw")
"""The columns that make a file of decisions an audit."""

Cells = Mapping[str, str]

_MOST_DIGITS = 18
_WHOLE = re.compile(r"([0-9]+)(\.0+)?")  # a spreadsheet may make 3.0 of 3


@dataclass(frozen=True, eq=False)
class LabelledExamples:
    """The examples [K] that a file of labels is about: their ids, their labels, the names of classes.

    ``name`` is what messages call the data, and ``noun`` each of them. With ``tag_names`` they are questions,
    which a file names by the columns ``id`` and ``tag``.
    """

    name: str
    ids: npt.NDArray[Any]
    labels: npt.NDArray[np.int64]
    classes: tuple[str, ...]
    noun: str = "training example"
    tag_names: tuple[str, ...] = ()

    @cached_property
    def tags(self) -> RunTags | None:
        """The tags behind the questions, where they are some."""
        return RunTags.read(self.ids, self.tag_names) if self.tag_names else None


class LabelRow(NamedTuple):
    """A row of a file of labels: its place in words, and its cells by column."""

    where: str
    cells: Cells


class LabelFile(NamedTuple):
    """The rows of a file of labels, and the columns that it has."""

    path: Path
    columns: frozenset[str]
    rows: Sequence[LabelRow]

    def of_splits(self, *splits: str) -> Iterator[LabelRow]:
        """The rows of the splits; those that name none are of any."""
        for row in self.rows:
            split = row.cells["split"]
            if split not in ("", *get_args(Split)):
                raise BadInput(f"{row.where}: the split {split!r} is unknown; write train or held_out")
            if split in ("", *splits):
                yield row


def read_label_file(path: Path, table: Table | None = None) -> LabelFile:
    """The rows of a table of labels that are not empty, in which no column of ours stands twice."""
    table = table or open_table(path)
    for name in ID_AND_LABEL:
        table.check_column(name, "; give a table with the columns id and label")
    ours = [name for name in (*COLUMNS, *AUDIT_COLUMNS) if name in table.names]
    others = [name for name in table.names if name and name not in ours]
    others = [name for name in others if is_text(table.kind(name)) or is_numbers(table.kind(name))]
    cells = {name: written_in(table, name) for name in (*ours, *others)}
    for name in cells.keys() & {"action", *PROVENANCE}:
        cells[name] = [cell.strip() for cell in cells[name]]
    for name in cells.keys() & {*AUDIT_COLUMNS}:  # a spreadsheet may have added to numbers
        cells[name] = [cell.strip().removesuffix(".0") for cell in cells[name]]
    empty = dict.fromkeys(COLUMNS, "")
    rows = [
        LabelRow(table.name_at(at), empty | dict(zip(cells, row, strict=True)))
        for at, row in enumerate(zip(*cells.values(), strict=True))
        if any(row)
    ]
    return LabelFile(path, frozenset(cells), rows)


def action_in(row: LabelRow) -> str:
    """The action that a row has, in small letters; it may be empty."""
    action = row.cells["action"].strip().lower()
    if action not in ("", *ACTIONS):
        remedy = f"write {', '.join(ACTIONS)}, or nothing"
        raise BadInput(f"{row.where}: the action {row.cells['action']!r} is unknown; {remedy}")
    return action


class LabelReader:
    """Finds the examples and the labels that rows mean.

    The examples are ``of`` the ``data``: a name, an @ and a version. With ``by_name`` data of the same name
    will do, of which another part may have been held out.
    """

    def __init__(self, of: LabelledExamples, data: str, *, by_name: bool = False) -> None:
        self.of, self._data, self._takes_name = of, data, by_name
        self._positions = {str(name): position for position, name in enumerate(of.ids.tolist())}
        self._labels = {name: label for label, name in enumerate(of.classes)}
        if of.tags is not None:
            self._labels |= {name: label for label, name in enumerate(SUGGESTIONS)}

    def statements(self, rows: Iterable[LabelRow]) -> Iterator[tuple[int, int | None, str, LabelRow]]:
        """The position of each row's example, its label (``None`` where it is dropped), action and row."""
        positions = set[int]()
        for row in rows:
            where, cells = row
            self._check_data(where, cells["data"])
            at = self.position(where, cells["id"], cells.get(TAG))
            if at in positions:
                name = str(self.of.ids[at])
                raise BadInput(f"{where}: the id {name!r} stands there twice; keep one of its rows")
            positions.add(at)
            action = action_in(row)
            yield at, self.label(row, action, int(self.of.labels[at])), action, row

    def _check_data(self, where: str, data: str) -> None:
        (name, _, version), (own_name, _, own) = data.rpartition("@"), self._data.rpartition("@")
        if data and version != own and not (self._takes_name and name == own_name):
            remedy = ", or remove the column data where the ids still mean the same" * (name == own_name)
            raise BadInput(
                f"{where}: is of {data}, and not of {self._data}; give a file of these data{remedy}"
            )

    def position(self, where: str, text: str, tag: str | None = None) -> int:
        """The place of the example with the id in the ``text``, or of the question on its ``tag``."""
        ids, end = self.of.ids, ""
        if self.of.tags is not None and text not in self._positions:
            ids, end = self.of.tags.examples, f"{MARK}{self._tag(where, tag)}"
        whole = _WHOLE.fullmatch(text.strip()) if ids.dtype.kind == "i" else None
        for form in (text, text.strip(), whole and whole[1]):
            if f"{form}{end}" in self._positions:
                return self._positions[f"{form}{end}"]
        of_tag = f" and a value of the tag {end[1:]!r}" if end else ""
        raise BadInput(
            f"{where}: {self.of.name} has no {self.of.noun} with the id {text!r}{of_tag}"
            f"{nearest(f'{text}{end}', self._positions)}; give the file that was made for these data"
        )

    def _tag(self, where: str, text: str | None) -> str:
        names, whole = self.of.tag_names, _WHOLE.fullmatch((text or "").strip())
        if text is None:
            problem = f"no column {TAG}, and {self.of.name} has several tags an example"
            raise BadInput(f"{where}: {problem}; give a table with the columns id, {TAG} and label")
        for form in (text, text.strip(), whole[1] if whole else ""):
            if form in names:
                return form
        known = f"{nearest(text, names)}; write one of {shorten(names)}"
        raise BadInput(f"{where}: the tag {text!r} is none of the data{known}")

    def label(self, row: LabelRow, action: str, own: int) -> int | None:
        where, cells = row
        was, classes = cells["was"], self.of.classes
        if was.strip() and own not in self.labels_of(was):
            raise BadInput(
                f"{where}: the example {cells['id']!r} was {was!r} when the file was made, and is "
                f"{classes[own]!r} here; give the data that it was made for, or make it anew"
            )
        if action == DROP:
            return None
        label = self._label_or_class(row, own)
        if action in (KEEP, UNSURE) and was.strip() and label != own:
            raise BadInput(
                f"{where}: the action is {action}, but the label is {classes[label]!r} and was "
                f"{classes[own]!r}; write relabel, or the label that it was"
            )
        return label

    def _label_or_class(self, row: LabelRow, own: int) -> int:
        where, cells = row
        text, name, has_was = cells["label"], cells["class"], bool(cells["was"].strip())
        by_text, by_name = self.labels_of(text), self._label_named(name)
        if not by_text:
            remedy = f"give the name of a class, or its index from 0 to {len(self.of.classes) - 1}"
            remedy += ", or write drop in the column action to leave it out" * (not text.strip())
            raise BadInput(f"{where}: the label {text!r} is no class{nearest(text, self._labels)}; {remedy}")
        # one of the two cells may have been edited alone: the other is what the label was
        if by_name and (by_name[0] in by_text or (has_was and own in by_text)):
            return by_name[0]
        if not (by_name or name.strip()) or (has_was and by_name == [own]):
            return by_text[0]
        raise BadInput(
            f"{where}: the label {text} is the class {self.of.classes[by_text[0]]!r}, but the column class "
            f"says {name!r}; correct one of them, or leave the column out"
        )

    def labels_of(self, text: str) -> list[int]:
        """The labels that a text can mean: that of the name before the index."""
        whole = _WHOLE.fullmatch(text.strip())
        # Python makes no number of thousands of digits
        index = [] if whole is None or len(whole[1]) > _MOST_DIGITS else [int(whole[1])]
        return [*self._label_named(text), *(label for label in index if label < len(self.of.classes))]

    def _label_named(self, text: str) -> list[int]:
        return [self._labels[form] for form in (text, text.strip()) if form in self._labels][:1]


def apply_labels(data: Dataset, file: str | os.PathLike[str]) -> Dataset:
    """The training examples that a table of ``id,label`` names, with its labels, in their own order.

    A column ``class`` has to agree with the label, unless the column ``was`` shows that only one of the two
    was edited: that one counts. Rows to ``drop`` are left out, and those to ``relabel`` whose label is what
    it ``was``. A file with a column ``by`` has decisions on some labels: other examples keep theirs.
    """
    labels, _ = new_labels(data, file)
    if data.tags is not None:
        values, asked = np.full_like(data.tags.values, MISSING), data.questions
        values[asked.examples, asked.tags] = labels
        data = with_tags(data, replace(data.tags, values=values))
        labels = np.where((values != MISSING).any(axis=1), data.labels, -1)
    rows = np.flatnonzero(labels >= 0)
    options = data.load_options.model_copy(update={"labels": str(at_home(file).absolute())})
    return replace(data._take(rows), labels=labels[rows], true_labels=labels[rows], load_options=options)


def new_labels(
    data: Dataset, file: str | os.PathLike[str], splits: Sequence[Split] = ("train",)
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """The labels [K] that `apply_labels` gives, -1 of those left out, by rows of the ``splits``; who decided.

    Decided [K] are rows of people with an action, and those with another label or none. With tags both are of
    the questions [Q].
    """
    asked, names = data.questions, () if data.tags is None else data.tags.names
    of = LabelledExamples(data.name, asked.ids, asked.labels, data.classes, tag_names=names)
    read = read_label_file(at_home(file))
    decisions = "by" in read.columns
    labels = of.labels.copy() if decisions else np.full(len(of.ids), -1, np.int64)
    is_decided = np.zeros(len(labels), np.bool_)
    version = data.ref().version if "data" in read.columns else ""
    reader = LabelReader(of, version, by_name=True)
    rows = [*read.of_splits(*splits)]
    for at, label, action, row in reader.statements(rows):
        is_wrong = action == RELABEL and row.cells["was"].strip() and label == of.labels[at]
        labels[at] = -1 if label is None or is_wrong else label
        is_decided[at] = decisions and bool(action)
    if not rows and not decisions:
        raise BadInput(f"{read.path}: names no example; give a row for each that is to be kept")
    left = np.bincount(labels[labels >= 0], minlength=data.num_classes)
    if not left.all():
        missing = data.classes[int(left.argmin())]
        raise BadInput(f"{read.path}: no example has the label {missing!r} any more; keep some of each class")
    return labels, is_decided | (labels != of.labels)
