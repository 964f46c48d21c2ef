"""Decisions of people on labels, in files of labels and in answers of Label Studio."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, get_args

import numpy as np
import numpy.typing as npt
from pydantic import AliasChoices, AliasPath, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from easiness.data.label_files import (
    COLUMNS,
    DROP,
    KEEP,
    RELABEL,
    UNSURE,
    Cells,
    LabelFile,
    LabelledExamples,
    LabelReader,
    LabelRow,
    action_in,
    read_label_file,
)
from easiness.data.tags import TAG
from easiness.errors import BadInput, shorten
from easiness.regular_file import at_home, read_regular
from easiness.spec import Split

if TYPE_CHECKING:
    import pandas as pd

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
