"""Files of labels: the rows that people write, and which example, label and action each means."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from easiness.csv_cells import csv_rows, from_cell
from easiness.errors import BadInput, nearest

KEEP, RELABEL, DROP, UNSURE = ACTIONS = ("keep", "relabel", "drop", "unsure")
"""The actions that a file of labels may name for an example."""

NEEDED = ("id", "label")
DECIDED = ("by", "time", "split", "data")
"""The columns of decisions that a file of labels may lack: who, when, of which split of which data."""
COLUMNS = (*NEEDED, "class", "was", "action", *DECIDED)

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


@dataclass(frozen=True)
class LabelFile:
    """The ``rows`` of a file of labels, each with its number as a spreadsheet counts, from 2.

    They have the text of the ``columns`` that are there, those of others too. ``noun`` is what a row is to
    people.
    """

    path: Path
    columns: frozenset[str]
    rows: tuple[tuple[int, Cells], ...]
    noun: str = "row"

    def of_splits(self, *splits: str) -> Iterator[tuple[str, Cells]]:
        """Where each row of the splits is, in words, and the row; rows that name none are of any."""
        for number, row in self.rows:
            named, where = row.get("split", "").strip(), f"{self.path}: {self.noun} {number}"
            if named not in ("", "train", "held_out"):
                raise BadInput(f"{where}: the split {named!r} is unknown; write train or held_out")
            if named in ("", *splits):
                yield where, row


def read_label_file(path: Path, once: Sequence[str] = ()) -> LabelFile:
    """The rows of a CSV file of labels, in which none of `COLUMNS` and of ``once`` stands twice."""
    rows = csv_rows(path, "file of labels")
    _, header = next(rows, (1, []))
    header = [name.strip() for name in header]
    places = _places(path, header, once)
    read = (
        (number, _named(f"{path}: row {number}", cells, places, len(header)))
        for number, (_, cells) in enumerate(rows, start=2)
        if any(cells)
    )
    return LabelFile(path, frozenset(places), tuple(read))


def _places(path: Path, header: list[str], once: Sequence[str]) -> dict[str, int]:
    for name in (*COLUMNS, *once):
        if header.count(name) > 1:
            raise BadInput(f"{path}: has the column {name!r} twice; keep one of them")
    for name in NEEDED:
        if name not in header:
            raise BadInput(
                f"{path}: has no column {name!r}; give a CSV with a header and the columns id and label"
            )
    return {name: header.index(name) for name in header if name}


def _named(where: str, cells: list[str], places: Mapping[str, int], width: int) -> Cells:
    """The cells by column; those that a spreadsheet has left out at the end of a row are empty."""
    if any(cells[width:]):
        raise BadInput(f"{where}: has {len(cells)} cells for the {width} columns; mend the quotes")
    return {name: from_cell(cells[place]) if place < len(cells) else "" for name, place in places.items()}


def check_made_for(row: Cells, where: str, data: str, *, by_name: bool = False) -> None:
    """Make sure that a row does not say that it is of other ``data``, which are a name, an @ and a version.

    With ``by_name`` data of the same name will do, of which another part may have been held out.
    """
    made_for = row.get("data", "").strip()
    (name, _, version), (ours, _, own) = made_for.rpartition("@"), data.rpartition("@")
    if made_for and version != own and not (by_name and name == ours):
        changed = (
            "; where the ids still mean the same examples, remove the column data" if name == ours else ""
        )
        raise BadInput(f"{where}: is of {made_for}, and not of {data}; give a file of these data{changed}")


class LabelReader:
    """Finds the example, the action and the label that a row means."""

    def __init__(self, data: Labelled) -> None:
        self._data = data
        self._seen: set[int] = set()
        self._at = {str(name): position for position, name in enumerate(data.ids.tolist())}
        self._whole_ids = data.ids.dtype.kind == "i"
        self._known = {name: label for label, name in enumerate(data.classes)}

    def position(self, text: str, where: str) -> int:
        """The position of the example among the data, which no other row may have."""
        whole = _WHOLE.fullmatch(text.strip()) if self._whole_ids else None
        forms = (text, text.strip(), *(() if whole is None else (whole[1],)))
        at = next((self._at[form] for form in forms if form in self._at), None)
        if at is None:
            raise self._unknown(text, where)
        if at in self._seen:
            raise BadInput(f"{where}: the id {text!r} stands there twice; keep one of its rows")
        self._seen.add(at)
        return at

    def _unknown(self, text: str, where: str) -> BadInput:
        data, share = self._data, self._data.holdout
        if share is not None and text.strip() in map(str, data.held_out):
            return BadInput(
                f"{where}: the example {text.strip()!r} is held out (--holdout {share:g}); give labels made "
                "from a run with the same --holdout, or leave it out"
            )
        return BadInput(
            f"{where}: {data.name} has no {data.noun} with the id {text!r}"
            f"{nearest(text, self._at)}; give the file that was made for these data"
        )

    def action(self, row: Cells, where: str) -> str:
        """The action that the row names; empty where it names none."""
        action = row.get("action", "").strip().lower()
        if action and action not in ACTIONS:
            raise BadInput(
                f"{where}: the action {row['action']!r} is unknown; write {', '.join(ACTIONS)}, or nothing"
            )
        return action

    def label(self, row: Cells, position: int, where: str) -> int | None:
        """The label of the example, ``None`` where it is to be dropped."""
        action = self.action(row, where)
        own, was = int(self._data.labels[position]), row.get("was", "")
        if was.strip() and own not in self._meant(was):
            raise BadInput(
                f"{where}: the example {row['id']!r} was {was!r} when the file was made, and is "
                f"{self._data.classes[own]!r} here; give the data that it was made for, or make it anew"
            )
        if action == DROP:
            return None
        label = self._label(row, own, where)
        if action in (KEEP, UNSURE) and was.strip() and label != own:
            raise BadInput(
                f"{where}: the action is {action}, but the label is {self._data.classes[label]!r} and was "
                f"{self._data.classes[own]!r}; write relabel, or the label that it was"
            )
        return label

    def _label(self, row: Cells, own: int, where: str) -> int:
        text, classes = row["label"], self._data.classes
        meant = self._meant(text)
        if not meant:
            leave_out = (
                "" if text.strip() else ", or write drop in the column action to leave the example out"
            )
            raise BadInput(
                f"{where}: the label {text!r} is no class{nearest(text, self._known)}; give the name of a "
                f"class, or its index from 0 to {len(classes) - 1}{leave_out}"
            )
        name = row.get("class", "")
        if not name.strip() and name not in self._known:  # a class may be called by a blank
            return meant[0]
        by_class = _by_name(name, self._known)
        named = [label for label in meant if label in by_class]
        if named:
            return named[0]
        # one of the two cells may have been edited alone: the other is what the label was
        if row.get("was", "").strip() and by_class:
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
        return [*_by_name(text, self._known), *(one for one in index if one < len(self._known))]


def _by_name(text: str, known: Mapping[str, int]) -> Sequence[int]:
    return [known[form] for form in dict.fromkeys((text, text.strip())) if form in known][:1]
