"""Confident learning on out-of-sample probabilities: whose label does another class contest?

Below, q is the mean of p at epoch m over the trials that did not train on the example and kept its
logits. Without such logits nothing is allocated and everything is NaN.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from easiness.record import Observations
from easiness.scores.moments import Values, standard_error
from easiness.scores.score import Estimate, Score

NORTHCUTT = "Northcutt et al. 2021 (arXiv 1911.00068)"

_ROUNDING = 1e-9
"""A threshold is a mean of the values compared with it: equal ones may differ in the last digits."""

_Positions = npt.NDArray[np.int64]


def _out_of_sample(obs: Observations, m: int, first: int) -> tuple[_Positions, Values]:
    """Positions [n] of the left-out examples with logits, and their softmax [n, classes]; n may be 0.

    Positions are those in the run, where the examples of ``obs`` begin at ``first``.
    """
    if obs.logits is None:
        return np.empty(0, np.int64), np.empty((0, obs.num_classes))
    left_out = ~obs.trained_on[obs.logits.positions]
    z = obs.logits.values[m - 1][left_out].astype(np.float64)
    p = np.exp(z - z.max(axis=1, keepdims=True))
    return first + obs.logits.positions[left_out], p / p.sum(axis=1, keepdims=True)


class _Sums:
    """Sums of [n, classes] rows at positions; the [K, classes] array is made by the first row."""

    def __init__(self, num_examples: int, num_classes: int) -> None:
        self._total = np.empty((0, num_classes))
        self.num = np.zeros(num_examples, np.int64)

    def add(self, positions: _Positions, rows: Values) -> None:
        if not len(positions):
            return
        if not len(self._total):
            self._total = np.zeros((len(self.num), rows.shape[1]))
        self._total[positions] += rows
        self.num[positions] += 1

    @property
    def defined(self) -> _Positions:
        """Positions [d] that have rows."""
        return np.flatnonzero(self.num)

    def mean(self) -> Values:
        """Mean rows [d, classes] of the positions in `defined`."""
        defined = self.defined
        return self._total[defined] / self.num[defined, None]


class _NormalizedMargin:
    """q_y - q_k for the rival k of q; its error is that of the mean of p_y - p_k for the same k."""

    def __init__(self, labels: npt.NDArray[np.int64], num_classes: int) -> None:
        self._labels = labels
        self._p = _Sums(len(labels), num_classes)
        self._squares = _Sums(len(labels), num_classes)  # of p_y - p_k, for every k

    def add(self, obs: Observations, m: int, first: int) -> None:
        positions, p = _out_of_sample(obs, m, first)
        of_label = p[np.arange(len(p)), self._labels[positions]]
        self._p.add(positions, p)
        self._squares.add(positions, np.square(of_label[:, None] - p))

    def result(self) -> Estimate:
        value, se = np.full((2, len(self._labels)), np.nan)
        defined = self._p.defined
        q, rows, labels = self._p.mean(), np.arange(len(defined)), self._labels[defined]
        of_label = q[rows, labels]
        others = q.copy()
        others[rows, labels] = -np.inf
        rival = others.argmax(axis=1)
        margin = of_label - q[rows, rival]
        spread = np.maximum(self._squares.mean()[rows, rival] - np.square(margin), 0.0)
        num = self._p.num[defined]
        value[defined] = margin
        se[defined] = standard_error(spread * num, num)
        return Estimate(value, se)


class _Flag:
    """1 where the confident joint counts the example off its diagonal."""

    def __init__(self, labels: npt.NDArray[np.int64], num_classes: int) -> None:
        self._labels = labels
        self._num_classes = num_classes
        self._p = _Sums(len(labels), num_classes)

    def add(self, obs: Observations, m: int, first: int) -> None:
        self._p.add(*_out_of_sample(obs, m, first))

    def result(self) -> Estimate:
        flag = np.full(len(self._labels), np.nan)
        defined = self._p.defined
        q, rows, labels = self._p.mean(), np.arange(len(defined)), self._labels[defined]
        thresholds = np.full(self._num_classes, np.inf)  # no example of the class: nothing reaches it
        for k in np.unique(labels):
            thresholds[k] = q[labels == k, k].mean()
        confident = np.where(q >= thresholds - _ROUNDING, q, -np.inf)
        of_label = confident[rows, labels]
        confident[rows, labels] = -np.inf
        flag[defined] = confident.max(axis=1) > of_label  # a tie goes to the label
        return Estimate(flag, np.full(len(self._labels), np.nan))


NORMALIZED_MARGIN = Score(
    name="normalized_margin",
    formula="q_y - max_{k != y} q_k with q = mean of p at epoch m over the trials without x; "
    "error: that of p_y - p_k with the rival k of q; low marks a suspect label",
    unit="probability",
    range=(-1, 1),
    high_means="sound label",
    needs=("logits", "held-out trials"),
    source=NORTHCUTT,
    start=_NormalizedMargin,
)

CONFIDENT_LEARNING_FLAG = Score(
    name="confident_learning_flag",
    formula="1 if the largest q_k among the k with q_k >= t_k is not q_y, else 0 (also without such a k); "
    "t_k = mean of q_k over {y = k}; no error (NaN)",
    unit="0 or 1",
    range=(0, 1),
    high_means="suspect label",
    needs=("logits", "held-out trials"),
    source=NORTHCUTT,
    start=_Flag,
)
