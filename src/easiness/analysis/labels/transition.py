"""The probability that a label is wrong, from which classes are labelled as which others.

Networks that have not learned labels by heart say how labels are given: p = q T, with q the probabilities of
the true classes of an example and T[true, given] the share of a class that is given each label. T is the
confident joint of Northcutt et al. 2021 (arXiv 1911.00068): each example counts for the class that it is as
surely as the examples of that class are on average. Then q is p without T, by the steps of Richardson (1972)
and Lucy (1974), and a label y is wrong with probability 1 - q_y T_yy / (q T)_y.

What is hard for a network looks to it as if labels were mixed up: of clean labels that are hard to learn some
are taken for wrong.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]
Positions = npt.NDArray[np.int64]

_STEPS = 30
_AT_ONCE = 1 << 20  # values
_NEVER = 1e-9


def wrong_by_transition(p: npt.ArrayLike, labels: Positions) -> Values:
    """The probability [K] that each of the ``labels`` [K] is wrong, by mean probabilities ``p`` [K, C]."""
    told = np.asarray(p, np.float64)
    transition = confident_joint(told, labels)
    transition /= transition.sum(axis=1, keepdims=True)
    wrong = np.empty(len(labels))
    at_once = max(_AT_ONCE // told.shape[1], 1)
    for first in range(0, len(labels), at_once):
        some = slice(first, first + at_once)
        true = without_transition(told[some], transition)
        rows, given = np.arange(len(true)), labels[some]
        expected = np.maximum((true @ transition)[rows, given], _NEVER)
        wrong[some] = 1 - true[rows, given] * transition[given, given] / expected
    return np.clip(wrong, 0, 1)


def confident_joint(p: Values, labels: Positions) -> Values:
    """How many examples of each class have each label [true, given], all labels counted once."""
    num_classes = p.shape[1]
    size = np.bincount(labels, minlength=num_classes)
    least = np.ones(num_classes)
    for label in np.flatnonzero(size):
        least[label] = p[labels == label, label].mean()
    sure = np.where(p >= least, p, -1.0)
    true, counted = sure.argmax(axis=1), sure.max(axis=1) >= 0
    joint = np.zeros((num_classes, num_classes))
    np.add.at(joint, (true[counted], labels[counted]), 1.0)
    joint *= size / np.maximum(joint.sum(axis=0), _NEVER)
    return joint + _NEVER * np.eye(num_classes)


def without_transition(p: Values, transition: Values) -> Values:
    """Probabilities of the true classes [n, C] that ``transition`` [true, given] turns into ``p`` [n, C]."""
    true: Values = p / p.sum(axis=1, keepdims=True)
    for _ in range(_STEPS):
        true = true * ((p / np.maximum(true @ transition, _NEVER)) @ transition.T)
        true /= true.sum(axis=1, keepdims=True)
    return true
