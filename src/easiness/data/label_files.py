"""Files of labels: what each row says of which example, data with such labels, and decisions of people."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, get_args

import numpy as np
import numpy.typing as npt
from pydantic import AliasChoices, AliasPath, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from easiness.data.dataset import Dataset
from easiness.data.sources.source import with_tags
from easiness.data.tables.splits import open_table
from easiness.data.tables.table import Table, is_numbers, written_in
from easiness.data.tags import MARK, MISSING, SUGGESTIONS, TAG, RunTags, unfold_tags
from easiness.errors import BadInput, nearest, shorten
from easiness.gate import is_text
from easiness.regular_file import at_home, read_regular
from easiness.spec import Split

if TYPE_CHECKING:
    import pandas as pd

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

    def unfold(self, table: pd.DataFrame) -> pd.DataFrame:
        """Rows on some of them as files have them, see `unfold_tags`."""
        return unfold_tags(table, self.tags)


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
        names = (SUGGESTIONS if of.tag_names else (), of.classes)
        self._labels = {name: label for some in names for label, name in enumerate(some)}

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
        of_tag = f" and a value of the tag {end[1:]!r}" if end else nearest(text, self._positions)
        problem = f"{self.of.name} has no {self.of.noun} with the id {text!r}{of_tag}"
        raise BadInput(f"{where}: {problem}; give the file that was made for these data")

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
        values = np.full_like(data.tags.values, MISSING)
        values[data.questions.examples, data.questions.tags] = labels
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
    questions, names = data.questions, () if data.tags is None else data.tags.names
    of = LabelledExamples(data.name, questions.ids, questions.labels, data.classes, tag_names=names)
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


UNKNOWN = -1
"""For the class of an example whose label is decided to be wrong, where no other one is named."""

CONTROL = "decision"
"""The name of the element whose choices are read."""

_CLASS = "class "
MOST_BYTES = 2**30  # pictures may be in it
_MADE_BY = "give the JSON that Label Studio exports of tasks made by `export --to label-studio`"
_ARRAYS = {"at": np.int64, "actions": object, "labels": np.int64, "by": object, "times": object}


@dataclass(frozen=True, eq=False)
class Decisions:
    """Decisions on n labels of a ``split``, at the positions ``at`` [n] among its examples ``of``.

    ``actions`` [n] are of `ACTIONS`. ``labels`` [n] are those that the examples should have: their own where
    they are kept or nobody is sure, else another one, or `UNKNOWN`. ``by`` [n] and ``times`` [n] are as
    written, and may be empty. ``data`` names the data and the version of their labels. ``other_cells`` are
    those of every row of the file, by the position of its example, and ``places`` where each row is;
    ``columns`` are those that the file has. ``blanks`` are positions of rows with ``by`` and no action.
    """

    split: Split
    data: str
    of: LabelledExamples = field(repr=False)
    at: npt.NDArray[np.int64]
    actions: npt.NDArray[np.object_]
    labels: npt.NDArray[np.int64]
    by: npt.NDArray[np.object_]
    times: npt.NDArray[np.object_]
    other_cells: Mapping[int, Cells] = field(default_factory=dict, repr=False)
    blanks: tuple[int, ...] = ()
    places: Mapping[int, str] = field(default_factory=dict, repr=False)
    columns: frozenset[str] = frozenset()

    def __len__(self) -> int:
        return len(self.at)

    @property
    def sure(self) -> npt.NDArray[np.bool_]:
        """Was something decided? [n]"""
        return np.asarray(self.actions != UNSURE, np.bool_)

    @property
    def wrong(self) -> npt.NDArray[np.bool_]:
        """Was the label found wrong: is it to be another, or is the example of no class? [n]"""
        return np.isin(self.actions, (RELABEL, DROP))

    def rows(self) -> pd.DataFrame:
        """A row a decision: ``at``, ``action``, ``label``, ``by`` and ``time``."""
        import pandas as pd

        return pd.DataFrame({name.removesuffix("s"): getattr(self, name) for name in _ARRAYS})

    def part(self, mask: npt.NDArray[np.bool_]) -> Decisions:
        return replace(self, **{name: getattr(self, name)[mask] for name in _ARRAYS})

    def table(self) -> pd.DataFrame:
        """The file of decisions, a row each: columns as `labels` writes them, then who, when and of what.

        ``id``, ``label``, ``class``, ``was``, ``action``, ``by``, ``time``, ``split``, ``data``.
        """
        import pandas as pd

        was = self.of.labels[self.at]
        labels = np.where(self.labels == UNKNOWN, was, self.labels)
        names = np.array(self.of.classes, object)[labels]
        values = (self.of.ids[self.at], labels, names, was, self.actions, self.by, self.times)
        table = pd.DataFrame(dict(zip(COLUMNS, values, strict=False)))
        return table.assign(split=self.split, data=self.data)


def read_decisions(file: str | os.PathLike[str], of: LabelledExamples, split: Split, data: str) -> Decisions:
    """The decisions in a file of labels on the examples of a split, or in answers of Label Studio.

    A row is one where its ``action`` says something, or its label is another than the example has. ``data``
    is a name and, behind an @, the version of the labels, which the column ``data`` has to have where it says
    something; the name may have changed.
    """
    files = _files(file, of)
    if len(files) > 1:
        remedy = f"make one file of them by `easiness labels RUN {file} -o labels.csv`"
        raise BadInput(f"{file}: has answers of {len(files)} people ({shorten(files)}); {remedy}")
    return _decisions(next(iter(files.values())), of, split, data)


def splits_in(file: str | os.PathLike[str]) -> tuple[Split, ...]:
    """The splits that the rows of a file of decisions are of; those that name none are of ``train``."""
    if _is_json(file):
        raise BadInput(f"{file}: is JSON; make a CSV of it by `easiness labels RUN {file} -o labels.csv`")
    splits = {row.cells["split"] or "train" for row in read_label_file(at_home(file)).rows}
    return tuple(split for split in get_args(Split) if split in splits)


def decisions_by_person(
    file: str | os.PathLike[str], of: LabelledExamples, split: Split, data: str
) -> dict[str, Decisions]:
    """The decisions in a file, as `read_decisions`, by the name of who decided."""
    answers = {name: _decisions(one, of, split, data) for name, one in _files(file, of).items()}
    if "" not in answers:
        return answers
    everyone, stem = answers[""], at_home(file).stem
    signatures = sorted({*everyone.by.tolist()} - {""})
    names = np.where(everyone.by == "", signatures[0] if len(signatures) == 1 else stem, everyone.by)
    return {name: everyone.part(names == name) for name in dict.fromkeys(names.tolist() or [stem])}


def _is_json(file: str | os.PathLike[str]) -> bool:
    return at_home(file).suffix.lower() == ".json"


def _files(file: str | os.PathLike[str], of: LabelledExamples) -> dict[str, LabelFile]:
    path = at_home(file)
    return read_answers(path, of) if _is_json(file) else {"": read_label_file(path)}


def _decisions(read: LabelFile, of: LabelledExamples, split: Split, data: str) -> Decisions:
    decisions, other_cells, blanks, places = [], {}, [], {}
    ours = COLUMNS if of.tags is None else (*COLUMNS, TAG)
    for at, label, action, (where, cells) in LabelReader(of, data).statements(read.of_splits(split)):
        own = int(of.labels[at])
        other_cells[at] = {name: cell for name, cell in cells.items() if name not in ours}
        places[at] = where
        action = action or ("" if label == own else RELABEL)
        if action:
            is_nameless = label is None or (action == RELABEL and label == own)
            decisions.append((at, action, UNKNOWN if is_nameless else label, cells["by"], cells["time"]))
        elif cells["by"]:
            blanks.append(at)
    if not other_cells and any(row.cells["split"] not in ("", split) for row in read.rows):
        other = "train" if split == "held_out" else "held_out"
        raise BadInput(f"{read.path}: has decisions on the other split alone; give --split {other}")
    table = np.array(decisions, object).reshape(-1, len(_ARRAYS))
    fields: dict[str, Any] = {
        name: table[:, at].astype(kind) for at, (name, kind) in enumerate(_ARRAYS.items())
    }
    fields |= {"other_cells": other_cells, "blanks": tuple(blanks), "places": places, "columns": read.columns}
    return Decisions(split, data, of, **fields)


def choice_of(label: int) -> str:
    """Text that stands in answers for a class: not its name, which may be that of an action, or blank."""
    return f"{_CLASS}{label}"


class _Read(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True)


class _Person(_Read):
    id: int
    email: str = ""


class _Result(_Read):
    from_name: str = ""
    choices: list[str] = Field([], validation_alias=AliasPath("value", "choices"))


class _Annotation(_Read):
    completed_by: _Person | int | None = None
    was_cancelled: bool = False
    created_at: str = ""
    updated_at: str = ""
    result: list[_Result] = []

    @property
    def person(self) -> str:
        one = self.completed_by
        number = one.id if isinstance(one, _Person) else one
        email = one.email.strip() if isinstance(one, _Person) else ""
        return email or ("user" if number is None else f"user {number}")

    @property
    def results(self) -> list[_Result]:
        return [] if self.was_cancelled else self.result

    @property
    def time(self) -> str:
        return self.updated_at or self.created_at


class _Task(_Read):
    item: int | str = Field(validation_alias=AliasChoices(AliasPath("data", "id"), "id"))
    annotations: list[_Annotation] = []


class _OwnTask(_Task):
    id: str = Field(validation_alias=AliasPath("data", "id"))
    was: int = Field(ge=0, validation_alias=AliasPath("data", "was"))
    split: str = Field(validation_alias=AliasPath("data", "split"))
    of: str = Field(validation_alias=AliasPath("data", "of"))


def read_answers(path: Path, of: LabelledExamples) -> dict[str, LabelFile]:
    """The answers in the JSON that Label Studio exports, by the person who gave them.

    A choice of the class that an example has keeps its label; of another one, it is to have that. The last of
    a person's answers to a task counts. A task that was skipped is undecided.
    """
    rows: dict[str, list[LabelRow]] = {}
    labels = {choice_of(label): label for label in range(len(of.classes))}
    for where, task, one in _answers(path, TypeAdapter(list[_OwnTask]), _MADE_BY):
        choices = [
            choice for result in one.results if result.from_name == CONTROL for choice in result.choices
        ]
        if len(choices) > 1:
            raise BadInput(f"{where}: has {len(choices)} choices of {one.person}; give each example one")
        label, action = task.was, ""
        for choice in choices:
            if choice in labels:
                label = labels[choice]
                action = KEEP if label == task.was else RELABEL
            elif choice in (DROP, UNSURE):
                action = choice
            else:
                options = shorten([*labels, DROP, UNSURE], limit=6)
                remedy = "label with the config.xml that lies beside the tasks"
                raise BadInput(f"{where}: the answer {choice!r} is none of {options}; {remedy}")
        name = of.classes[label] if label < len(of.classes) else ""
        values = (task.id, str(label), name, str(task.was), action, one.person, one.time, task.split, task.of)
        row = LabelRow(where, dict(zip(COLUMNS, values, strict=True)))
        rows.setdefault(one.person, []).append(row)
    if not rows:
        raise BadInput(f"{path}: has no answers; {_MADE_BY} and people have looked at")
    return {person: LabelFile(path, frozenset(COLUMNS), some) for person, some in rows.items()}


class Answer(NamedTuple):
    """The names of classes by which somebody answers; none where unsure, None where there is no answer."""

    where: str
    item: str | None
    by: str
    answer: tuple[str, ...] | None
    is_drop: bool


def answers_to_tasks(path: Path, classes: Sequence[str]) -> Iterator[Answer]:
    """The last answer of each person to each task of one question of choices, in JSON of Label Studio.

    Choices in tasks of our own become names of ``classes``, where these are known.
    """
    remedy = "give the JSON that Label Studio exports of tasks with one question of choices"
    names = {choice_of(label): name for label, name in enumerate(classes)}
    questions = set[str]()
    for where, task, one in _answers(path, TypeAdapter(list[_Task]), remedy):
        results = [result for result in one.results if result.choices]
        choices = [choice for result in results for choice in result.choices]
        questions.update(result.from_name for result in results)
        if len(questions) > 1:
            raise BadInput(f"{where}: answers to {shorten(sorted(questions))}; {remedy}")
        is_drop = CONTROL in questions and DROP in choices
        if CONTROL in questions:
            choices = [names.get(name, name) for name in choices if name not in (DROP, UNSURE)]
        yield Answer(where, str(task.item), one.person, tuple(choices) if results else None, is_drop)


def answers_in_decisions(read: LabelFile, of: LabelledExamples | None) -> Iterator[Answer]:
    """The label that each row says is right, by whom; by the stem of the file's name where nobody signed.

    Names of classes count before labels, where the examples are not known.
    """
    if len(splits := {row.cells["split"] for row in read.rows} - {""}) > 1:
        raise BadInput(f"{read.path}: decisions on {shorten(sorted(splits))}; give those on one split")
    pairs = {(row.cells["label"], row.cells["class"]) for row in read.rows if row.cells["class"]}
    if of is None and any(len({*cells}) < len(pairs) for cells in zip(*pairs, strict=True)):
        problem = "labels stand beside other classes in some rows than in others"
        raise BadInput(f"{read.path}: {problem}; correct both cells where one was edited, or give the run")
    signatures = {row.cells["by"] for row in read.rows} - {""}
    nobody = signatures.pop() if len(signatures) == 1 else read.path.stem
    reader = LabelReader(of, "") if of else None
    for row in read.rows:
        cells, action = row.cells, action_in(row)
        names = _names_in(row, action, reader)
        yield Answer(row.where, cells["id"] or None, cells["by"] or nobody, names, action == DROP)


def _names_in(row: LabelRow, action: str, reader: LabelReader | None) -> tuple[str, ...] | None:
    cells = row.cells
    label, was = cells["label"].strip(), cells["was"].strip()
    if action in (DROP, UNSURE):
        return ()
    if not action and not (label and was):
        return None
    name = cells["class"].strip() or label
    if reader is not None:
        own = next(iter(reader.labels_of(was)), UNKNOWN)
        row = row if own != UNKNOWN else LabelRow(row.where, {**cells, "was": ""})
        known = reader.label(row, action, own)
        label, was, name = str(known), str(own), reader.of.classes[known or 0]
    if label == was and action in ("", RELABEL):
        return () if action else None
    return (name,)


T = TypeVar("T", bound=_Task)


def _answers(path: Path, adapter: TypeAdapter[list[T]], remedy: str) -> Iterator[tuple[str, T, _Annotation]]:
    """The last answer of each person to each task, which counts, and where it is."""
    try:
        tasks = adapter.validate_json(read_regular(path, MOST_BYTES))
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror}); {remedy}") from None
    except ValidationError as error:
        what = error.errors(include_url=False)[0]
        place = f" at {'.'.join(map(str, what['loc']))}" if what["loc"] else ""
        raise BadInput(f"{path}: is not as expected{place} ({what['msg']}); {remedy}") from None
    for number, task in enumerate(tasks, start=1):
        annotations = sorted(task.annotations, key=lambda one: one.time)
        for one in {one.person: one for one in annotations}.values():
            yield f"{path}: task {number}", task, one
