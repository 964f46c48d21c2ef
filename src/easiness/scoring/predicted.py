"""The class that most trials give an example, whatever its label."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt


def most_named(
    predictions: npt.NDArray[np.integer[Any]], nobody: int | None = None
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The class named most in each column [n], of equals the one with the lowest index, and how often.

    Args:
        predictions: class indices [N, n], one row at least.
        nobody: an index above all classes that names none; -1 and 0 times where a column has nothing else.
    """
    ordered = np.sort(predictions, axis=0)
    winner, most = ordered[0].astype(np.int64), np.ones(ordered.shape[1], np.int64)
    if nobody is not None:
        none = winner == nobody  # and so are all behind it
        winner[none], most[none] = -1, 0
    run = np.ones(ordered.shape[1], np.int64)  # equal predictions in a row, up to this one
    for before, now in pairwise(ordered):
        run = np.where(now == before, run + 1, 1)
        more = run > most  # equally many are not more: they are of a higher index
        if nobody is not None:
            more &= now < nobody
        winner[more], most[more] = now[more], run[more]
    return winner, most
