"""Examples as the page shows them, found again at the source of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from easiness.data import Dataset
from easiness.runs import run_values
from easiness.spec import Split
from easiness.store import Run

_SMALL = 64  # pixels a side

Named: TypeAlias = tuple[Split, int | str]
"""An example by its split and its id there."""


class ShownExample(NamedTuple):
    """An example in a page: as an address for an ``img``, or where it is no picture as a text."""

    uri: str | None
    text: str


def shown_at(run: Run, data: Dataset, positions: list[int]) -> dict[int, ShownExample]:
    """The examples at ``positions`` of the run, by position.

    Raises:
        BadInput: the data lack an example of the run, or one is unreadable.
    """
    shown = run_values(run, data, np.array(positions, np.int64), _in_page(data))
    return dict(zip(positions, shown, strict=True))


def shown_by_name(data: Dataset, wanted: Iterable[Named]) -> dict[Named, ShownExample]:
    """Examples by their split and id; those that the data lack are left out.

    Raises:
        BadInput: one is unreadable.
    """
    found: dict[Named, ShownExample] = {}
    named = set(wanted)
    for name, split in data.splits.items():
        at = np.array([i for i, one in enumerate(split.ids.tolist()) if (name, one) in named], np.int64)
        keys = ((name, one) for one in split.ids[at].tolist())
        found |= dict(zip(keys, split.map(at, _in_page(data)), strict=True))
    return found


def _in_page(data: Dataset) -> Callable[[npt.NDArray[Any]], ShownExample]:
    def in_page(value: npt.NDArray[Any]) -> ShownExample:
        shown = data.kind.show(value, data.traits)
        return ShownExample(shown.uri, shown.text)

    return in_page


def are_small(data: Dataset) -> bool:
    """Are they pictures of one size, of few pixels?"""
    shape = data.traits.shape
    return shape is not None and max(shape[1:], default=0) <= _SMALL
