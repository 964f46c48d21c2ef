"""Scores that compare trials which trained on an example with trials which left it out."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from easiness.record import Observations
from easiness.scores.moments import Moments, Values
from easiness.scores.score import Estimate, Score, correct_after, over_trials, p_label_after


def _correct_where(among: npt.NDArray[np.bool_], obs: Observations, m: int) -> Values:
    return np.where(among, correct_after(obs, m), np.nan)


def _consistency(obs: Observations, m: int) -> Values:
    return _correct_where(~obs.trained_on, obs, m)


def _self_confidence(obs: Observations, m: int) -> Values:
    return np.where(obs.trained_on, np.nan, p_label_after(obs, m))


class _Memorization:
    """Accuracy with the example less accuracy without it; two independent groups of trials."""

    def __init__(self, labels: npt.NDArray[np.int64], num_classes: int) -> None:  # noqa: ARG002
        self._with, self._without = Moments(len(labels)), Moments(len(labels))

    def add(self, obs: Observations, m: int, first: int) -> None:
        self._with.add(_correct_where(obs.trained_on, obs, m), first)
        self._without.add(_correct_where(~obs.trained_on, obs, m), first)

    def result(self) -> Estimate:
        return Estimate(
            self._with.mean() - self._without.mean(),
            np.hypot(self._with.standard_error(), self._without.standard_error()),
        )


CONSISTENCY = Score(
    name="consistency",
    formula="mean of a_m over the trials that did not train on x: one point of the consistency profile, "
    "at this share of training examples and this m",
    unit="share of trials",
    range=(0, 1),
    high_means="easy",
    needs=("prediction", "held-out trials"),
    source="Jiang et al. 2021 (arXiv 2002.03206), whose C-score averages over shares",
    start=over_trials(_consistency),
)

MEMORIZATION = Score(
    name="memorization",
    formula="mean of a_m over the trials with x - mean of a_m over the trials without x; "
    "error: sqrt(s1^2 / n1 + s0^2 / n0)",
    unit="share of trials",
    range=(-1, 1),
    high_means="hard",
    needs=("prediction", "held-out trials"),
    source="Feldman and Zhang 2020 (arXiv 2008.03703)",
    start=_Memorization,
)

SELF_CONFIDENCE = Score(
    name="self_confidence",
    formula="q_y with q = mean of p at epoch m over the trials without x; low marks a suspect label",
    unit="probability",
    range=(0, 1),
    high_means="sound label",
    needs=("p_y", "held-out trials"),
    source="Northcutt et al. 2021 (arXiv 1911.00068)",
    start=over_trials(_self_confidence),
)
