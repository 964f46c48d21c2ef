"""Checks of labels and ids, whichever source they come from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from easiness.errors import BadInput, shorten
from easiness.gate import check_names

Ids = npt.NDArray[np.int64] | npt.NDArray[np.object_]


def check_examples(
    labels: npt.NDArray[Any],
    num_examples: int,
    classes: Sequence[str] | None,
    where: str,
    name: Callable[[int], str],
) -> tuple[npt.NDArray[np.int64], tuple[str, ...]]:
    """The labels [K] as int64 and the class names, of examples to train on.

    Without ``classes`` the names are "0", "1" and so on. ``where`` names the source in an error and
    ``name(i)`` the example at position i.
    """
    values = _integers(labels, num_examples, where, name)
    check_unicode(classes or (), where)
    check_names(classes or (), f"{where}: names of classes")
    if classes is None:
        # The labels in use are compared with 0, 1, 2, ... without ever allocating up to the largest.
        _check_range(values, None, name)
        used = np.unique(values)
        gaps = np.flatnonzero(used != np.arange(len(used)))
        if len(gaps):
            raise BadInput(
                f"{where}: label {gaps[0]} never occurs though labels go up to {used[-1]}; "
                "number the classes from 0 without a gap"
            )
        classes = [str(label) for label in used]
    if len(set(classes)) < len(classes):
        twice = next(name for name, times in Counter(classes).items() if times > 1)
        raise BadInput(f"{where}: class name {twice!r} occurs twice; give each class its own name")
    _check_range(values, len(classes), name)
    counts = np.bincount(values.astype(np.int64), minlength=len(classes))
    if not counts.all():
        empty = int(np.flatnonzero(counts == 0)[0])
        raise BadInput(
            f"{where}: class {classes[empty]!r} (label {empty}) has no example; add one or remove the class"
        )
    if len(classes) < 2:
        raise BadInput(f"{where}: only one class ({classes[0]!r}); at least two are needed")
    return values.astype(np.int64), tuple(classes)


def check_held_out(
    labels: npt.NDArray[Any],
    num_examples: int,
    num_classes: int,
    where: str,
    name: Callable[[int], str],
) -> npt.NDArray[np.int64]:
    """The labels [K] of a held-out split as int64; classes may be missing there, but none may be new."""
    values = _integers(labels, num_examples, where, name)
    _check_range(values, num_classes, name)
    return values.astype(np.int64)


def _integers(
    labels: npt.NDArray[Any], num_examples: int, where: str, name: Callable[[int], str]
) -> npt.NDArray[Any]:
    if labels.ndim != 1:
        raise BadInput(f"{where}: labels have shape {labels.shape}; give one integer per example")
    if len(labels) != num_examples:
        raise BadInput(
            f"{where}: {num_examples} examples but {len(labels)} labels; give one label per example"
        )
    if num_examples == 0:
        raise BadInput(f"{where}: no examples; give at least one per class")
    if labels.dtype.kind == "f" and np.isnan(labels).any():
        row = int(np.flatnonzero(np.isnan(labels))[0])
        raise BadInput(f"{name(row)}: the label is NaN; give it a label or leave the example out")
    if labels.dtype.kind not in "iu":
        raise BadInput(f"{where}: labels have dtype {labels.dtype}; convert them to integers 0, 1, 2, ...")
    return labels


def _check_range(labels: npt.NDArray[Any], num_classes: int | None, name: Callable[[int], str]) -> None:
    outside = labels < 0
    if num_classes is not None:
        outside |= labels >= num_classes
    if outside.any():
        row = int(np.flatnonzero(outside)[0])
        if num_classes == 0:
            raise BadInput(
                f"{name(row)}: label {labels[row]} has no class, since no class is named; name them"
            )
        allowed = "0, 1, 2, ..." if num_classes is None else f"0 to {num_classes - 1}"
        raise BadInput(f"{name(row)}: label {labels[row]} is out of range; labels are {allowed}")


def check_ids(ids: Ids, num_examples: int, where: str, *, unique: bool = True) -> None:
    """Make sure that there is an id for each example, none too long, and that each can be written."""
    if len(ids) != num_examples:
        raise BadInput(f"{where}: {num_examples} examples but {len(ids)} ids; give one id per example")
    check_names(ids.tolist(), f"{where}: ids")
    check_unicode(ids, where)
    if not unique:
        return
    values, counts = np.unique(ids, return_counts=True)
    if len(values) < len(ids):
        raise BadInput(f"{where}: id {shorten(values[counts > 1])} occurs more than once; ids must be unique")


def own_ids(ids: npt.NDArray[Any], where: str) -> Ids:
    """Ids [K] that are integers or fixed-width texts as we keep them: int64, or Python's texts."""
    if ids.dtype.kind == "U":
        return ids.astype(object)
    most = np.iinfo(np.int64).max
    if len(ids) and ids.max() > most:
        raise BadInput(f"{where}: {ids.max()} is above {most}; give the ids as texts")
    return ids.astype(np.int64)


def check_unicode(names: Ids | Sequence[str], where: str) -> None:
    """Make sure that ids, or names of classes, can be written: names of files need not be valid text."""
    if isinstance(names, np.ndarray) and names.dtype != object:
        return
    for name in names:
        try:
            str(name).encode()
        except UnicodeEncodeError:
            raise BadInput(
                f"{where}: {name!r}: is not valid Unicode; rename that file, class or example"
            ) from None
