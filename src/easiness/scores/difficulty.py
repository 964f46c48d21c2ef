"""Difficulty: how near the label comes to losing to its strongest rival, over the whole training.

The last epoch counts twice: it alone is of a finished training, and where trainings are short it says most.
Heads on a share count by that one alone: those on smaller shares are no course of the same head.

Of all that is recorded this predicts best which examples a network that never saw them gets wrong, see
docs/results/difficulty.md. It is what examples are ordered by where nothing else is asked for.
"""

from __future__ import annotations

import numpy as np

from easiness.record import Observations
from easiness.scores.moments import Values
from easiness.scores.score import Score, over_trials


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
