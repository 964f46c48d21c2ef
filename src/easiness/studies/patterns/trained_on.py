"""Features of a run's networks follow from the labels that these were trained on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from easiness.data import Dataset
from easiness.errors import BadInput
from easiness.features import FeatureSource
from easiness.runs import find_data
from easiness.store import Run

_FEW = 0.01  # of the examples: those that two parts of one data set have in common by chance


def notes_on_shared(source: FeatureSource, data: Dataset) -> tuple[str, ...]:
    """What to say of features whose networks were trained on few of these examples with their labels.

    Raises:
        BadInput: they were trained on more than one in a hundred.
    """
    other = source.trained_on
    shared = 0 if other is None else _num_shared(other, data)
    if other is None or not shared:
        return ()
    number = sum(map(len, data.splits.values()))
    if shared > _FEW * number:
        raise BadInput(
            f"features {source.name!r}: the networks of {other.path} were trained on {shared:,} of these "
            "very labels, and what lies near in them follows from these; give features that were not, such "
            "as auto or a run of other data"
        )
    return (f"{source.name} was trained on {shared:,} of these {number:,} labels.",)


def _num_shared(run: Run, data: Dataset) -> int:
    """How many examples of all splits a run was trained on, with the same label.

    An example is known by its stored bytes, or where the data of the run are gone by its id. Ids that are
    numbers may be those of other data: then more than half of them have to have the same label.
    """
    if run.spec.data.train.fingerprint == data.fingerprint:
        return len(data)
    theirs = find_data(run, None)[0]
    if theirs is not None:
        known = set(_named(theirs, theirs.stored.digests()))
        return sum(
            one in known for split in data.splits.values() for one in _named(split, split.stored.digests())
        )
    labels = dict(zip(run.ids.tolist(), (run.classes[one] for one in run.labels.tolist()), strict=True))
    both = [name == labels[one] for one, name in _named(data, data.ids.tolist()) if one in labels]
    return sum(both) if sum(both) > len(both) / 2 else 0


def _named(data: Dataset, marks: Iterable[Any]) -> Iterator[tuple[Any, str]]:
    """What marks each example, with the name of its class."""
    return zip(marks, (data.classes[one] for one in data.labels.tolist()), strict=True)
