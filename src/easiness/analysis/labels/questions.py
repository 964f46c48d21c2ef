"""Whom to ask about what next: the answers that are expected to put most labels right.

An answer is worth how much likelier it makes the likeliest label, in expectation. A further voice beside n
that err alike counts for 1 / (1 + r n), as those do then: its channel is taken to that power. It is more
than n + 1 of them are worth beyond n. But voices err alike on some items and not on others, and a smaller
power leaves out questions that put labels right.
"""

from __future__ import annotations

import numpy as np

from easiness.analysis.labels.annotators import LabelPosterior
from easiness.analysis.labels.mixture import Positions, Values
from easiness.lazy import Mask

LEAST_GAIN = 1e-6
"""The least gain in the probability of a label for which a question is asked."""

_AT_ONCE = 4096  # items
_LEAST = 1e-9  # a probability


def useful_questions(
    of: LabelPosterior, item: Positions, by: Positions, num_votes: Values, most: int
) -> tuple[Positions, Positions, Values]:
    """The ``most`` useful questions to voices that have not answered, or fewer where no more gain anything.

    The items [q], the voices to ask about them [q], and how much likelier each answer is expected to make the
    likeliest label [q], the most first. A second question about an item finds what the first one leaves.

    Args:
        of: the labels of K items by J voices.
        item: of each of n answers, votes or not, in 0 to K - 1.
        by: the voice that gave it, in 0 to J - 1.
        num_votes: how many votes each item has [K].
        most: questions, at least 1.
    """
    may = np.ones((len(of.p_best), len(of.accuracy)), np.bool_)
    may[item, by] = False
    num, left, enough = num_votes.copy(), 1 - of.p_best, LEAST_GAIN
    item, by, gain = np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0)
    while True:
        voice, gains = _best_voices(of, may, num, left, most)
        rows = np.lexsort((num, -gains.round(12)))[:most]
        rows = rows[gains[rows] > enough]
        if not len(rows):
            break
        item, by, gain = np.append(item, rows), np.append(by, voice[rows]), np.append(gain, gains[rows])
        may[rows, voice[rows]] = False
        left[rows] -= gains[rows]
        num[rows] += 1
        if len(gain) >= most:
            enough = max(LEAST_GAIN, float(np.partition(gain, -most)[-most]))
    first = np.argsort(-gain.round(12), kind="stable")[:most]
    return item[first], by[first], gain[first]


def _best_voices(
    of: LabelPosterior, may: Mask, num: Values, left: Values, most: int
) -> tuple[Positions, Values]:
    """The most useful voice of each item that it ``may`` ask [K], and its gain, 0 if ``most`` gain more."""
    gain, by = np.zeros(len(num)), np.zeros(len(num), np.int64)
    order = np.argsort(-left, kind="stable")  # nothing gains more than is ``left`` to find
    order = order[left[order] > LEAST_GAIN]
    for start in range(0, len(order), _AT_ONCE):
        some = order[start : start + _AT_ONCE]
        if start >= most and np.partition(gain, -most)[-most] >= left[some[0]]:
            break
        for size in np.unique(num[some]):
            rows = some[num[some] == size]
            gains = np.where(may[rows], _gains(of, rows, 1 / (1 + of.alike * size)), 0.0)
            by[rows] = gains.argmax(axis=1)
            gain[rows] = gains.max(axis=1) * left[rows] / (1 - of.p_best[rows])
    return by, gain


def _gains(of: LabelPosterior, rows: Positions, worth: float) -> Values:
    """How much likelier an answer of each voice makes the likeliest class of some items [n, J]."""
    if of.channels is None:  # nobody says a wrong answer again
        return worth * np.outer(1 - of.p_best[rows], of.accuracy)
    p = np.ascontiguousarray(np.asarray(of.p[rows]).T)
    channels = np.maximum(of.channels, _LEAST) ** worth
    channels /= channels.sum(axis=2, keepdims=True)
    then = np.array([sum((p * says[:, None]).max(axis=0) for says in one.T) for one in channels])
    return np.asarray(np.maximum(then.T - p.max(axis=0)[:, None], 0))
