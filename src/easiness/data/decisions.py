"""Decisions of people on labels, as a file of labels with what somebody saw has them, or Label Studio."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from easiness.data.label_files import (
    COLUMNS,
    DROP,
    RELABEL,
    UNSURE,
    Cells,
    LabelFile,
    Labelled,
    read_label_file,
    read_rows,
)
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
_MOST_BYTES = 2**30  # pictures may be in it
_MADE_BY = "give the JSON that Label Studio exports of tasks made by `export --to label-studio`"
_ARRAYS = ("at", "actions", "labels", "by", "times")


@dataclass(frozen=True, eq=False)
class Decisions:
    """What was decided on n labels of a ``split``, at the positions ``at`` [n] among its examples ``of``.

    ``actions`` [n] are of `ACTIONS`. ``labels`` [n] are those that the examples should have: their own where
    they are kept or nobody is sure, else another one, or `UNKNOWN`. ``by`` [n] and ``times`` [n] are as
    written, and may be empty. ``data`` names the data and the version of their labels. ``listed`` has the
    other cells of every row of the file, decided or not, by the position of its example, in order, and
    ``places`` where each is; ``columns`` are those that the file has. ``undecided`` are those of rows that
    somebody has looked at, by the column ``by``, without an action.
    """

    split: Split
    data: str
    of: Labelled = field(repr=False)
    at: npt.NDArray[np.int64]
    actions: npt.NDArray[np.object_]
    labels: npt.NDArray[np.int64]
    by: npt.NDArray[np.object_]
    times: npt.NDArray[np.object_]
    listed: Mapping[int, Cells] = field(default_factory=dict, repr=False)
    undecided: tuple[int, ...] = ()
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

    def part(self, chosen: npt.NDArray[np.bool_]) -> Decisions:
        """The decisions that are ``chosen`` [n], of the same file."""
        return replace(self, **{name: getattr(self, name)[chosen] for name in _ARRAYS})

    def and_those(self, other: Decisions) -> Decisions:
        """With those of another file on other labels of the same examples."""
        both: dict[str, Any] = {
            name: np.concatenate([getattr(self, name), getattr(other, name)]) for name in _ARRAYS
        }
        return replace(self, **both, listed={**self.listed, **other.listed})

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


def read_decisions(file: str | os.PathLike[str], of: Labelled, split: Split, data: str) -> Decisions:
    """The decisions in a file of labels on the examples of a split, or in answers of Label Studio.

    A row is one where its ``action`` says something, or its label is another than the example has. A label
    counts as wrong where the action is ``drop`` or ``relabel``, even where no other class is given.

    Args:
        file: a table with the columns of `labels`; those of `DECIDED` may be there. Or the JSON that Label
            Studio exports, see `read_answers`.
        of: the examples of the split.
        split: rows of the other one are not read.
        data: the name of the data and, behind an @, the version of their labels, which the column ``data``
            has to have where it says something; the name may have changed.
    """
    found = _files(file, of)
    if len(found) > 1:
        raise BadInput(
            f"{file}: has answers of {len(found)} people ({shorten(found)}); make one file of them by "
            f"`easiness labels RUN {file} -o labels.csv`"
        )
    return _decided(next(iter(found.values())), of, split, data)


def splits_in(file: str | os.PathLike[str]) -> tuple[Split, ...]:
    """The splits that the rows of a file of decisions are of; those that name none are of ``train``."""
    if _is_json(file):
        raise BadInput(f"{file}: is JSON; make a CSV of it by `easiness labels RUN {file} -o labels.csv`")
    named = {row["split"] or "train" for _, row in read_label_file(at_home(file)).rows}
    return tuple(split for split in get_args(Split) if split in named)


def decisions_by_person(
    file: str | os.PathLike[str], of: Labelled, split: Split, data: str
) -> dict[str, Decisions]:
    """The decisions in a file, as `read_decisions`, by the name of who decided.

    Rows without a name are of the only person named in the file; of several or none, by the file's own name.
    """
    answers = {name: _decided(one, of, split, data) for name, one in _files(file, of).items()}
    if "" not in answers:
        return answers
    found, stem = answers[""], at_home(file).stem
    named = sorted({*found.by.tolist()} - {""})
    names = np.where(found.by == "", named[0] if len(named) == 1 else stem, found.by)
    return {name: found.part(names == name) for name in dict.fromkeys(names.tolist() or [stem])}


def _is_json(file: str | os.PathLike[str]) -> bool:
    return at_home(file).suffix.lower() == ".json"


def _files(file: str | os.PathLike[str], of: Labelled) -> dict[str, LabelFile]:
    """The answers of each person in JSON, or all of a file of labels, under no name."""
    path = at_home(file)
    return read_answers(path, of) if _is_json(file) else {"": read_label_file(path)}


def _decided(read: LabelFile, of: Labelled, split: Split, data: str) -> Decisions:
    rows, listed, undecided, places = [], {}, [], {}
    for at, meant, action, row, where in read_rows(read.of_splits(split), of, data):
        own = int(of.labels[at])
        listed[at] = {name: cell for name, cell in row.items() if name not in COLUMNS}
        places[at] = where
        action = action or ("" if meant == own else RELABEL)
        if not action:
            undecided += [at] if row["by"] else []
            continue
        label = UNKNOWN if meant is None or (action == RELABEL and meant == own) else meant
        rows.append((at, action, label, row["by"], row["time"]))
    if not listed and any(row["split"] not in ("", split) for _, row in read.rows):
        other = "train" if split == "held_out" else "held_out"
        raise BadInput(f"{read.path}: has decisions on the other split alone; give --split {other}")
    kinds = (np.int64, object, np.int64, object, object)
    columns = zip(*rows, strict=True) if rows else [()] * len(kinds)
    fields: dict[str, Any] = {
        name: np.array(cells, kind) for name, cells, kind in zip(_ARRAYS, columns, kinds, strict=True)
    }
    fields |= {"listed": listed, "undecided": tuple(undecided), "places": places, "columns": read.columns}
    return Decisions(split, data, of, **fields)


def choice_of(label: int) -> str:
    """What stands in answers for a class: not its name, which may be that of an action, or blank."""
    return f"{_CLASS}{label}"


class _Read(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True)


class _Person(_Read):
    id: int
    email: str = ""

    @property
    def name(self) -> str:
        return self.email.strip() or f"user {self.id}"


class _Value(_Read):
    choices: list[str] = []


class _Result(_Read):
    from_name: str = ""
    value: _Value = _Value()


class _Annotation(_Read):
    completed_by: _Person | int | None = None
    was_cancelled: bool = False
    created_at: str = ""
    updated_at: str = ""
    result: list[_Result] = []

    @property
    def person(self) -> str:
        one = self.completed_by
        return one.name if isinstance(one, _Person) else "user" if one is None else f"user {one}"

    @property
    def time(self) -> str:
        return self.updated_at or self.created_at

    @property
    def choices(self) -> list[str]:
        """What was chosen; nothing where the task was skipped."""
        results = () if self.was_cancelled else self.result
        return [one for result in results if result.from_name == CONTROL for one in result.value.choices]


class _Data(_Read):
    id: str
    was: Annotated[int, Field(ge=0)]
    split: str
    of: str


class _Task(_Read):
    data: _Data
    annotations: list[_Annotation] = []


def read_answers(path: Path, of: Labelled) -> dict[str, LabelFile]:
    """The answers in the JSON that Label Studio exports, by the person who gave them.

    A choice of the class that an example has keeps its label; of another one, it is to have that. Of several
    answers of a person to a task the last counts. A task that was skipped is undecided.
    """
    rows: dict[str, list[tuple[str, Cells]]] = {}
    for number, task in enumerate(_tasks(path), start=1):
        where = f"{path}: task {number}"
        last: dict[str, _Annotation] = {}
        for one in sorted(task.annotations, key=lambda one: one.time):
            last[one.person] = one
        for person, one in last.items():
            rows.setdefault(person, []).append((where, _row(task.data, person, one, of, where)))
    if not rows:
        raise BadInput(f"{path}: has no answers; {_MADE_BY} and people have looked at")
    return {person: LabelFile(path, frozenset(COLUMNS), some) for person, some in rows.items()}


def _tasks(path: Path) -> list[_Task]:
    try:
        return TypeAdapter(list[_Task]).validate_json(read_regular(path, _MOST_BYTES))
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror}); {_MADE_BY}") from None
    except ValidationError as error:
        raise BadInput(f"{path}: {_problem(error.errors(include_url=False)[0])}; {_MADE_BY}") from None


def _problem(what: Any) -> str:
    place = ".".join(map(str, what["loc"]))
    return f"is not as expected{f' at {place}' if place else ''} ({what['msg']})"


def _row(data: _Data, person: str, one: _Annotation, of: Labelled, where: str) -> Cells:
    """The row of a file of labels that says what somebody has chosen."""
    label, action = data.was, ""
    if len(one.choices) > 1:
        raise BadInput(f"{where}: has {len(one.choices)} choices of {person}; give each example one")
    for choice in one.choices:
        if choice in (DROP, UNSURE):
            action = choice
        else:
            label = _label(choice, of, where)
            action = "keep" if label == data.was else "relabel"
    return {
        "id": data.id,
        "label": str(label),
        "class": of.classes[label] if label < len(of.classes) else "",
        "was": str(data.was),
        "action": action,
        "by": person,
        "time": one.time,
        "split": data.split,
        "data": data.of,
    }


def _label(choice: str, of: Labelled, where: str) -> int:
    number = choice.removeprefix(_CLASS)
    label = int(number) if number.isascii() and number.isdecimal() and len(number) < 10 else len(of.classes)
    if label < len(of.classes) and choice == choice_of(label):
        return label
    known = shorten([*map(choice_of, range(len(of.classes))), DROP, UNSURE], limit=6)
    raise BadInput(
        f"{where}: the answer {choice!r} is none of {known}; label with the config.xml that lies beside "
        "the tasks"
    )
