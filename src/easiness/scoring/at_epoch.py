"""Scores that read a single row of the record, the one after m epochs."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from easiness.records import Observations
from easiness.scoring.moments import Values
from easiness.scoring.score import Score, over_trials


def _difficulty(obs: Observations, m: int) -> Values:
    num = obs.num_until(m)
    rows = [num - 1] if obs.by_share else [*range(num), num - 1]
    total = np.zeros(len(obs.labels))
    for row in rows:
        margin = obs.margin[row].astype(np.float64)
        smaller = np.exp(-np.abs(margin))  # of the two odds, so that nothing overflows
        total += np.where(margin > 0, smaller, 1) / (1 + smaller)
    return total / len(rows)


DIFFICULTY = Score(
    name="difficulty",
    formula="r / (p_y + r), r the largest p_k of another class; of trainings the mean up to m, m twice",
    unit="probability",
    range=(0, 1),
    high_means="hard",
    needs=("margin",),
    source="ours",
    start=over_trials(_difficulty),
)


def _row(column: npt.NDArray[np.float32], obs: Observations, m: int) -> Values:
    row: npt.NDArray[np.float32] = column[obs.row(m)]
    return row.astype(np.float64)


def _max_confidence(obs: Observations, m: int) -> Values:
    # One exponent, because exp(-margin) alone can overflow; float32 rounding can carry it past 1.
    exponent = np.maximum(0.0, -_row(obs.margin, obs, m)) - _row(obs.loss, obs, m)
    return np.minimum(np.exp(exponent), 1.0)


EL2N = Score(
    name="el2n",
    formula="norm_2(p - onehot(y)) at epoch m",
    unit="probability",
    range=(0, math.sqrt(2)),
    high_means="hard",
    needs=("error norm",),
    source="Paul et al. 2021, arXiv:2107.07075",
    start=over_trials(lambda obs, m: _row(obs.error_norm, obs, m)),
)

LOSS = Score(
    name="loss",
    formula="-log p_y at epoch m",
    unit="nats",
    range=(0, math.inf),
    high_means="hard",
    needs=("p_y",),
    source="definition",
    start=over_trials(lambda obs, m: _row(obs.loss, obs, m)),
)

ENTROPY = Score(
    name="entropy",
    formula="-sum_k p_k log p_k at epoch m",
    unit="nats",
    range=(0, math.inf),
    high_means="unsure",
    needs=("entropy",),
    source="definition",
    start=over_trials(lambda obs, m: _row(obs.entropy, obs, m)),
)

MAX_CONFIDENCE = Score(
    name="max_confidence",
    formula="max_k p_k at epoch m",
    unit="probability",
    range=(0, 1),
    high_means="easy",
    needs=("p_y", "margin"),
    source="definition",
    start=over_trials(_max_confidence),
)
