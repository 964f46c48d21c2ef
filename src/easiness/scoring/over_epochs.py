"""Scores that average or spread a quantity over the epochs 1..m, as far as observed, or over windows.

All but those over windows are undefined where only one of several epochs was observed: see `over_epochs`.

Windows are of J = 10 epochs and end at J..m: the one that ends at m counts. Public code differs in that: the
authors of Dyn-Unc leave the last window out, those of DUAL, who also compute Dyn-Unc, count every one. Both
multiply by 10, which changes no ranking; nothing is multiplied here. These scores are undefined where there
are fewer epochs, or where one was not observed. What never changes spreads by 0, whether it was right from
the start or never: high means ambiguous, low means easy or hopeless.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from easiness.records import Observations
from easiness.scoring.moments import Values
from easiness.scoring.score import (
    NeverLearned,
    Score,
    Start,
    correct_until,
    of_a_course,
    over_epochs,
    over_trials,
    p_label_until,
    sees_every_epoch,
)


def _forgetting_events(obs: Observations, m: int) -> Values:
    correct = correct_until(obs, m)
    if not sees_every_epoch(obs, m):
        return np.full(len(obs.labels), np.nan)
    events = (correct[:-1] & ~correct[1:]).sum(axis=0)
    return np.where(correct.any(axis=0), events, np.nan)


def _first_learned_epoch(obs: Observations, m: int) -> Values:
    correct = correct_until(obs, m)
    first = np.asarray(obs.epochs)[correct.argmax(axis=0)]
    return np.where(correct.any(axis=0), first, np.nan)


def _iteration_learned(obs: Observations, m: int) -> Values:
    correct = correct_until(obs, m)
    right_to_the_end = np.logical_and.accumulate(correct[::-1]).sum(axis=0)
    since = np.asarray(obs.epochs)[len(correct) - np.maximum(right_to_the_end, 1)]
    return np.where(correct[-1], since, np.nan)


FORGETTING_EVENTS = Score(
    name="forgetting_events",
    formula="number of t < m with a_t = 1 and a_{t+1} = 0; over the trials that learned x",
    unit="events",
    range=(0, math.inf),
    high_means="hard",
    needs=("prediction",),
    source="Toneva et al. 2019, arXiv:1812.05159",
    start=over_trials(of_a_course(_forgetting_events)),
    # as many as there are epochs; m epochs have room for m / 2 events at most
    never_learned=NeverLearned(rank_as=lambda m: m, which=lambda columns: columns["never_learned"]),
)

FIRST_LEARNED_EPOCH = Score(
    name="first_learned_epoch",
    formula="first t with a_t = 1; over the trials that learned x",
    unit="epochs",
    range=(1, math.inf),
    high_means="hard",
    needs=("prediction",),
    source="definition",
    start=over_epochs(of_a_course(_first_learned_epoch)),
    never_learned=NeverLearned(rank_as=lambda m: m + 1, which=lambda columns: columns["never_learned"]),
)

ITERATION_LEARNED = Score(
    name="iteration_learned",
    formula="first t with a = 1 from t to m; over the trials right at epoch m",
    unit="epochs",
    range=(1, math.inf),
    high_means="hard",
    needs=("prediction",),
    source="Baldock et al. 2021, arXiv:2106.09647, of the label, not of the final prediction",
    start=over_epochs(of_a_course(_iteration_learned)),
    never_learned=NeverLearned(rank_as=lambda m: m + 1, which=lambda columns: columns["easiness"] == 0),
)


JIANG = "Jiang et al. 2021, arXiv:2002.03206"
CARTOGRAPHY = "Swayamdipta et al. 2020, arXiv:2009.10795"


def _variability(obs: Observations, m: int) -> Values:
    p = p_label_until(obs, m)
    spread: Values = (p - p[0]).std(axis=0)  # less the first row, so that equal values spread by exactly 0
    return spread


def _aleatoric(obs: Observations, m: int) -> Values:
    total = np.zeros(len(obs.labels))
    observed = p_label_until(obs, m)
    for p in observed:
        total += p * (1 - p)
    return total / len(observed)


CUMULATIVE_ACCURACY = Score(
    name="cumulative_accuracy",
    formula="mean of a over epochs",
    unit="share of epochs",
    range=(0, 1),
    high_means="easy",
    needs=("prediction",),
    source=JIANG,
    start=over_epochs(lambda obs, m: correct_until(obs, m).mean(axis=0)),
)

CORRECTNESS = replace(CUMULATIVE_ACCURACY, name="correctness", source=CARTOGRAPHY)

CUMULATIVE_CONFIDENCE = Score(
    name="cumulative_confidence",
    formula="mean of p_y over epochs",
    unit="probability",
    range=(0, 1),
    high_means="easy",
    needs=("p_y",),
    source=JIANG,
    start=over_epochs(lambda obs, m: p_label_until(obs, m).mean(axis=0)),
)

CONFIDENCE = replace(CUMULATIVE_CONFIDENCE, name="confidence", source=CARTOGRAPHY)

VARIABILITY = Score(
    name="variability",
    formula="population std of p_y over epochs",
    unit="probability",
    range=(0, 0.5),
    high_means="ambiguous",
    needs=("p_y",),
    source=CARTOGRAPHY,
    start=over_epochs(_variability),
)

ALEATORIC = Score(
    name="aleatoric",
    formula="mean of p_y (1 - p_y) over epochs",
    unit="squared probability",
    range=(0, 0.25),
    high_means="ambiguous",
    needs=("p_y",),
    source="Seedat et al. 2022, Data-IQ, arXiv:2210.13043",
    start=over_epochs(_aleatoric),
)

AUM = Score(
    name="aum",
    formula="mean of z_y - max_{k != y} z_k over epochs",
    unit="logits",
    range=(-math.inf, math.inf),
    high_means="easy",
    needs=("margin",),
    source="Pleiss et al. 2020, arXiv:2001.10528",
    start=over_epochs(
        of_a_course(lambda obs, m: obs.margin[: obs.num_until(m)].mean(axis=0, dtype=np.float64))
    ),
)


WINDOW = 10
"""J, the epochs in a window."""

_LARGEST_STD = math.sqrt(WINDOW / (WINDOW - 1) / 4)  # half of the window at 0, half at 1
_LARGEST_DUAL = math.sqrt(WINDOW / (WINDOW - 1) * 27 / 256)  # bound of std * (1 - mean), at mean 1/4


def _windows(obs: Observations, m: int) -> Iterator[tuple[Values, Values]]:
    """Mean [K] and sample std [K] of p_y in each of the m - J + 1 windows."""
    for last in range(WINDOW, m + 1):
        window = obs.p_label[last - WINDOW : last]
        yield window.mean(axis=0), window.std(axis=0, ddof=1)


def _over_windows(of_window: Callable[[Values, Values], Values]) -> Start:
    """The mean over trials of the mean over windows of what ``of_window`` makes of mean and std there."""

    def per_trial(obs: Observations, m: int) -> Values:
        num_windows = m - WINDOW + 1
        if num_windows < 1 or not sees_every_epoch(obs, m):
            return np.full(len(obs.labels), np.nan)
        total = np.zeros(len(obs.labels))
        for mean, std in _windows(obs, m):
            total += of_window(mean, std)
        return total / num_windows

    return over_trials(of_a_course(per_trial))


DYN_UNC = Score(
    name="dyn_unc",
    formula="mean over windows of 10 epochs of the sample std of p_y",
    unit="probability",
    range=(0, _LARGEST_STD),
    high_means="ambiguous",
    needs=("p_y",),
    source="He et al. 2023, arXiv:2306.05175, whose code omits the last window",
    start=_over_windows(lambda _, std: std),
)

DUAL = Score(
    name="dual",
    formula="mean over windows of 10 epochs of (sample std of p_y) (1 - mean p_y)",
    unit="squared probability",
    range=(0, _LARGEST_DUAL),
    high_means="ambiguous",
    needs=("p_y",),
    source="Cho et al. 2025, arXiv:2502.06905",
    start=_over_windows(lambda mean, std: std * (1 - mean)),
)
