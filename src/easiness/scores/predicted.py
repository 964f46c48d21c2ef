"""Which class most trials give an example, whatever its label."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from easiness.scores.moments import Values


def most_predicted(predictions: npt.NDArray[np.integer[Any]]) -> tuple[npt.NDArray[np.int64], Values]:
    """The class that most of N >= 1 trials predict [n], and the share of the trials that do [n].

    Of classes that equally many trials predict, the one with the lowest index.

    Args:
        predictions: class indices [N, n], a row a trial.
    """
    ordered = np.sort(predictions, axis=0)
    winner, most = ordered[0].copy(), np.ones(ordered.shape[1], np.int32)
    run = most.copy()  # equal predictions in a row, up to this trial
    for before, now in pairwise(ordered):
        run = np.where(now == before, run + 1, 1)
        more = run > most  # equally many are not more: they are of a higher index
        winner[more], most[more] = now[more], run[more]
    return winner.astype(np.int64), most / len(predictions)
