"""Labels from a file over those of a source: examples that it does not name are left out."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from easiness.data.dataset import Dataset
from easiness.data.label_files import RELABEL, Labelled, LabelReader, check_made_for, read_label_file
from easiness.errors import BadInput
from easiness.regular_file import at_home
from easiness.spec import Split


def relabelled(data: Dataset, file: str | os.PathLike[str]) -> Dataset:
    """The training examples that a CSV file of ``id,label`` names, with its labels, in their own order.

    A label is the index of a class or its name; a column ``class``, where there is one, has to agree with it,
    unless the column ``was`` shows that only one of the two was edited: that one counts. Of the columns of
    `clean` (`ACTIONS`), ``action`` leaves the rows out that say ``drop``, and ``was`` has to be the label
    that the data have; other columns are not read. One to ``relabel`` whose label is what it ``was`` is left
    out: it is wrong, and what is right is not said. Spaces around an id, a label or a word do not count.

    A file with a column ``by`` has decisions on some labels: examples that it does not name keep theirs.
    The held-out split stays as it is, and rows whose ``split`` is ``held_out`` are not for training.

    Args:
        data: whose ids the file has.
        file: CSV with a header, separated by commas, semicolons or tabs.

    Raises:
        BadInput: the file cannot be read, lacks a column, has an id that the data lack or twice, a label
            that is no class, an unknown action or a ``was`` of other data, says ``keep`` of another label
            than it was, or leaves a class without examples.
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
    path = at_home(file)
    read = read_label_file(path)
    decisions = "by" in read.columns
    labels = data.labels.copy() if decisions else np.full(len(data), -1, np.int64)
    decided = np.zeros(len(data), np.bool_)
    reader = LabelReader(_labelled(data))
    rows = [*read.of_splits(*splits)]
    version = data.ref().version if "data" in read.columns else ""
    for where, row in rows:
        check_made_for(row, where, version, by_name=True)
        position = reader.position(row["id"], where)
        label = reader.label(row, position, where)
        wrong = reader.action(row, where) == RELABEL and row.get("was", "").strip()
        nameless = wrong and label == data.labels[position]  # and what is right is not said
        labels[position] = -1 if label is None or nameless else label
        decided[position] = decisions and bool(reader.action(row, where))
    if not rows and not decisions:
        raise BadInput(f"{path}: names no example; give a row for each that is to be kept")
    left = np.bincount(labels[labels >= 0], minlength=data.num_classes)
    if not left.all():
        missing = data.classes[int(left.argmin())]
        raise BadInput(f"{path}: no example has the label {missing!r} any more; keep some of each class")
    return labels, decided | (labels != data.labels)


def _labelled(data: Dataset) -> Labelled:
    """The training examples of the data, as a file of labels is about them."""
    held_out = [] if data.held_out is None else data.held_out.ids.tolist()
    return Labelled(
        data.name, data.ids, data.labels, data.classes, held_out, holdout=data.load_options.holdout
    )
