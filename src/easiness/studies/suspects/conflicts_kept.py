"""The conflicts in the data of a run, kept in it: examples are then not decoded and compared again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

import numpy as np
import numpy.typing as npt

from easiness.data import Dataset
from easiness.inputs import FLAWS
from easiness.spec import Split, content_hash
from easiness.store import Form, Run, keep_answer, kept_answer
from easiness.studies.suspects.conflicts_found import Conflicts, Example, Pair

SEARCH = 2
"""To be raised where `find_conflicts` finds others in the same data."""

_NAME = "conflicts"
_SPLITS = get_args(Split)
_FORMS: dict[str, Form] = {
    "groups": (np.int64, ("members", 2)),  # number of the group, position
    "pairs": (np.int64, ("pairs", 4)),  # which of `_PAIRS`, positions of both, distance
    "looked": (np.bool_, (2,)),
    "flawed": (np.int64, ("flawed", 3)),  # number of the split, position, number in `FLAWS`
    "notes": (np.uint8, ("bytes",)),
}
_PAIRS: tuple[tuple[str, Split], ...] = (
    ("in_both", "held_out"),
    ("nearly_in_both", "held_out"),
    ("nearly_within", "train"),
)
"""Lists of pairs, with the split of the second example."""


def keep_conflicts(run: Run, data: Dataset, found: Conflicts) -> None:
    """Keep in a run what was ``found`` in its ``data``, or nothing where the folder cannot be written to."""
    where: dict[tuple[str, object], int] = {
        (split, one): at for split, part in data.splits.items() for at, one in enumerate(part.ids.tolist())
    }

    def at(one: Example) -> int:
        return where[one.split, one.id]

    groups = enumerate([*found.two_labels, *found.duplicates])
    pairs = [
        (row, at(pair.train), at(pair.other), pair.distance)
        for row, (name, _) in enumerate(_PAIRS)
        for pair in getattr(found, name)
    ]
    arrays = {
        "groups": np.array([(row, at(one)) for row, group in groups for one in group], np.int64).reshape(
            -1, 2
        ),
        "pairs": np.array(pairs, np.int64).reshape(-1, 4),
        "flawed": np.array(
            [(_SPLITS.index(one[0]), where[one], FLAWS.index(flaw)) for one, flaw in found.flawed.items()],
            np.int64,
        ).reshape(-1, 3),
        "looked": np.array([found.looked_for_near, found.looked_within]),
        "notes": np.frombuffer("\n".join(found.notes).encode(), np.uint8),
    }
    keep_answer(run.path, _NAME, _identity(data), arrays)


def kept_conflicts(run: Run, data: Dataset) -> Conflicts | None:
    """What `find_conflicts` once found in the ``data`` of a run, where that is kept."""
    arrays = kept_answer(run.path, _NAME, _identity(data), _FORMS)
    if arrays is None:
        return None
    try:
        return _conflicts(data, arrays)
    except (ValueError, LookupError):  # somebody has written it who does not know how
        return None


def _identity(data: Dataset) -> str:
    return content_hash([SEARCH, *(part.fingerprint for part in data.splits.values())])


def _conflicts(data: Dataset, arrays: Mapping[str, npt.NDArray[Any]]) -> Conflicts:
    """Raises ValueError or LookupError where an example is not there, or a note is none."""
    near, held_out = data.kind.near, data.held_out
    numbers, positions = arrays["groups"].T
    groups = [
        tuple(Example.at(data, "train", at) for at in positions[numbers == one].tolist())
        for one in np.unique(numbers).tolist()
    ]
    several = [len({one.label for one in group}) > 1 for group in groups]
    rows = arrays["pairs"].tolist()
    pairs = {
        name: tuple(
            Pair(Example.at(data, "train", some), Example.at(data, split, other), distance)
            for row, some, other, distance in rows
            if row == number
        )
        for number, (name, split) in enumerate(_PAIRS)
    }
    looked_for_near, looked_within = arrays["looked"].tolist()
    return Conflicts(
        len(data),
        0 if held_out is None else len(held_out),
        tuple(group for group, two in zip(groups, several, strict=True) if two),
        tuple(group for group, two in zip(groups, several, strict=True) if not two),
        looked_for_near=looked_for_near,
        notes=tuple(arrays["notes"].tobytes().decode().splitlines()),
        nouns=data.kind.nouns,
        looked_within=looked_within,
        unit="" if near is None else near.unit,
        flawed={
            (_SPLITS[split], Example.at(data, _SPLITS[split], at).id): FLAWS[flaw]
            for split, at, flaw in arrays["flawed"].tolist()
        },
        **pairs,
    )
