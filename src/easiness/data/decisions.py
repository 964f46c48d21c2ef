"""Decisions of people on labels: a file of labels with what somebody saw of some examples."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, get_args

import numpy as np
import numpy.typing as npt

from easiness.data.label_files import (
    COLUMNS,
    DROP,
    RELABEL,
    UNSURE,
    Cells,
    LabelFile,
    Labelled,
    LabelReader,
    check_made_for,
    read_label_file,
)
from easiness.data.label_studio import read_answers
from easiness.errors import BadInput, shorten
from easiness.regular_file import at_home
from easiness.spec import Split

if TYPE_CHECKING:
    import pandas as pd

UNKNOWN = -1
"""For the class of an example whose label is decided to be wrong, where no other one is named."""


@dataclass(frozen=True, eq=False)
class Decisions:
    """What was decided on n labels of a ``split``, at the positions ``at`` [n] among its examples ``of``.

    ``actions`` [n] are of `ACTIONS`. ``labels`` [n] are those that the examples should have: their own where
    they are kept or nobody is sure, else another one, or `UNKNOWN`. ``by`` [n] and ``times`` [n] are as
    written, and may be empty. ``data`` names the data and the version of their labels. ``listed`` has the
    other cells of every row of the file, decided or not, by the position of its example, in order.
    ``undecided`` are those of rows that somebody has looked at, by the column ``by``, without an action.
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

    def table(self) -> pd.DataFrame:
        """The file of decisions, a row each: columns as `clean` writes them, then who, when and of what.

        ``id``, ``label``, ``class``, ``was``, ``action``, ``by``, ``time``, ``split``, ``data``.
        """
        import pandas as pd

        was = self.of.labels[self.at]
        labels = np.where(self.labels == UNKNOWN, was, self.labels)
        values = (
            self.of.ids[self.at],
            labels,
            np.array(self.of.classes, object)[labels],
            was,
            self.actions,
            self.by,
            self.times,
            np.full(len(self), self.split, object),
            np.full(len(self), self.data, object),
        )
        return pd.DataFrame(dict(zip(COLUMNS, values, strict=True)))


def read_decisions(file: str | os.PathLike[str], of: Labelled, split: Split, data: str) -> Decisions:
    """The decisions in a CSV file of labels on the examples of a split, or in answers of Label Studio.

    A row is one where its ``action`` says something, or its label is another than the example has. A label
    counts as wrong where the action is ``drop`` or ``relabel``, even where no other class is given.

    Args:
        file: CSV with a header and the columns of `clean`; those of `DECIDED` may be there. Or the JSON that
            Label Studio exports, see `read_answers`.
        of: the examples of the split.
        split: rows of the other one are not read.
        data: the name of the data and, behind an @, the version of their labels, which the column ``data``
            has to have where it says something; the name may have changed.

    Raises:
        BadInput: as `relabelled`; the file is of other data, or of the other split alone, or has answers of
            several people.
    """
    path = at_home(file)
    if path.suffix.lower() != ".json":
        return _decided(read_label_file(path), of, split, data)
    answers = read_answers(path, of)
    if len(answers) > 1:
        raise BadInput(
            f"{file}: has answers of {len(answers)} people ({shorten(answers)}); make one file of them by "
            "`easiness decisions`"
        )
    return _decided(next(iter(answers.values())), of, split, data)


def splits_in(file: str | os.PathLike[str]) -> tuple[Split, ...]:
    """The splits that the rows of a CSV file of decisions are of; those that name none are of ``train``."""
    if at_home(file).suffix.lower() == ".json":
        raise BadInput(f"{file}: is JSON; make a CSV of it by `easiness decisions RUN {file} -o labels.csv`")
    named = {row.get("split", "").strip() or "train" for _, row in read_label_file(at_home(file)).rows}
    return tuple(split for split in get_args(Split) if split in named)


def decisions_by_person(
    file: str | os.PathLike[str], of: Labelled, split: Split, data: str
) -> dict[str, Decisions]:
    """The decisions in a file, as `read_decisions`, by the name of who decided.

    Rows without a name are of the only person named in the file; of several or none, by the file's own name.
    """
    path = at_home(file)
    if path.suffix.lower() == ".json":
        answers = read_answers(path, of)
        return {name: _decided(one, of, split, data) for name, one in answers.items()}
    found = _decided(read_label_file(path), of, split, data)
    named = sorted({*found.by.tolist()} - {""})
    names = np.where(found.by == "", named[0] if len(named) == 1 else path.stem, found.by)
    return {name: _part(found, names == name) for name in dict.fromkeys(names.tolist() or [path.stem])}


def _part(found: Decisions, chosen: npt.NDArray[np.bool_]) -> Decisions:
    arrays = {name: getattr(found, name)[chosen] for name in ("at", "actions", "labels", "by", "times")}
    return replace(found, **arrays)


def _decided(read: LabelFile, of: Labelled, split: Split, data: str) -> Decisions:
    reader, rows, listed, undecided = LabelReader(of), [], {}, []
    for where, row in read.of_splits(split):
        check_made_for(row, where, data)
        at = reader.position(row["id"], where)
        label, own = reader.label(row, at, where), int(of.labels[at])
        listed[at] = {name: cell for name, cell in row.items() if name not in COLUMNS}
        action, by = reader.action(row, where) or ("" if label == own else RELABEL), row.get("by", "").strip()
        if not action:
            undecided += [at] if by else []
            continue
        label = UNKNOWN if label is None or (action == RELABEL and label == own) else label
        rows.append((at, action, label, by, row.get("time", "").strip()))
    if not listed and any(row.get("split", "").strip() not in ("", split) for _, row in read.rows):
        other = "train" if split == "held_out" else "held_out"
        raise BadInput(f"{read.path}: has decisions on the other split alone; give --split {other}")
    columns = [*zip(*rows, strict=True)] if rows else [()] * 5
    return Decisions(
        split,
        data,
        of,
        at=np.array(columns[0], np.int64),
        actions=np.array(columns[1], object),
        labels=np.array(columns[2], np.int64),
        by=np.array(columns[3], object),
        times=np.array(columns[4], object),
        listed=listed,
        undecided=tuple(undecided),
    )
