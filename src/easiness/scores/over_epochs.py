"""Scores that average or spread a quantity over the epochs 1..m, as far as they were observed.

All are undefined where only one of several was: see `over_epochs`.
"""

from __future__ import annotations

import math

import numpy as np

from easiness.record import Observations
from easiness.scores.moments import Values
from easiness.scores.score import NOT_OF_ONE, Score, correct_until, over_epochs, p_label_until

JIANG = "Jiang et al. 2021 (arXiv 2002.03206)"
CARTOGRAPHY = "Swayamdipta et al. 2020 (arXiv 2009.10795)"


def _accuracy(obs: Observations, m: int) -> Values:
    share: Values = correct_until(obs, m).mean(axis=0)
    return share


def _mean_p_label(obs: Observations, m: int) -> Values:
    mean: Values = p_label_until(obs, m).mean(axis=0)
    return mean


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


def _mean_margin(obs: Observations, m: int) -> Values:
    mean: Values = obs.margin[: obs.num_until(m)].mean(axis=0, dtype=np.float64)
    return mean


_accuracy_over_trials = over_epochs(_accuracy)
_confidence_over_trials = over_epochs(_mean_p_label)

CUMULATIVE_ACCURACY = Score(
    name="cumulative_accuracy",
    formula=f"mean_t a_t{NOT_OF_ONE}",
    unit="share of epochs",
    range=(0, 1),
    high_means="easy",
    needs=("prediction",),
    source=JIANG,
    start=_accuracy_over_trials,
)

CORRECTNESS = Score(
    name="correctness",
    formula=f"mean_t a_t (cumulative_accuracy under its name in data maps){NOT_OF_ONE}",
    unit="share of epochs",
    range=(0, 1),
    high_means="easy",
    needs=("prediction",),
    source=CARTOGRAPHY,
    start=_accuracy_over_trials,
)

CUMULATIVE_CONFIDENCE = Score(
    name="cumulative_confidence",
    formula=f"mean_t p_y{NOT_OF_ONE}",
    unit="probability",
    range=(0, 1),
    high_means="easy",
    needs=("p_y",),
    source=JIANG,
    start=_confidence_over_trials,
)

CONFIDENCE = Score(
    name="confidence",
    formula=f"mean_t p_y (cumulative_confidence under its name in data maps){NOT_OF_ONE}",
    unit="probability",
    range=(0, 1),
    high_means="easy",
    needs=("p_y",),
    source=CARTOGRAPHY,
    start=_confidence_over_trials,
)

VARIABILITY = Score(
    name="variability",
    formula=f"population std_t p_y (divided by the number of t){NOT_OF_ONE}",
    unit="probability",
    range=(0, 0.5),
    high_means="ambiguous",
    needs=("p_y",),
    source=CARTOGRAPHY,
    start=over_epochs(_variability),
)

ALEATORIC = Score(
    name="aleatoric",
    formula=f"mean_t p_y (1 - p_y){NOT_OF_ONE}",
    unit="squared probability",
    range=(0, 0.25),
    high_means="ambiguous",
    needs=("p_y",),
    source="Seedat et al. 2022, Data-IQ (arXiv 2210.13043)",
    start=over_epochs(_aleatoric),
)

AUM = Score(
    name="aum",
    formula="mean_t (z_y - max_{k != y} z_k), on logits" + NOT_OF_ONE,
    unit="logits",
    range=(-math.inf, math.inf),
    high_means="easy",
    needs=("margin",),
    source="Pleiss et al. 2020 (arXiv 2001.10528), who average over training batches",
    start=over_epochs(_mean_margin),
)
