"""Runs of probabilities that somebody else has, of models that did not see the example."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from easiness.data import INTEGER, Table, names_in, open_table, table_of_frame
from easiness.errors import BadInput, shorten
from easiness.gate import mapped_array, read_npz, reading
from easiness.lazy import Array, Floats, Integers, pd
from easiness.records import to_numpy
from easiness.regular_file import at_home
from easiness.standard_error import say_on_stderr
from easiness.store.recorder import TOLERANCE, Recorder
from easiness.store.run import Run

_ARRAYS = {"label": ("labels", "y"), "": ("pred_probs", "probabilities")}  # in an ``.npz`` file of several
_FORM = "give a row a label and a column a class, two or more of both"


def record_probabilities(
    probabilities: Any, labels: Any, out: Path, *, ids: Any = None, classes: Sequence[str] | None = None
) -> Run:
    """Record probabilities as trials that left every example out; those that the run has stay.

    Args:
        probabilities: of K examples and C classes: an array [K, C], a DataFrame, or a file, ``.npy``,
            ``.npz`` or a table with a column a class and perhaps ``id``. A list of such, or an array
            [T, K, C], is several trials; equal ones count once.
        labels: K classes, by name or number, in the same forms; of tables the column ``label``.
        out: folder of the run.
        ids: K integers or strings; those of the tables by default, else 0, 1, ...
        classes: C names in the order of the columns; by default the columns' own, else the labels, sorted.

    Raises:
        BadInput: something cannot be read, is no probability, or does not fit the rest.
    """
    several = isinstance(probabilities, list | tuple) and any(np.ndim(one) != 1 for one in probabilities)
    several = several or getattr(probabilities, "ndim", 0) == 3
    parts = [_read(one, "probabilities") for one in (probabilities if several else [probabilities])]
    where, own = _read(labels, "labels", "label")
    own_ids = [one.index.to_numpy() for one in (own, *(p for _, p in parts)) if not _are_numbers(one.index)]
    ids = to_numpy(ids) if ids is not None else own_ids[0] if own_ids else np.arange(len(own))
    (_, first), *_ = parts
    matrices = [_in_order(p, one, ids, first) for one, p in parts]
    if classes is None and not _are_numbers(first.columns):
        classes = list(first.columns)
    numbers, names = _numbers(where, own.to_numpy(), classes, first.shape[1])
    present = np.unique(numbers)
    if 2 <= len(present) < len(names):
        absent = shorten(name for at, name in enumerate(names) if at not in present)
        say_on_stderr(f"note: classes left out, that no label is, and rows scaled to sum to 1: {absent}")
        numbers, names = np.searchsorted(present, numbers), [names[at] for at in present]
        rest = [p[:, present] + np.finfo(float).tiny for p in matrices]  # 0 everywhere is any class
        matrices = [p / p.sum(axis=1, keepdims=True) for p in rest]
    trials = {int(hashlib.sha256(p.tobytes()).hexdigest()[:16], 16): p for p in matrices}
    kind: Literal["probabilities"] = "probabilities"
    recorder = Recorder(out, ids=ids, labels=numbers, classes=names, model=kind, outputs=kind)
    for seed, p in trials.items():
        if seed not in recorder:
            with recorder.trial(seed, trained_on=ids[:0]) as trial:
                trial.update(ids, p)
                trial.end_epoch()
    if again := len(matrices) - len(trials):
        say_on_stderr(f"note: {again} of {len(matrices)} matrices equal others, and count once")
    return recorder.run


def _are_numbers(index: pd.Index[Any]) -> bool:
    """Are rows or columns numbered alone, without ids or names?"""
    return isinstance(index, pd.RangeIndex)


def _read(source: Any, where: str, column: str = "") -> tuple[str, pd.DataFrame]:
    """The ``column`` of a table, by default all that are of classes, or an array; and where it is from."""
    if isinstance(source, str | os.PathLike):
        path = at_home(source)
        where, source = str(path), _of_file(path, _ARRAYS[column])
    if hasattr(source, "columns"):
        source = table_of_frame(source, where)
    if not isinstance(source, Table):
        with reading(where, _FORM, "no rows and columns"):
            return where, pd.DataFrame(to_numpy(source))
    ids = np.array(names_in(source, "id", "of examples"), object) if "id" in source.names else None
    if ids is not None and all(map(INTEGER.fullmatch, ids)):
        ids = ids.astype(np.int64)
    if column:
        return where, pd.DataFrame({column: names_in(source, column, "of examples")}, ids, dtype=object)
    columns = {one: source.column(one).to_numpy() for one in source.names if one not in ("id", "label")}
    if not columns:
        raise BadInput(f"{where}: no column of probabilities; give one for each class")
    return where, pd.DataFrame(columns, ids)


def _of_file(path: Path, names: Sequence[str]) -> Any:
    if path.suffix == ".npy":
        return mapped_array(path)
    if path.suffix != ".npz":
        return open_table(path)
    arrays = read_npz(path, None, ())
    choice = [*arrays] if len(arrays) == 1 else [one for one in names if one in arrays]
    if not choice:
        raise BadInput(f"{path}: has the arrays {shorten(arrays, 9) or 'none'}; name one {names[0]}")
    return arrays[choice[0]]


def _in_order(table: pd.DataFrame, where: str, ids: Array, first: pd.DataFrame) -> Floats:
    """Probabilities [K, C], rows in the order of the ids, and columns with names in that of the ``first``."""
    shape = (len(ids), first.shape[1])
    if table.shape != shape or min(shape) < 2:
        texts = [" x ".join(map(str, one)) for one in (table.shape, shape)]
        raise BadInput(f"{where}: is {texts[0]}, for {texts[1]} labels and classes; {_FORM}")
    if not _are_numbers(table.columns) and not _are_numbers(first.columns):
        if {*table.columns} != {*first.columns}:
            raise BadInput(f"{where}: has other columns than the first; give the same classes in both")
        table = table[first.columns]
    with reading(where, "give a column for each class", "holds no numbers alone"):
        p = np.ascontiguousarray(table, np.float64)
    bad = ~((p >= 0).all(axis=1) & (np.abs(p.sum(axis=1) - 1) <= TOLERANCE))  # nor NaN
    if bad.any():
        row = int(bad.argmax())
        problem = f"row {row} is {shorten((f'{one:g}' for one in p[row]), 5)}, no probabilities that sum to 1"
        raise BadInput(f"{where}: {problem}; mend it, or give of logits their softmax")
    if _are_numbers(table.index):
        return p
    at = table.index.get_indexer(pd.Index(ids)) if table.index.is_unique else np.full(len(ids), -1)
    if (at < 0).any():
        name = ids.tolist()[int((at < 0).argmax())]
        raise BadInput(f"{where}: has no row, or several, of the id {name!r:.80}; give each label one row")
    return np.ascontiguousarray(p[at])


def _numbers(where: str, cells: Array, names: Sequence[str] | None, num: int) -> tuple[Integers, list[str]]:
    """The numbers of labels [K], and the names of the ``num`` classes."""
    texts = [str(one).strip() for one in cells.ravel().tolist()]
    if cells.dtype.kind == "f":
        texts = [one.removesuffix(".0") for one in texts]
    if names is None:
        numbers = all(map(INTEGER.fullmatch, texts))
        names = sorted({*texts}, key=int if numbers else str)
        if len(names) != num or (numbers and int(names[-1]) < num):
            names = list(map(str, range(num)))
        elif numbers:
            some = shorten(names)
            say_on_stderr(f"note: {where}: the columns 0 to {num - 1} are taken for {some}, in their order")
    places = {str(at): at for at in range(num)} | {str(one): at for at, one in enumerate(names)}
    for row, text in enumerate(texts):
        if text not in places:
            classes = f"none of the {num} classes that have a column ({shorten(names, 9)})"
            raise BadInput(f"{where}: row {row}: the label {text!r:.80} is {classes}; mend it, or name those")
    return np.array([places[text] for text in texts], np.int64), [str(one) for one in names]
