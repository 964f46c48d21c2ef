"""Files of labels: the rows that people write, what each says of which example, and data with such labels."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple, get_args

import numpy as np
import numpy.typing as npt

from easiness.data.dataset import Dataset
from easiness.data.tables.splits import open_table
from easiness.data.tables.table import is_numbers, written_in
from easiness.errors import BadInput, nearest
from easiness.gate import is_text
from easiness.regular_file import at_home
from easiness.spec import Split

KEEP, RELABEL, DROP, UNSURE = ACTIONS = ("keep", "relabel", "drop", "unsure")
"""The actions that a file of labels may name for an example."""

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
    """The rows of a file of labels, each with its place in words; ``columns`` are those that the file has.

    A row has the texts in them, and empty ones in those of `COLUMNS` that are not there.
    """

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
    """What each row says of one of the examples, which is ``of`` the ``data``: a name, an @ and a version.

    With ``by_name`` data of the same name will do, of which another part may have been held out.
    """
    reader, seen = _Reader(of), set[int]()
    for where, row in rows:
        _check_made_for(row["data"], where, data, by_name=by_name)
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


def _check_made_for(made_for: str, where: str, data: str, *, by_name: bool) -> None:
    (name, _, version), (ours, _, own) = made_for.rpartition("@"), data.rpartition("@")
    if made_for and version != own and not (by_name and name == ours):
        changed = (
            "; where the ids still mean the same examples, remove the column data" if name == ours else ""
        )
        raise BadInput(f"{where}: is of {made_for}, and not of {data}; give a file of these data{changed}")


class _Reader:
    """Finds the example and the label that a row means."""

    def __init__(self, data: Labelled) -> None:
        self._data = data
        self._at = {str(name): position for position, name in enumerate(data.ids.tolist())}
        self._whole_ids = data.ids.dtype.kind == "i"
        self._known = {name: label for label, name in enumerate(data.classes)}

    def position(self, text: str, where: str) -> int:
        """The position of the example among the data."""
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
        """The label of the example, ``None`` where it is to be dropped."""
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

    A label is the index of a class or its name; a column ``class``, where there is one, has to agree with it,
    unless the column ``was`` shows that only one of the two was edited: that one counts. Of the columns of
    `labels` (`ACTIONS`), ``action`` leaves the rows out that say ``drop``, and ``was`` has to be the label
    that the data have; other columns are not read. One to ``relabel`` whose label is what it ``was`` is left
    out: it is wrong, and what is right is not said. Spaces around an id, a label or a word do not count.

    A file with a column ``by`` has decisions on some labels: examples that it does not name keep theirs.
    The held-out split stays as it is, and rows whose ``split`` is ``held_out`` are not for training.
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
