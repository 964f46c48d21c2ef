"""Scores that average or spread a quantity over the epochs 1..m, as far as observed, or over windows.

All but those over windows are undefined where only one of several epochs was observed: see `MeanOverTrials`.

Windows are of J = 10 epochs and end at J..m: the one that ends at m counts. Public code differs in that: the
authors of Dyn-Unc leave the last window out, those of DUAL, who also compute Dyn-Unc, count every one. Both
multiply by 10, which changes no ranking; nothing is multiplied here. These scores are undefined where there
are fewer epochs, or where one was not observed. A probability that never changes spreads by 0, whether right
from the start or never: high means ambiguous, low means easy or hopeless.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from easiness.errors import BadInput
from easiness.lazy import Integers, Singles, special
from easiness.records import Observations
from easiness.scoring.score import (
    Score,
    ScoreEstimate,
    Start,
    Values,
    correct_after,
    correct_until,
    over_trials,
)
from easiness.spec import check_within


def jeffreys(right: npt.ArrayLike, trials: npt.ArrayLike, level: float = 0.95) -> tuple[Values, Values]:
    """The equal-tailed interval of Beta(c + 1/2, n - c + 1/2), where c of n trials are right, any shape.

    By convention its low end is 0 at c = 0 and its high end 1 at c = n (Brown, Cai and DasGupta 2001).
    """
    c, n = np.asarray(right, np.float64), np.asarray(trials, np.float64)
    a, b = c + 0.5, n - c + 0.5
    low = np.where(c == 0, 0.0, special.betaincinv(a, b, (1 - level) / 2))
    return low, np.where(c == n, 1.0, special.betaincinv(a, b, (1 + level) / 2))


def easiness_interval(
    count: npt.ArrayLike, num_trials: int, max_count: int, level: float = 0.95
) -> tuple[Values, Values]:
    """Jeffreys interval of ``count / num_trials``, scaled by ``num_trials / max_count`` as easiness is.

    The interval of `jeffreys`, of the share of trials that are right, with max c taken as given, so that
    the high end may exceed 1.

    Args:
        count: trials that are right, any shape, each in 0..num_trials.
        num_trials: N, at least 1.
        max_count: the largest count of the data set, in 1..num_trials.
        level: share of the posterior inside, in (0, 1).
    """
    counts = np.asarray(count, np.float64)
    check_within("level", level, "(0, 1)")
    check_within("max_count", max_count, f"[1, {num_trials}]")
    for end in (counts.min(initial=0), counts.max(initial=0)):
        check_within("count", end, f"[0, {num_trials}]")
    low, high = jeffreys(counts, num_trials, level)
    scale = num_trials / max_count
    return low * scale, high * scale


class EasinessCounts:
    """Counts the trials that are right at m; every trial counts, whether it trained on x or not.

    Heads count that were not shown x, the first ``at_most`` of each x.
    """

    def __init__(self, labels: Integers, at_most: int | None = None) -> None:
        self.num_right, self._num_seen = np.zeros((2, len(labels)), np.int64)
        self._at_most = at_most
        self._epoch, self._by_share = 0, False

    @property
    def num_trials(self) -> int:
        """N, the trials added, or of heads how many count of each example at least."""
        return int(self._num_seen.min())

    def add(self, obs: Observations, m: int, first: int) -> None:
        part = slice(first, first + len(obs.labels))
        speaks = np.ones(len(obs.labels), np.bool_)
        if obs.by_share:
            speaks = ~obs.trained_on_at(m)
            if self._at_most is not None:
                speaks &= self._num_seen[part] < self._at_most
        self.num_right[part] += speaks & correct_after(obs, m)
        self._num_seen[part] += speaks
        self._epoch, self._by_share = m, obs.by_share

    def result(self) -> ScoreEstimate:
        """Easiness, and of the Jeffreys posterior of c / N the deviation and interval, on the same scale."""
        num_trials, most = self.num_trials, self.num_right.max(initial=0)
        if most == 0:
            where, remedy = f"epoch {self._epoch}", "train longer or read a later epoch"
            if self._by_share:
                where, remedy = "the heads of this share", "read a larger share"
            raise BadInput(
                f"{where}: no example is classified correctly in any of {num_trials} trial(s), "
                f"so easiness is undefined; {remedy}"
            )
        total = num_trials + 1  # a + b of Beta(c + 1/2, N - c + 1/2)
        a = self.num_right + 0.5
        posterior_std = np.sqrt(a * (total - a) / (total + 1)) / total
        ends = easiness_interval(np.arange(num_trials + 1), num_trials, most)
        low, high = (end[self.num_right] for end in ends)
        return ScoreEstimate(self.num_right / most, posterior_std * (num_trials / most), low, high)


def _difficulty(obs: Observations, m: int) -> Values:
    num = obs.num_until(m)
    rows = [num - 1] if obs.by_share else [*range(num), num - 1]
    total = np.zeros(len(obs.labels))
    for row in rows:
        margin = obs.margin[row].astype(np.float64)
        smaller = np.exp(-np.abs(margin))  # of the two odds, so that nothing overflows
        total += np.where(margin > 0, smaller, 1) / (1 + smaller)
    return total / len(rows)


def _row(column: Singles, obs: Observations, m: int) -> Values:
    return np.asarray(column[obs.row(m)], np.float64)


def _max_confidence(obs: Observations, m: int) -> Values:
    # One exponent, because exp(-margin) alone can overflow; float32 rounding can carry it past 1.
    exponent = np.maximum(0.0, -_row(obs.margin, obs, m)) - _row(obs.loss, obs, m)
    return np.minimum(np.exp(exponent), 1.0)


def _forgetting_events(obs: Observations, m: int) -> Values:
    correct = correct_until(obs, m)
    if obs.num_until(m) < m:
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


JIANG = "Jiang et al. 2021, arXiv:2002.03206"
CARTOGRAPHY = "Swayamdipta et al. 2020, arXiv:2009.10795"


def _variability(obs: Observations, m: int) -> Values:
    p = obs.p_label[: obs.num_until(m)]
    return np.asarray((p - p[0]).std(axis=0))  # less the first row, so that equal values spread by exactly 0


def _aleatoric(obs: Observations, m: int) -> Values:
    total = np.zeros(len(obs.labels))
    observed = obs.p_label[: obs.num_until(m)]
    for p in observed:
        total += p * (1 - p)
    return total / len(observed)


WINDOW = 10
"""J, the epochs in a window."""

_LARGEST_STD = math.sqrt(WINDOW / (WINDOW - 1) / 4)  # half of the window at 0, half at 1
_LARGEST_DUAL = math.sqrt(WINDOW / (WINDOW - 1) * 27 / 256)  # bound of std * (1 - mean), at mean 1/4


def _over_windows(of_window: Callable[[Values, Values], Values]) -> Start:
    """The mean over trials of the mean over windows of what ``of_window`` makes of mean and std there."""

    def per_trial(obs: Observations, m: int) -> Values:
        if m < WINDOW or obs.num_until(m) < m:
            return np.full(len(obs.labels), np.nan)
        total = np.zeros(len(obs.labels))
        for last in range(WINDOW, m + 1):
            window = obs.p_label[last - WINDOW : last]
            total += of_window(window.mean(axis=0), window.std(axis=0, ddof=1))
        return total / (m - WINDOW + 1)

    return over_trials(per_trial, course=True)


_ACCURACY = Score(
    name="cumulative_accuracy",
    formula="mean of a over epochs",
    unit="share of epochs",
    high_means="easy",
    needs=("prediction",),
    source=JIANG,
    start=over_trials(lambda obs, m: correct_until(obs, m).mean(axis=0), epochs=True),
)
_CONFIDENCE = Score(
    name="cumulative_confidence",
    formula="mean of p_y over epochs",
    unit="probability",
    high_means="easy",
    needs=("p_y",),
    source=JIANG,
    start=over_trials(lambda obs, m: obs.p_label[: obs.num_until(m)].mean(axis=0), epochs=True),
)

OVER_TRIALS: tuple[Score, ...] = (
    Score(
        name="easiness",
        formula="number of trials right at epoch m, divided by the largest such number; error: std of the "
        "Jeffreys posterior, divided likewise",
        unit="share",
        high_means="easy",
        needs=("prediction",),
        source="Kishida and Nakayama 2019, Eq. 1, arXiv:1911.10739",
        start=EasinessCounts,
    ),
    Score(
        name="difficulty",
        formula="r / (p_y + r), r the largest p_k of another class; of trainings the mean up to m, m twice",
        unit="probability",
        high_means="hard",
        needs=("margin",),
        source="ours",
        start=over_trials(_difficulty),
    ),
    _ACCURACY,
    _CONFIDENCE,
    Score(
        name="forgetting_events",
        formula="number of t < m with a_t = 1 and a_{t+1} = 0; over the trials that learned x",
        unit="events",
        range=(0, math.inf),
        high_means="hard",
        needs=("prediction",),
        source="Toneva et al. 2019, arXiv:1812.05159",
        start=over_trials(_forgetting_events, course=True),
        # as many as there are epochs; m epochs have room for m / 2 events at most
        never_learned=lambda columns, m: (columns["never_learned"], m),
    ),
    Score(
        name="first_learned_epoch",
        formula="first t with a_t = 1; over the trials that learned x",
        unit="epochs",
        range=(1, math.inf),
        high_means="hard",
        needs=("prediction",),
        start=over_trials(_first_learned_epoch, epochs=True, course=True),
        never_learned=lambda columns, m: (columns["never_learned"], m + 1),
    ),
    Score(
        name="iteration_learned",
        formula="first t with a = 1 from t to m; over the trials right at epoch m",
        unit="epochs",
        range=(1, math.inf),
        high_means="hard",
        needs=("prediction",),
        source="Baldock et al. 2021, arXiv:2106.09647, of the label, not of the final prediction",
        start=over_trials(_iteration_learned, epochs=True, course=True),
        never_learned=lambda columns, m: (columns["easiness"] == 0, m + 1),
    ),
    Score(
        name="el2n",
        formula="norm_2(p - onehot(y)) at epoch m",
        unit="probability",
        range=(0, math.sqrt(2)),
        high_means="hard",
        needs=("error norm",),
        source="Paul et al. 2021, arXiv:2107.07075",
        start=over_trials(lambda obs, m: _row(obs.error_norm, obs, m)),
    ),
    Score(
        name="aum",
        formula="mean of z_y - max_{k != y} z_k over epochs",
        unit="logits",
        range=(-math.inf, math.inf),
        high_means="easy",
        needs=("margin",),
        source="Pleiss et al. 2020, arXiv:2001.10528",
        start=over_trials(
            lambda obs, m: obs.margin[: obs.num_until(m)].mean(axis=0, dtype=np.float64),
            epochs=True,
            course=True,
        ),
    ),
    replace(_CONFIDENCE, name="confidence", source=CARTOGRAPHY),
    Score(
        name="variability",
        formula="population std of p_y over epochs",
        unit="probability",
        range=(0, 0.5),
        high_means="ambiguous",
        needs=("p_y",),
        source=CARTOGRAPHY,
        start=over_trials(_variability, epochs=True),
    ),
    replace(_ACCURACY, name="correctness", source=CARTOGRAPHY),
    Score(
        name="aleatoric",
        formula="mean of p_y (1 - p_y) over epochs",
        unit="squared probability",
        range=(0, 0.25),
        high_means="ambiguous",
        needs=("p_y",),
        source="Seedat et al. 2022, Data-IQ, arXiv:2210.13043",
        start=over_trials(_aleatoric, epochs=True),
    ),
    Score(
        name="dyn_unc",
        formula="mean over windows of 10 epochs of the sample std of p_y",
        unit="probability",
        range=(0, _LARGEST_STD),
        high_means="ambiguous",
        needs=("p_y",),
        source="He et al. 2023, arXiv:2306.05175, whose code omits the last window",
        start=_over_windows(lambda _, std: std),
    ),
    Score(
        name="dual",
        formula="mean over windows of 10 epochs of (sample std of p_y) (1 - mean p_y)",
        unit="squared probability",
        range=(0, _LARGEST_DUAL),
        high_means="ambiguous",
        needs=("p_y",),
        source="Cho et al. 2025, arXiv:2502.06905",
        start=_over_windows(lambda mean, std: std * (1 - mean)),
    ),
    Score(
        name="loss",
        formula="-log p_y at epoch m",
        unit="nats",
        range=(0, math.inf),
        high_means="hard",
        needs=("p_y",),
        start=over_trials(lambda obs, m: _row(obs.loss, obs, m)),
    ),
    Score(
        name="entropy",
        formula="-sum_k p_k log p_k at epoch m",
        unit="nats",
        range=(0, math.inf),
        high_means="unsure",
        needs=("entropy",),
        start=over_trials(lambda obs, m: _row(obs.entropy, obs, m)),
    ),
    Score(
        name="max_confidence",
        formula="max_k p_k at epoch m",
        unit="probability",
        high_means="easy",
        needs=("p_y", "margin"),
        start=over_trials(_max_confidence),
    ),
)
"""Scores that any trial has a part in; two names of one formula share their start."""
