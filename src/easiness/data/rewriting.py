"""The texts of a data set, and its examples with other texts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from easiness.data.dataset import Dataset


def texts_of(data: Dataset, positions: npt.NDArray[np.int64] | None = None) -> list[str]:
    """The texts of the examples at ``positions`` [n], in any order; of all of them by default."""
    at = np.arange(len(data)) if positions is None else positions
    return data.map(at, data.kind.plain)


def rewritten(data: Dataset, change: Callable[..., Any]) -> Dataset:
    """The examples of one split, of a kind that can be rewritten, with their texts changed.

    ``change`` gets all texts and, as ``ids``, their ids, and gives as many.
    """
    assert data.kind.rewritten is not None
    made = data.kind.rewritten(change(texts_of(data), ids=data.ids))
    return replace(data, stored=made, held_out=None)
