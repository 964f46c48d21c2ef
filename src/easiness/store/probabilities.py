"""Runs of probabilities that somebody else has, of models that did not see the example."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from easiness.data import INTEGER, open_table
from easiness.errors import BadInput, nearest, shorten
from easiness.gate import mapped_array, read_npz
from easiness.lazy import Floats, Integers, pd
from easiness.records import to_numpy
from easiness.regular_file import at_home
from easiness.standard_error import say_on_stderr
from easiness.store.recorder import TOLERANCE, Recorder
from easiness.store.run import Run

_ARRAYS = {"label": ("labels", "y"), "": ("pred_probs", "probabilities")}  # in an ``.npz`` file of several


class _NamedArray(NamedTuple):
    """An array [K, ...], with the names of its columns and the ids of its rows, where these have some."""

    where: str
    array: npt.NDArray[Any]
    names: list[str] | None = None
    ids: npt.NDArray[Any] | None = None


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
    of_labels = _read(labels, "labels", "label")
    own_ids = [ids, of_labels.ids, *(one.ids for one in parts), np.arange(len(of_labels.array))]
    ids = to_numpy(next(one for one in own_ids if one is not None))
    matrices = [_in_order(one, ids, parts[0]) for one in parts]
    numbers, names = _numbers(of_labels, parts[0].names if classes is None else classes, matrices[0].shape[1])
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


def _read(source: Any, where: str, column: str = "") -> _NamedArray:
    """An array, or the ``column`` of a table, by default all that are of classes; from a file or Python."""
    if isinstance(source, str | os.PathLike):
        path = at_home(source)
        where, source = str(path), _of_file(path, _ARRAYS[column])
    if not hasattr(source, "columns"):
        return _NamedArray(where, to_numpy(source))
    columns = {str(one): np.asarray(source[one]) for one in source.columns}
    if len(columns) < len(source.columns):
        raise BadInput(f"{where}: two columns have one name; name each its own")
    ids = np.array([str(one).strip() for one in columns["id"]], object) if "id" in columns else None
    if ids is not None and all(map(INTEGER.fullmatch, ids)):
        ids = ids.astype(np.int64)
    if column and column not in columns:
        raise BadInput(f"{where}: no column {column}{nearest(column, columns)}; it has {shorten(columns, 9)}")
    if column:
        return _NamedArray(where, columns[column], None, ids)
    names = [one for one in columns if one not in ("id", "label")]
    if not names:
        raise BadInput(f"{where}: no column of probabilities; give one for each class")
    return _NamedArray(where, np.stack([columns[one] for one in names], axis=1), names, ids)


def _of_file(path: Path, names: Sequence[str]) -> Any:
    if path.suffix == ".npy":
        return mapped_array(path)
    if path.suffix != ".npz":
        table = open_table(path)
        return pd.DataFrame({name: table.column(name).to_pandas() for name in table.names})
    arrays = read_npz(path, None, ())
    choice = [*arrays] if len(arrays) == 1 else [one for one in names if one in arrays]
    if not choice:
        raise BadInput(f"{path}: has the arrays {shorten(arrays, 9) or 'none'}; name one {names[0]}")
    return arrays[choice[0]]


def _in_order(part: _NamedArray, ids: npt.NDArray[Any], first: _NamedArray) -> Floats:
    """Probabilities [K, C], rows in the order of the ids, and columns with names in that of the ``first``."""
    where, shape = part.where, (len(ids), *first.array.shape[1:])
    try:
        p = np.ascontiguousarray(part.array, np.float64)
    except (TypeError, ValueError) as error:
        raise BadInput(f"{where}: holds no numbers alone ({error}); give a column for each class") from None
    if p.shape != shape or p.ndim != 2 or min(shape) < 2:
        texts = [" x ".join(map(str, one)) for one in (p.shape, shape)]
        problem = f"is {texts[0] or 'one number'}, for {texts[1]} labels and classes"
        raise BadInput(f"{where}: {problem}; give a row a label and a column a class, two or more of both")
    if part.names is not None and first.names is not None:
        if sorted(part.names) != sorted(first.names):
            raise BadInput(f"{where}: has other columns than {first.where}; give the same classes in both")
        p = p[:, [part.names.index(name) for name in first.names]]
    bad = ~((p >= 0).all(axis=1) & (np.abs(p.sum(axis=1) - 1) <= TOLERANCE))  # nor NaN
    if bad.any():
        row = int(bad.argmax())
        problem = f"row {row} is {shorten((f'{one:g}' for one in p[row]), 5)}, no probabilities that sum to 1"
        raise BadInput(f"{where}: {problem}; mend it, or give of logits their softmax")
    if part.ids is None:
        return p
    index = pd.Index(part.ids)
    at = index.get_indexer(pd.Index(ids)) if index.is_unique else np.full(len(ids), -1)
    if (at < 0).any():
        name = ids.tolist()[int((at < 0).argmax())]
        raise BadInput(f"{where}: has no row, or several, of the id {name!r:.80}; give each label one row")
    return np.ascontiguousarray(p[at])


def _numbers(of_labels: _NamedArray, names: Sequence[str] | None, num: int) -> tuple[Integers, list[str]]:
    """The numbers of labels [K], and the names of the ``num`` classes."""
    where, cells = of_labels.where, of_labels.array
    whole = [isinstance(one, float) and one.is_integer() for one in cells.ravel().tolist()]
    texts = [str(int(one) if is_int else one).strip() for one, is_int in zip(cells.flat, whole, strict=True)]
    if names is None:
        numbers = all(map(INTEGER.fullmatch, texts))
        names = sorted({*texts}, key=int if numbers else str)
        if len(names) != num or (numbers and int(names[-1]) < num):
            names = list(map(str, range(num)))
    places = {str(at): at for at in range(num)} | {str(one): at for at, one in enumerate(names)}
    for row, text in enumerate(texts):
        if text not in places:
            classes = f"none of the {num} classes that have a column ({shorten(names, 9)})"
            raise BadInput(f"{where}: row {row}: the label {text!r:.80} is {classes}; mend it, or name those")
    return np.array([places[text] for text in texts], np.int64), [str(one) for one in names]
