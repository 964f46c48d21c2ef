"""Labels from a file over those of a source: examples that it does not name are left out."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from easiness.data.dataset import Dataset
from easiness.errors import BadInput, nearest

_COLUMNS = ("id", "label")


def relabelled(data: Dataset, file: str | os.PathLike[str]) -> Dataset:
    """The training examples that a CSV file of ``id,label`` names, with its labels, in their own order.

    A label is the index of a class or its name; a column ``class``, where there is one, has to agree with
    it, and other columns are not read. The held-out split stays as it is.

    Args:
        data: whose ids the file has.
        file: CSV with a header.

    Raises:
        BadInput: the file cannot be read, lacks a column, has an id that the data lack or twice, has a label
            that is no class, or leaves a class without examples.
    """
    path = Path(file)
    rows = _read(path)
    at = {name: position for position, name in enumerate(map(str, data.ids.tolist()))}
    known = {name: label for label, name in enumerate(data.classes)}
    labels: npt.NDArray[np.int64] = np.full(len(data), -1, np.int64)
    for number, row in enumerate(rows, start=2):
        where = f"{path}: row {number}"
        position = at.get(row["id"])
        if position is None:
            raise BadInput(
                f"{where}: {data.name} has no training example with the id {row['id']!r}"
                f"{nearest(row['id'], at)}; give the file that was made for these data"
            )
        if labels[position] >= 0:
            raise BadInput(f"{where}: the id {row['id']!r} stands there twice; keep one of its rows")
        labels[position] = _label(row, known, where)
    kept = np.flatnonzero(labels >= 0)
    left = np.bincount(labels[kept], minlength=data.num_classes)
    if not left.all():
        missing = data.classes[int(left.argmin())]
        raise BadInput(f"{path}: no example has the label {missing!r} any more; keep some of each class")
    chosen = data._take(kept)
    options = data.load_options.model_copy(update={"labels": str(path.absolute())})
    return replace(chosen, labels=labels[kept], true_labels=labels[kept], load_options=options)


def _label(row: Mapping[str, str], known: Mapping[str, int], where: str) -> int:
    text = row["label"]
    if text in known:
        label = known[text]
    elif text.isascii() and text.isdigit() and int(text) < len(known):
        label = int(text)
    else:
        raise BadInput(
            f"{where}: the label {text!r} is no class{nearest(text, known)}; give the name of a class, or "
            f"its index from 0 to {len(known) - 1}"
        )
    named = row.get("class", "")
    if named and known.get(named) != label:
        raise BadInput(
            f"{where}: the label {text} is the class {list(known)[label]!r}, but the column class says "
            f"{named!r}; correct one of them, or leave the column out"
        )
    return label


def _read(path: Path) -> list[dict[str, str]]:
    """The rows as text, with the columns that count."""
    import pandas as pd

    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except OSError as error:
        raise BadInput(f"{path}: the labels cannot be read ({error.strerror or error})") from None
    except (UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise BadInput(f"{path}: the labels are no CSV ({str(error).strip()})") from None
    lacking = [name for name in _COLUMNS if name not in table.columns]
    if lacking:
        raise BadInput(
            f"{path}: has no column {lacking[0]!r}; give a CSV with a header and the columns id and label"
        )
    if not len(table):
        raise BadInput(f"{path}: names no example; give a row for each that is to be kept")
    columns = [name for name in (*_COLUMNS, "class") if name in table.columns]
    return [dict(zip(columns, row, strict=True)) for row in table[columns].itertuples(index=False)]
