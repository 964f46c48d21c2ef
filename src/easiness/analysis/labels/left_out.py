"""The probability that a label is wrong, by which labels are expected of examples that heads left out.

Heads that left an example out say how probable each label of it is; labels that come whatever the example is
like are noise. So the true class has probabilities q, a product of powers of what several voices say, and a
noisy channel makes a label of it. Powers and channel are those that make the labels most probable (by
expectation and maximization).

The voices are the heads themselves, and linear discriminants over their outputs. A regression on many classes
hides some behind others and never names one that few examples have; discriminants take each class at its
place (Hastie, Tibshirani and Buja 1994). How sure a place is goes by how many examples taught it.

Classes of many examples are judged by `label_noise_of_outputs` as well, which finds labels that people mix
up: heads come to expect these. In classes of few examples it takes kinds for wrong labels. Two classes lie
along one line: there it may count them all in one, and takes no part in the order, and labels that are
mixed up (`wrong_by_transition`) count, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.special import entr, log_softmax, logsumexp, softmax

from easiness.analysis.labels.channel import (
    ClassNoise,
    apart_from_label,
    channel_table,
    classes_are_large,
    contrasts,
    joint_counts,
    label_noise_of_outputs,
    pieces,
)
from easiness.analysis.labels.mixture import LabelNoise, Positions, Values, monotone

_STEPS = 30
_ROWS_AT_ONCE = 1 << 20  # values
_NEVER = 1e-9


def wrong_by_transition(p: npt.NDArray[np.floating], labels: Positions) -> Values:
    """The probability [K] that each of the ``labels`` [K] is wrong, by mean probabilities ``p`` [K, C]."""
    means = np.asarray(p, np.float64)
    transition = confident_joint(means, labels)
    transition /= transition.sum(axis=1, keepdims=True)
    wrong = np.empty(len(labels))
    for some in pieces(len(labels), _ROWS_AT_ONCE // means.shape[1]):
        true = without_transition(means[some], transition)
        rows, own = np.arange(len(true)), labels[some]
        expected = np.maximum((true @ transition)[rows, own], _NEVER)
        wrong[some] = 1 - true[rows, own] * transition[own, own] / expected
    return np.clip(wrong, 0, 1)


def confident_joint(p: Values, labels: Positions) -> Values:
    """How many examples of each class have each label [true, label], all labels counted once."""
    num_classes = p.shape[1]
    size = np.bincount(labels, minlength=num_classes)
    least = np.ones(num_classes)
    for label in np.flatnonzero(size):
        least[label] = p[labels == label, label].mean()
    sure = np.where(p >= least, p, -1.0)
    true, rows = sure.argmax(axis=1), sure.max(axis=1) >= 0
    joint = np.zeros((num_classes, num_classes))
    np.add.at(joint, (true[rows], labels[rows]), 1.0)
    joint *= size / np.maximum(joint.sum(axis=0), _NEVER)
    return joint + _NEVER * np.eye(num_classes)


def without_transition(p: Values, transition: Values) -> Values:
    """Probabilities of the true classes [n, C] that ``transition`` [true, label] turns into ``p`` [n, C]."""
    true: Values = p / p.sum(axis=1, keepdims=True)
    for _ in range(_STEPS):
        true = true * ((p / np.maximum(true @ transition, _NEVER)) @ transition.T)
        true /= true.sum(axis=1, keepdims=True)
    return true


def label_noise_together(noises: Sequence[LabelNoise]) -> LabelNoise:
    """The order and the probabilities of several models or runs as one, of K examples each.

    The order is a sum of their log odds, the probabilities are a mean, made monotone in that order, by
    `weights_together`. Where two disagree the probability lies between: they are less sure than two can be
    that know equally much and err apart. One that claims more than it knows makes both worse.
    """
    weights = weights_together(noises)
    best = int(weights.argmax())
    if len(noises) == 1 or np.ptp(noises[best].p_wrong) == 0:
        return noises[best]
    order: Values = sum(weight * noise.suspicion for weight, noise in zip(weights, noises, strict=True))
    mean = np.average([noise.p_wrong for noise in noises], axis=0, weights=weights)
    return LabelNoise(monotone(order, mean), order)


def weights_together(noises: Sequence[LabelNoise]) -> Values:
    """How much each counts [n], 1 for the one that knows most.

    It goes by what its own probabilities say: the information about which labels are wrong, over that of the
    one that knows most, squared.
    """
    nats = np.maximum([information(noise.p_wrong) for noise in noises], 0)
    return np.square(nats / nats.max()) if nats.max() > 0 else np.ones(len(noises))


def information(p_wrong: Values) -> float:
    """How much probabilities [K] say of which labels are wrong: nats an example, 0 if all are the same."""
    share = p_wrong.mean()
    return float(entr(share) + entr(1 - share) - (entr(p_wrong) + entr(1 - p_wrong)).mean())


UNLIKE = 0.08
"""Sound labels of examples unlike their class, over the sound labels that q misses: 0.05 to 0.12 do."""
_LEAST_UNLIKE = 2e-3  # of all labels: where nine times as many are wrong, p_wrong comes to 0.9 at most
LEAST_SHRUNK = 0.01
"""How far the spread of outputs is shrunk towards a ball, for each dimension, at least: what is left out of a
regression on very many classes betrays itself in directions in which outputs hardly differ."""
_MOST_TIMES, _MORE = 3, 5  # examples of a class, truly, over those of its label
_STARTS = (1.0, 0.02), (3.0, 0.1)  # sum of the powers, share of wrong labels: the likeliest end counts
_WARM_UP = 8  # iterations in which the powers of a sharp start stay
_FEWEST_TIMES, _LAST, _STILL = 12, 80, 2e-5  # iterations, and the change of the share that ends them
FLOOR = 0.01
"""Share of wrong labels that the order allows for beyond the channel: one that has found next to none would
put pairs of classes before examples. 0.01 to 0.03 do."""
_EVERY = 5  # iterations: the strength of the channel moves slowly
_FARTHEST = 20.0  # power
_MOST_VALUES = 1 << 20  # of outputs that the channel is learned from
_AT_ONCE = 1 << 21
_NEXT_TO_NONE = 1e-9


@dataclass(frozen=True)
class HeadNoise(LabelNoise):
    """`LabelNoise` of heads, with what each model ``by`` its name has for the share of wrong labels.

    ``mixed_up`` is the share by `wrong_by_transition`, which takes hard examples for wrong, too. ``apart`` is
    the mean probability of the likeliest class by densities of three large classes and more; 0 where there
    are two, None where classes are small.
    """

    by: dict[str, float]
    mixed_up: float
    apart: float | None = None


def label_noise_of_heads(log_p: Sequence[Values], labels: Positions) -> HeadNoise:
    """How probable it is that each label is wrong, by heads that left the example out.

    Args:
        log_p: mean log probabilities [K, C] by heads, of one run or several.
        labels: in 0 to C - 1 [K], two classes or more.
    """
    expected = label_noise_left_out(log_p, labels)
    by, noises, apart = {"expected": expected.share}, [expected], None
    sizes = np.bincount(labels, minlength=log_p[0].shape[1])
    if classes_are_large(labels, len(sizes)):
        of_classes = [label_noise_of_outputs(one, labels) for one in log_p]
        apart = float(np.mean([one.apart for one in of_classes])) if len(sizes) > 2 else 0.0
        for noise, one in zip(of_classes, log_p, strict=True):
            if (noise.sizes <= _MOST_TIMES * sizes + _MORE).all():  # else a class took in a part of another
                noises.append(_at_most(noise, one, labels))
    if len(noises) > 1:
        by["classes"] = float(np.mean([one.share for one in noises[1:]]))
    # what the channel takes for sound still has an order, by heads that did not see the label
    order = expected.suspicion
    if len(sizes) > 2 and len(noises) > 1:
        order = order + np.mean([one.suspicion for one in noises[1:]], axis=0)
    mixed_up = wrong_by_transition(softmax(np.mean(log_p, axis=0), axis=1), labels)
    if len(sizes) == 2:  # heads that are sure of no label make any noise probable without a channel
        noises.append(LabelNoise(monotone(order, mixed_up), order))
    p_wrong = monotone(order, label_noise_together(noises).p_wrong)
    return HeadNoise(p_wrong, order, by, float(mixed_up.mean()), apart)


def _at_most(noise: ClassNoise, log_p: Values, labels: Positions) -> LabelNoise:
    """The same with no label more probably wrong than what heads expect of labels allows.

    Let an example be truly of its label's class with probability q, and let at most half of any other class
    bear that label. Heads then expect the label with p <= q + (1 - q) / 2, and it is there and wrong with at
    most (1 - q) / 2 <= 1 - p. A rare class that has taken in a tight group of another one says far more.
    """
    p = np.exp(log_softmax(log_p, axis=1)[np.arange(len(labels)), labels])
    return replace(noise, p_wrong=np.minimum(noise.p_wrong, np.maximum(1 - p, 0) / np.maximum(p, 1e-300)))


def label_noise_left_out(log_p: Sequence[Values], labels: Positions) -> LabelNoise:
    """How probable it is that each label is wrong, by the channel that makes the labels given most probable.

    It takes what `label_noise_of_heads` does. Where there are many examples the channel is learned from some,
    evenly spaced.
    """
    present, labels = np.unique(labels, return_inverse=True)
    if len(present) < 2:
        return LabelNoise(np.zeros(len(labels)), np.zeros(len(labels)))
    outputs = [np.asarray(one[:, present], np.float64) for one in log_p]
    discriminants = [_Discriminants(one, labels) for one in outputs]

    def voices(rows: Positions | slice) -> Values:
        of_heads = [one[rows] for one in outputs]
        of_places = [one(own, labels[rows]) for one, own in zip(discriminants, of_heads, strict=True)]
        both = np.stack([*of_heads, *of_places])
        return np.asarray(both - both.mean(axis=2, keepdims=True))

    # sums are rounded alike in whatever order the examples come
    some = np.lexsort((labels, *outputs[0].T[:3]))[:: -(-outputs[0].size // _MOST_VALUES)]
    share = np.bincount(labels) / len(labels)
    sample = voices(some)
    fits = [_Channel.fit(sample, labels[some], share, *start) for start in _STARTS]
    best = max(fits, key=lambda one: one.objective)
    p_wrong, suspicion = np.empty((2, len(labels)))
    for rows in pieces(len(labels), _AT_ONCE // outputs[0].shape[1]):
        p_wrong[rows], suspicion[rows] = best.judge(voices(rows), labels[rows])
    p_wrong *= p_wrong.mean() / (p_wrong.mean() + _LEAST_UNLIKE)
    return LabelNoise(monotone(suspicion, p_wrong), suspicion)


class _Discriminants:
    """Linear discriminants over outputs [K, C], each example judged by the places of the others."""

    def __init__(self, outputs: Values, labels: Positions) -> None:
        num, num_classes = outputs.shape
        self._basis = contrasts(num_classes)
        self._size = np.bincount(labels, minlength=num_classes)
        means = joint_counts(outputs, labels).T / np.maximum(self._size, 1)[:, None] @ self._basis
        spread = self._basis.T @ (outputs.T @ outputs) @ self._basis
        spread = (spread - (means.T * self._size) @ means) / num
        usual = max(float(np.trace(spread)) / len(spread), 1e-12)
        shrink = len(spread) * max(1 / num, LEAST_SHRUNK)
        spread = (spread + shrink * usual * np.eye(len(spread))) / (1 + shrink)
        self._white = np.linalg.inv(np.linalg.cholesky(spread)).T
        self._means = means @ self._white
        self._own = 1 / (num * (1 + shrink))  # what an example adds to the spread

    def __call__(self, outputs: Values, labels: Positions) -> Values:
        """Log probability of each class but for a constant [n, C]; the examples are of those taught."""
        points = outputs @ self._basis @ self._white
        away = points - self._means[labels]
        far = np.square(points).sum(axis=1)[:, None] - 2 * points @ self._means.T
        far += np.square(self._means).sum(axis=1)
        # without the example its class has another mean and all have a narrower spread (Sherman and Morrison)
        others = np.maximum(self._size - 1, 0.5)[labels]
        ratio = self._size[labels] / others
        own = self._own * ratio
        along = (away * points).sum(axis=1)[:, None] - away @ self._means.T
        left = np.maximum(1 - own * np.square(away).sum(axis=1), 0.05)
        far = np.maximum(far, 0) + (own / left)[:, None] * np.square(along)
        rows = np.arange(len(labels))
        far[rows, labels] *= np.square(ratio)
        lesson_sizes = np.broadcast_to(self._size.astype(np.float64), far.shape).copy()
        lesson_sizes[rows, labels] = others
        return np.asarray(np.log(self._size + 0.5) - far / (2 * (1 + 1 / lesson_sizes)))


@dataclass(frozen=True)
class _Channel:
    """Powers of voices, log of the ``table`` [true, label] of labels, and what comes whatever the example is.

    ``unlike`` [C] is the log share of labels of examples that are unlike their class.
    """

    powers: Values
    table: Values
    unlike: Values
    objective: float = -np.inf

    @classmethod
    def fit(cls, voices: Values, labels: Positions, share: Values, power: float, wrong: float) -> _Channel:
        """From voices [V, n, C], beginning with a sum of powers and a share of wrong labels."""
        num_voices, num, num_classes = voices.shape
        rows, table = np.arange(num), np.full((num_classes, num_classes), wrong / (num_classes - 1))
        np.fill_diagonal(table, 1 - wrong)
        log_share = np.log(share)
        now = cls(np.full(num_voices, power / num_voices), np.log(table), log_share + np.log(_NEXT_TO_NONE))
        strength, before = None, np.inf
        for iteration in range(_LAST):
            log_q, joint, total = now._parts(voices, labels)
            q, alike = softmax(log_q, axis=1), np.exp(logsumexp(joint, axis=1) - total)
            true = np.exp(joint - total[:, None])
            powers = now.powers
            if power <= 1 or iteration >= _WARM_UP:
                powers = _step(powers, voices, true, q, alike)
            share_wrong = float((alike - true[rows, labels]).mean())
            true[rows, labels] += 1 - alike
            counts = joint_counts(true, labels)
            table, strength = channel_table(counts, strength if iteration % _EVERY else None)
            unlike = max(UNLIKE * float(1 - q.max(axis=1).mean()), _NEXT_TO_NONE)
            now = cls(powers, np.log(table), log_share + np.log(unlike), float(total.mean()))
            if iteration > _FEWEST_TIMES and abs(share_wrong - before) < _STILL:
                break
            before = share_wrong
        return now

    def _parts(self, voices: Values, labels: Positions) -> tuple[Values, Values, Values]:
        """Log of q, of q and the label together [n, C], and of the label, unlike examples included [n]."""
        log_q: Values = log_softmax(np.tensordot(self.powers, voices, 1), axis=1)
        joint = log_q + self.table.T[labels]
        return log_q, joint, np.logaddexp(logsumexp(joint, axis=1), self.unlike[labels])

    def judge(self, voices: Values, labels: Positions) -> tuple[Values, Values]:
        """The probability to be wrong, and the order of suspicion [n].

        This is the log odds to be wrong among examples that are like their class, were there `FLOOR` more.
        """
        log_q, joint, total = self._parts(voices, labels)
        wrong, _ = apart_from_label(joint, labels)
        floor = np.log(FLOOR / (len(self.table) - 1))
        more, right = apart_from_label(log_q + np.logaddexp(self.table, floor).T[labels], labels)
        return np.exp(wrong - total), more - right


def _step(powers: Values, voices: Values, true: Values, q: Values, alike: Values) -> Values:
    """Powers after a step of Newton's towards the true classes [n, C] expected, at most half of their sum."""
    slope = np.array([np.vdot(true - alike[:, None] * q, one) for one in voices])
    means = np.stack([(q * one).sum(axis=1) for one in voices])
    weights = q * alike[:, None]
    curvature = np.array([[np.vdot(weights * a, b) for b in voices] for a in voices])
    curvature -= (means * alike) @ means.T
    curvature += (1e-6 * float(np.trace(curvature)) + _NEXT_TO_NONE) * np.eye(len(powers))
    free, step = np.flatnonzero((powers > 0) | (slope > 0)), np.zeros(len(powers))
    step[free] = np.linalg.solve(curvature[np.ix_(free, free)], slope[free])
    step *= min(1.0, float(powers.sum()) / 2 / max(float(np.abs(step).max()), _NEXT_TO_NONE))
    return np.clip(powers + step, 0, _FARTHEST)
