"""Scores from trials that left an example out, alone or beside the trials that trained on it.

The flag of confident learning follows the paper's definition of the confident joint. cleanlab departs from it
where several classes reach their thresholds, and its filter from that: docs/scores.md has by how much.

Below, q is the mean of p at epoch m over the trials that did not train on the example and kept its
logits. Without such logits nothing is allocated and everything is NaN.
"""

from __future__ import annotations

import numpy as np

from easiness.lazy import Integers, Mask
from easiness.records import Observations
from easiness.scoring.score import (
    Score,
    ScoreEstimate,
    ScoreMoments,
    Values,
    correct_after,
    over_trials,
    reach,
    standard_error,
)


def _correct_where(among: Mask, obs: Observations, m: int) -> Values:
    return np.where(among, correct_after(obs, m), np.nan)


class _Memorization:
    """Accuracy with the example less accuracy without it; two independent groups of trials."""

    def __init__(self, labels: Integers) -> None:
        self._with, self._without = ScoreMoments(len(labels)), ScoreMoments(len(labels))

    def add(self, obs: Observations, m: int, first: int) -> None:
        self._with.add(_correct_where(obs.trained_on_at(m), obs, m), first)
        self._without.add(_correct_where(~obs.trained_on_at(m), obs, m), first)

    def result(self) -> ScoreEstimate:
        with_it, without_it = self._with.estimate(), self._without.estimate()
        away = np.hypot(with_it.high - with_it.value, without_it.high - without_it.value)
        value = with_it.value - without_it.value
        return ScoreEstimate(value, np.hypot(with_it.se, without_it.se), value - away, value + away)


NORTHCUTT = "Northcutt et al. 2021, arXiv:1911.00068"

_ROUNDING = 1e-9
"""A threshold is a mean of the values compared with it: equal ones may differ in the last digits."""


def margin_and_rival(q: Values, labels: Integers) -> tuple[Values, Integers]:
    """q_y - q_k [n] and its k [n], the largest class of q [n, classes] but the label, the first of equals.

    ``q`` is written to and put back, which saves a copy of it.
    """
    rows = np.arange(len(q))
    of_label = q[rows, labels]
    q[rows, labels] = -np.inf
    rival = q.argmax(axis=1)
    margin = of_label - q[rows, rival]
    q[rows, labels] = of_label
    return margin, rival


def off_the_diagonal(q: Values, labels: Integers) -> Mask:
    """Does the confident joint of q [n, classes] count the example off its diagonal? [n]

    That is: does another class reach its threshold, and is it likelier than the label, if that does too?
    A class below its threshold does not count, however likely it is; cleanlab lets it win over several above.
    """
    of_label = q[np.arange(len(q)), labels]
    num = np.bincount(labels, minlength=q.shape[1])
    sums = np.bincount(labels, weights=of_label, minlength=q.shape[1])
    # no example of the class: nothing reaches it
    thresholds = np.where(num > 0, sums / np.maximum(num, 1), np.inf) - _ROUNDING
    to_beat = np.where(of_label >= thresholds[labels], of_label, -np.inf)  # a tie goes to the label
    rivals = q >= thresholds
    rivals &= q > to_beat[:, None]
    return np.asarray(np.any(rivals, axis=1))


def _out_of_sample(obs: Observations, m: int, first: int) -> tuple[Integers, Values]:
    """Positions [n] of the left-out examples with logits, and their softmax [n, classes]; n may be 0.

    Positions are those in the run, where the examples of ``obs`` begin at ``first``.
    """
    if obs.logits is None:
        return np.empty(0, np.int64), np.empty((0, obs.num_classes))
    left_out = ~obs.trained_on_at(m)[obs.logits.positions]
    p = obs.logits.values[obs.row(m)][left_out].astype(np.float64)
    p -= p.max(axis=1, keepdims=True)
    np.exp(p, out=p)
    p /= p.sum(axis=1, keepdims=True)
    return first + obs.logits.positions[left_out], p


class _Sums:
    """Sums of [n, classes] rows at positions; the [K, classes] array is made by the first row."""

    def __init__(self, num_examples: int) -> None:
        self._total = np.empty((0, 1))
        self.num = np.zeros(num_examples, np.int64)

    def add(self, positions: Integers, rows: Values) -> None:
        if not len(positions):
            return
        if not len(self._total):
            self._total = np.zeros((len(self.num), rows.shape[1]))
        first, end = positions[0], positions[-1] + 1
        where = slice(first, end) if end - first == len(positions) else positions  # a slice copies nothing
        self._total[where] += rows
        self.num[where] += 1

    def take_mean(self) -> tuple[Integers, Values]:
        """Positions [d] that have rows, and the mean of each [d, classes]; gives the sums away."""
        positions = np.flatnonzero(self.num)
        mean, self._total = self._total, np.empty((0, 0))  # large: no second one where it can be helped
        if len(positions) < len(mean):
            mean = mean[positions]
        mean /= self.num[positions, None]
        return positions, mean


class _NormalizedMargin:
    """q_y - q_k for the rival k of q; its error is that of the mean of p_y - p_k for the same k."""

    def __init__(self, labels: Integers) -> None:
        self._labels = labels
        self._p = _Sums(len(labels))
        self._squares = _Sums(len(labels))  # of p_y - p_k, for every k

    def add(self, obs: Observations, m: int, first: int) -> None:
        positions, p = _out_of_sample(obs, m, first)
        of_label = p[np.arange(len(p)), self._labels[positions]]
        self._p.add(positions, p)
        p -= of_label[:, None]
        self._squares.add(positions, np.square(p, out=p))

    def result(self) -> ScoreEstimate:
        value, se, away = np.full((3, len(self._labels)), np.nan)
        positions, q = self._p.take_mean()
        margin, rival = margin_and_rival(q, self._labels[positions])
        _, squares = self._squares.take_mean()
        spread = np.maximum(squares[np.arange(len(positions)), rival] - np.square(margin), 0.0)
        num = self._p.num[positions]
        value[positions] = margin
        se[positions] = standard_error(spread * num, num)
        root = np.sqrt(spread)  # the values are not kept: as if each were as far from their mean
        away[positions] = reach(num, margin, spread * num, margin - root, margin + root)
        return ScoreEstimate(value, se, value - away, value + away)


class _Flag:
    def __init__(self, labels: Integers) -> None:
        self._labels = labels
        self._p = _Sums(len(labels))

    def add(self, obs: Observations, m: int, first: int) -> None:
        self._p.add(*_out_of_sample(obs, m, first))

    def result(self) -> ScoreEstimate:
        flag = np.full(len(self._labels), np.nan)
        positions, q = self._p.take_mean()
        flag[positions] = off_the_diagonal(q, self._labels[positions])
        return ScoreEstimate(flag, *np.full((3, len(self._labels)), np.nan))


HELD_OUT: tuple[Score, ...] = (
    Score(
        name="consistency",
        formula="share of the trials without x that are right at epoch m",
        unit="share of trials",
        high_means="easy",
        needs=("prediction", "trials without x"),
        source="Jiang et al. 2021, arXiv:2002.03206, at one share",
        start=over_trials(lambda obs, m: _correct_where(~obs.trained_on_at(m), obs, m)),
    ),
    Score(
        name="memorization",
        formula="share of the trials with x that are right at epoch m, minus that of the trials without x",
        unit="share of trials",
        range=(-1, 1),
        high_means="hard",
        needs=("prediction", "trials without x"),
        source="Feldman and Zhang 2020, arXiv:2008.03703",
        start=_Memorization,
    ),
    Score(
        name="self_confidence",
        formula="mean of p_y at epoch m over the trials without x",
        unit="probability",
        high_means="sound label",
        needs=("p_y", "trials without x"),
        source="Northcutt et al. 2021, arXiv:1911.00068",
        start=over_trials(lambda obs, m: np.where(obs.trained_on_at(m), np.nan, obs.p_label[obs.row(m)])),
    ),
    Score(
        name="normalized_margin",
        formula="q_y - max_{k != y} q_k, q the mean of p at epoch m over the trials without x; "
        "error: that of p_y - p_k, k the likeliest other class",
        unit="probability",
        range=(-1, 1),
        high_means="sound label",
        needs=("logits", "trials without x"),
        source=NORTHCUTT,
        start=_NormalizedMargin,
    ),
    Score(
        name="confident_learning_flag",
        formula="1 where the largest q_k with q_k >= t_k is of another class than y, t_k = mean of q_k "
        "over the examples labelled k; no error",
        unit="flag",
        high_means="suspect label",
        needs=("logits", "trials without x"),
        source=NORTHCUTT,
        start=_Flag,
    ),
)
"""Scores of the trials that left an example out."""
