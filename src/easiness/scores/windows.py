"""Scores over sliding windows of J = 10 epochs, which end at J..m: the one that ends at m counts.

Public code differs in that: the authors of Dyn-Unc leave the last window out, those of DUAL, who also compute
Dyn-Unc, count every one. Both multiply by 10, which changes no ranking; nothing is multiplied here.

The scores are undefined where there are fewer epochs, or where one was not observed. What never changes
spreads by 0, whether it was right from the start or never: high means ambiguous, low means easy or hopeless.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np

from easiness.record import Observations
from easiness.scores.moments import Values
from easiness.scores.score import Score, over_trials, sees_every_epoch

WINDOW = 10
"""J, the epochs in a window."""

_EVERY_WINDOW = "the windows of 10 epochs that end at 10..m"

_LARGEST_STD = math.sqrt(WINDOW / (WINDOW - 1) / 4)  # half of the window at 0, half at 1
_LARGEST_DUAL = math.sqrt(WINDOW / (WINDOW - 1) * 27 / 256)  # bound of std * (1 - mean), at mean 1/4


def _windows(obs: Observations, m: int) -> Iterator[tuple[Values, Values]]:
    """Mean [K] and sample std [K] of p_y in each of the m - J + 1 windows."""
    for last in range(WINDOW, m + 1):
        window = obs.p_label[last - WINDOW : last]
        yield window.mean(axis=0), window.std(axis=0, ddof=1)


def _mean_over_windows(obs: Observations, m: int, of: Callable[[Values, Values], Values]) -> Values:
    num_windows = m - WINDOW + 1
    if num_windows < 1 or not sees_every_epoch(obs, m):
        return np.full(len(obs.labels), np.nan)
    total = np.zeros(len(obs.labels))
    for mean, std in _windows(obs, m):
        total += of(mean, std)
    return total / num_windows


def _dyn_unc(obs: Observations, m: int) -> Values:
    return _mean_over_windows(obs, m, lambda _, std: std)


def _dual(obs: Observations, m: int) -> Values:
    return _mean_over_windows(obs, m, lambda mean, std: std * (1 - mean))


DYN_UNC = Score(
    name="dyn_unc",
    formula=f"mean over {_EVERY_WINDOW} of sample std p_y (divided by 9); NaN for m < 10",
    unit="probability",
    range=(0, _LARGEST_STD),
    high_means="ambiguous",
    needs=("p_y",),
    source="He et al. 2023 (arXiv 2306.05175), whose code leaves out the window that ends at m",
    start=over_trials(_dyn_unc),
)

DUAL = Score(
    name="dual",
    formula=f"mean over {_EVERY_WINDOW} of (sample std p_y) (1 - mean p_y); NaN for m < 10",
    unit="squared probability",
    range=(0, _LARGEST_DUAL),
    high_means="ambiguous",
    needs=("p_y",),
    source="Cho et al. 2025 (arXiv 2502.06905)",
    start=over_trials(_dual),
)
