"""Labels from a file over those of a source: examples that it does not name are left out."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from easiness.csv_cells import csv_rows, from_cell
from easiness.data.dataset import Dataset
from easiness.errors import BadInput, nearest

KEEP, RELABEL, DROP = ACTIONS = ("keep", "relabel", "drop")
"""The actions that a file of labels may name for an example."""

NEEDED = ("id", "label")
COLUMNS = (*NEEDED, "class", "was", "action")

Cells = Mapping[str, str]

_WHOLE = re.compile(r"([0-9]+)(\.0+)?")  # a spreadsheet may make 3.0 of 3


def relabelled(data: Dataset, file: str | os.PathLike[str]) -> Dataset:
    """The training examples that a CSV file of ``id,label`` names, with its labels, in their own order.

    A label is the index of a class or its name; a column ``class``, where there is one, has to agree with it,
    unless the column ``was`` shows that only one of the two was edited: that one counts. Of the columns of
    `clean` (`ACTIONS`), ``action`` leaves the rows out that say ``drop``, and ``was`` has to be the label
    that the data have; other columns are not read. Spaces around an id, a label or a word do not count. The
    held-out split stays as it is.

    Args:
        data: whose ids the file has.
        file: CSV with a header, separated by commas, semicolons or tabs.

    Raises:
        BadInput: the file cannot be read, lacks a column, has an id that the data lack or twice, a label
            that is no class, an unknown action or a ``was`` of other data, says ``keep`` of another label
            than it was, or leaves a class without examples.
    """
    path = Path(file)
    labels: npt.NDArray[np.int64] = np.full(len(data), -1, np.int64)
    named = np.zeros(len(data), np.bool_)
    reader = _Reader(data)
    for number, row in _read_rows(path):
        where = f"{path}: row {number}"
        position = reader.position(row["id"], where)
        if named[position]:
            raise BadInput(f"{where}: the id {row['id']!r} stands there twice; keep one of its rows")
        named[position] = True
        label = reader.label(row, position, where)
        labels[position] = -1 if label is None else label
    if not named.any():
        raise BadInput(f"{path}: names no example; give a row for each that is to be kept")
    kept = np.flatnonzero(labels >= 0)
    left = np.bincount(labels[kept], minlength=data.num_classes)
    if not left.all():
        missing = data.classes[int(left.argmin())]
        raise BadInput(f"{path}: no example has the label {missing!r} any more; keep some of each class")
    chosen = data._take(kept)
    options = data.load_options.model_copy(update={"labels": str(path.absolute())})
    return replace(chosen, labels=labels[kept], true_labels=labels[kept], load_options=options)


def _read_rows(path: Path) -> Iterator[tuple[int, Cells]]:
    """The rows, each with its number as a spreadsheet counts and the text of the `COLUMNS` that are there."""
    rows = csv_rows(path, "file of labels")
    _, header = next(rows, (1, []))
    header = [name.strip() for name in header]
    places = _places(path, header)
    for number, (_, cells) in enumerate(rows, start=2):
        if any(cells):
            yield number, _named(f"{path}: row {number}", cells, places, len(header))


def _places(path: Path, header: list[str]) -> dict[str, int]:
    for name in COLUMNS:
        if header.count(name) > 1:
            raise BadInput(f"{path}: has the column {name!r} twice; keep one of them")
    for name in NEEDED:
        if name not in header:
            raise BadInput(
                f"{path}: has no column {name!r}; give a CSV with a header and the columns id and label"
            )
    return {name: header.index(name) for name in COLUMNS if name in header}


def _named(where: str, cells: list[str], places: Mapping[str, int], width: int) -> Cells:
    """The cells by column; those that a spreadsheet has left out at the end of a row are empty."""
    if any(cells[width:]):
        raise BadInput(f"{where}: has {len(cells)} cells for the {width} columns; mend the quotes")
    return {name: from_cell(cells[place]) if place < len(cells) else "" for name, place in places.items()}


class _Reader:
    """Finds the example and the label that a row means."""

    def __init__(self, data: Dataset) -> None:
        self._data = data
        self._at = {str(name): position for position, name in enumerate(data.ids.tolist())}
        self._whole_ids = data.ids.dtype.kind == "i"
        self._known = {name: label for label, name in enumerate(data.classes)}

    def position(self, text: str, where: str) -> int:
        """The position of the example among the data."""
        for form in (text, text.strip()):
            if form in self._at:
                return self._at[form]
        whole = _WHOLE.fullmatch(text.strip()) if self._whole_ids else None
        if whole is not None and whole[1] in self._at:
            return self._at[whole[1]]
        data, share = self._data, self._data.load_options.holdout
        held_out = data.held_out.ids.tolist() if data.held_out is not None and share is not None else []
        if text.strip() in map(str, held_out):
            raise BadInput(
                f"{where}: the example {text.strip()!r} is held out (--holdout {share:g}); give labels made "
                "from a run with the same --holdout"
            )
        raise BadInput(
            f"{where}: {data.name} has no training example with the id {text!r}"
            f"{nearest(text, self._at)}; give the file that was made for these data"
        )

    def label(self, row: Cells, position: int, where: str) -> int | None:
        """The label of the example, ``None`` where it is to be dropped."""
        action = row.get("action", "").strip().lower()
        if action and action not in ACTIONS:
            raise BadInput(
                f"{where}: the action {row['action']!r} is unknown; write {', '.join(ACTIONS)}, or nothing"
            )
        own, was = int(self._data.labels[position]), row.get("was", "")
        if was.strip() and own not in self._meant(was):
            raise BadInput(
                f"{where}: the example {row['id']!r} was {was!r} when the file was made, and is "
                f"{self._data.classes[own]!r} here; give the data that it was made for, or make it anew"
            )
        if action == DROP:
            return None
        label = self._label(row, own, where)
        if action == KEEP and was.strip() and label != own:
            raise BadInput(
                f"{where}: the action is keep, but the label is {self._data.classes[label]!r} and was "
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
        index = [int(whole[1])] if whole is not None and int(whole[1]) < len(self._known) else []
        return [*_by_name(text, self._known), *index]


def _by_name(text: str, known: Mapping[str, int]) -> Sequence[int]:
    return [known[form] for form in dict.fromkeys((text, text.strip())) if form in known][:1]
