"""Files of labels: what each row says of which example, data with such labels, and decisions of people."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, get_args

import numpy as np
import numpy.typing as npt
from pydantic import AliasPath, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from easiness.data.dataset import Dataset
from easiness.data.tables.splits import open_table
from easiness.data.tables.table import is_numbers, written_in
from easiness.errors import BadInput, nearest, shorten
from easiness.gate import is_text
from easiness.regular_file import at_home, read_regular
from easiness.spec import Split

if TYPE_CHECKING:
    import pandas as pd

KEEP, RELABEL, DROP, UNSURE = ACTIONS = ("keep", "relabel", "drop", "unsure")

NEEDED = ("id", "label")
DECIDED = ("by", "time", "split", "data")
"""The columns of decisions that a file of labels may lack: who, when, of which split of which data."""
COLUMNS = (*NEEDED, "class", "was", "action", *DECIDED)
DRAWN = ("order", "stratum", "draw")
"""The columns that make a file of decisions an audit."""

Cells = Mapping[str, str]

_MOST_DIGITS = 18
_WHOLE = re.compile(r"([0-9]+)(\.0+)?")  # a spreadsheet may make 3.0 of 3


@dataclass(frozen=True, eq=False)
class Labelled:
    """The examples [K] that a file of labels is about: their ids, the labels that they have, class names.

    ``name`` is what messages call the data, and ``noun`` each of them. ``held_out`` are ids that ``holdout``,
    a share, has taken away.
    """

    name: str
    ids: npt.NDArray[Any]
    labels: npt.NDArray[np.int64]
    classes: tuple[str, ...]
    held_out: Sequence[object] = ()
    holdout: float | None = None
    noun: str = "training example"


class LabelFile(NamedTuple):
    """The rows of a file of labels, each with its place in words; ``columns`` are those that the file has."""

    path: Path
    columns: frozenset[str]
    rows: Sequence[tuple[str, Cells]]

    def of_splits(self, *splits: str) -> Iterator[tuple[str, Cells]]:
        """The rows of the splits; those that name none are of any."""
        for where, row in self.rows:
            if row["split"] not in ("", *get_args(Split)):
                raise BadInput(f"{where}: the split {row['split']!r} is unknown; write train or held_out")
            if row["split"] in ("", *splits):
                yield where, row


def read_label_file(path: Path) -> LabelFile:
    """The rows of a table of labels that are not empty, in which no column of ours stands twice."""
    table = open_table(path, ragged=True)
    for name in NEEDED:
        table.check_column(name, "; give a table with the columns id and label")
    ours = [name for name in (*COLUMNS, *DRAWN) if name in table.names]
    for name in ours:
        table.check_column(name)
    kinds = {name: table.kind(name) for name in table.names if name}
    others = [name for name, kind in kinds.items() if is_text(kind) or is_numbers(kind)]
    cells = {name: written_in(table, name) for name in dict.fromkeys((*ours, *others))}
    for name in cells.keys() & {"action", *DECIDED}:
        cells[name] = [cell.strip() for cell in cells[name]]
    empty = dict.fromkeys(COLUMNS, "")
    rows = [
        (table.name_at(at), empty | dict(zip(cells, row, strict=True)))
        for at, row in enumerate(zip(*cells.values(), strict=True))
        if any(row)
    ]
    return LabelFile(path, frozenset(cells), rows)


class Said(NamedTuple):
    """The words of a row on the example ``at`` a position: its label, ``None`` where it is to be dropped."""

    at: int
    label: int | None
    action: str
    row: Cells
    where: str


def read_rows(
    rows: Iterator[tuple[str, Cells]], of: Labelled, data: str, *, by_name: bool = False
) -> Iterator[Said]:
    """Read what each row says of an example, which is ``of`` the ``data``: a name, an @ and a version.

    With ``by_name`` data of the same name will do, of which another part may have been held out.
    """
    reader, seen = _Reader(of), set[int]()
    for where, row in rows:
        (name, _, version), (ours, _, own) = row["data"].rpartition("@"), data.rpartition("@")
        if row["data"] and version != own and not (by_name and name == ours):
            remedy = "; where the ids still mean the same examples, remove the column data"
            raise BadInput(
                f"{where}: is of {row['data']}, and not of {data}; give a file of these data"
                f"{remedy if name == ours else ''}"
            )
        at = reader.position(row["id"], where)
        if at in seen:
            raise BadInput(f"{where}: the id {row['id']!r} stands there twice; keep one of its rows")
        seen.add(at)
        action = row["action"].lower()
        if action not in ("", *ACTIONS):
            raise BadInput(
                f"{where}: the action {row['action']!r} is unknown; write {', '.join(ACTIONS)}, or nothing"
            )
        yield Said(at, reader.label(row, action, at, where), action, row, where)


class _Reader:
    """Finds the example and the label that a row means."""

    def __init__(self, data: Labelled) -> None:
        self._data = data
        self._at = {str(name): position for position, name in enumerate(data.ids.tolist())}
        self._whole_ids = data.ids.dtype.kind == "i"
        self._known = {name: label for label, name in enumerate(data.classes)}

    def position(self, text: str, where: str) -> int:
        whole = _WHOLE.fullmatch(text.strip()) if self._whole_ids else None
        forms = (text, text.strip(), *(() if whole is None else (whole[1],)))
        at = next((self._at[form] for form in forms if form in self._at), None)
        if at is not None:
            return at
        data, share = self._data, self._data.holdout
        if share is not None and text.strip() in map(str, data.held_out):
            raise BadInput(
                f"{where}: the example {text.strip()!r} is held out (--holdout {share:g}); give labels made "
                "from a run with the same --holdout, or leave it out"
            )
        raise BadInput(
            f"{where}: {data.name} has no {data.noun} with the id {text!r}"
            f"{nearest(text, self._at)}; give the file that was made for these data"
        )

    def label(self, row: Cells, action: str, position: int, where: str) -> int | None:
        own, was, classes = int(self._data.labels[position]), row["was"], self._data.classes
        if was.strip() and own not in self._meant(was):
            raise BadInput(
                f"{where}: the example {row['id']!r} was {was!r} when the file was made, and is "
                f"{classes[own]!r} here; give the data that it was made for, or make it anew"
            )
        if action == DROP:
            return None
        label = self._label(row, own, where)
        if action in (KEEP, UNSURE) and was.strip() and label != own:
            raise BadInput(
                f"{where}: the action is {action}, but the label is {classes[label]!r} and was "
                f"{classes[own]!r}; write relabel, or the label that it was"
            )
        return label

    def _label(self, row: Cells, own: int, where: str) -> int:
        text, name, classes = row["label"], row["class"], self._data.classes
        meant = self._meant(text)
        if not meant:
            leave_out = (
                "" if text.strip() else ", or write drop in the column action to leave the example out"
            )
            raise BadInput(
                f"{where}: the label {text!r} is no class{nearest(text, self._known)}; give the name of a "
                f"class, or its index from 0 to {len(classes) - 1}{leave_out}"
            )
        if not name.strip() and name not in self._known:  # a class may be called by a blank
            return meant[0]
        by_class = self._named(name)
        if named := [label for label in meant if label in by_class]:
            return named[0]
        # one of the two cells may have been edited alone: the other is what the label was
        if row["was"].strip() and by_class:
            if by_class[0] == own:
                return meant[0]
            if own in meant:
                return by_class[0]
        raise BadInput(
            f"{where}: the label {text} is the class {classes[meant[0]]!r}, but the column class says "
            f"{name!r}; correct one of them, or leave the column out"
        )

    def _meant(self, text: str) -> list[int]:
        """The labels that a text can mean: that of the name before the index."""
        whole = _WHOLE.fullmatch(text.strip())
        # of thousands of digits Python makes no number
        index = [] if whole is None or len(whole[1]) > _MOST_DIGITS else [int(whole[1])]
        return [*self._named(text), *(one for one in index if one < len(self._known))]

    def _named(self, text: str) -> list[int]:
        return [self._known[form] for form in (text, text.strip()) if form in self._known][:1]


def relabelled(data: Dataset, file: str | os.PathLike[str]) -> Dataset:
    """The training examples that a table of ``id,label`` names, with its labels, in their own order.

    A column ``class`` has to agree with the label, unless the column ``was`` shows that only one of the two
    was edited: that one counts. Rows to ``drop`` are left out, and those to ``relabel`` whose label is what
    it ``was``. A file with a column ``by`` has decisions on some labels: other examples keep theirs.
    """
    labels, _ = new_labels(data, file)
    kept = np.flatnonzero(labels >= 0)
    chosen = data._take(kept)
    options = data.load_options.model_copy(update={"labels": str(at_home(file).absolute())})
    return replace(chosen, labels=labels[kept], true_labels=labels[kept], load_options=options)


def new_labels(
    data: Dataset, file: str | os.PathLike[str], splits: Sequence[Split] = ("train",)
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """The labels [K] that `relabelled` gives, -1 where it leaves out, by rows of the ``splits``; who decided.

    Decided [K] are rows of people with an action, and those with another label or none.
    """
    read = read_label_file(at_home(file))
    decisions = "by" in read.columns
    labels = data.labels.copy() if decisions else np.full(len(data), -1, np.int64)
    decided = np.zeros(len(data), np.bool_)
    held_out = [] if data.held_out is None else data.held_out.ids.tolist()
    options = data.load_options
    of = Labelled(data.name, data.ids, data.labels, data.classes, held_out, holdout=options.holdout)
    rows = [*read.of_splits(*splits)]
    version = data.ref().version if "data" in read.columns else ""
    for said in read_rows(iter(rows), of, version, by_name=True):
        wrong = said.action == RELABEL and said.row["was"].strip()
        nameless = wrong and said.label == data.labels[said.at]  # and what is right is not said
        labels[said.at] = -1 if said.label is None or nameless else said.label
        decided[said.at] = decisions and bool(said.action)
    if not rows and not decisions:
        raise BadInput(f"{read.path}: names no example; give a row for each that is to be kept")
    left = np.bincount(labels[labels >= 0], minlength=data.num_classes)
    if not left.all():
        missing = data.classes[int(left.argmin())]
        raise BadInput(f"{read.path}: no example has the label {missing!r} any more; keep some of each class")
    return labels, decided | (labels != data.labels)


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
    """Decisions on n labels of a ``split``, at the positions ``at`` [n] among its examples ``of``.

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
        return replace(self, **{name: getattr(self, name)[chosen] for name in _ARRAYS})

    def and_those(self, other: Decisions) -> Decisions:
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

    A row is one where its ``action`` says something, or its label is another than the example has. ``data``
    is a name and, behind an @, the version of the labels, which the column ``data`` has to have where it says
    something; the name may have changed.
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
    """The decisions in a file, as `read_decisions`, by the name of who decided."""
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
        if isinstance(one, _Person):
            return one.email.strip() or f"user {one.id}"
        return "user" if one is None else f"user {one}"

    @property
    def time(self) -> str:
        return self.updated_at or self.created_at

    @property
    def choices(self) -> list[str]:
        results = () if self.was_cancelled else self.result
        return [one for result in results if result.from_name == CONTROL for one in result.choices]


class _Task(_Read):
    id: str = Field(validation_alias=AliasPath("data", "id"))
    was: int = Field(ge=0, validation_alias=AliasPath("data", "was"))
    split: str = Field(validation_alias=AliasPath("data", "split"))
    of: str = Field(validation_alias=AliasPath("data", "of"))
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
            rows.setdefault(person, []).append((where, _row(task, person, one, of, where)))
    if not rows:
        raise BadInput(f"{path}: has no answers; {_MADE_BY} and people have looked at")
    return {person: LabelFile(path, frozenset(COLUMNS), some) for person, some in rows.items()}


def _tasks(path: Path) -> list[_Task]:
    try:
        return TypeAdapter(list[_Task]).validate_json(read_regular(path, _MOST_BYTES))
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror}); {_MADE_BY}") from None
    except ValidationError as error:
        what = error.errors(include_url=False)[0]
        place = f" at {'.'.join(map(str, what['loc']))}" if what["loc"] else ""
        raise BadInput(f"{path}: is not as expected{place} ({what['msg']}); {_MADE_BY}") from None


def _row(task: _Task, person: str, one: _Annotation, of: Labelled, where: str) -> Cells:
    label, action = task.was, ""
    if len(one.choices) > 1:
        raise BadInput(f"{where}: has {len(one.choices)} choices of {person}; give each example one")
    for choice in one.choices:
        if choice in (DROP, UNSURE):
            action = choice
        else:
            label = _label(choice, of, where)
            action = "keep" if label == task.was else "relabel"
    return {
        "id": task.id,
        "label": str(label),
        "class": of.classes[label] if label < len(of.classes) else "",
        "was": str(task.was),
        "action": action,
        "by": person,
        "time": one.time,
        "split": task.split,
        "data": task.of,
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
