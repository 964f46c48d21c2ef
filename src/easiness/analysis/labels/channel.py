"""The probability that a label is wrong, from what each class was given by heads that left the example out.

Outputs of heads lie around a place of the true class, whatever the label. True classes are a mixture of
Student's t densities over the outputs, with tails as heavy as the data have them. A noisy channel makes the
label of the true class: the share of each class that is labelled as each other is fitted along, so wrong
labels that all go to one class are found as well as those that go anywhere.

Classes whose sound examples reach into one another look like noise, and less so where densities count for
less than they say. People err most where classes are alike: how often labels are wrong may change with the
lead of the first class. The order is that of plain linear discriminants, which is steadier than tails are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array
from scipy.special import expit, gammaln, log_softmax, logit, logsumexp, softmax

from easiness.analysis.labels.mixture import (
    FAINT,
    LabelNoise,
    Positions,
    Values,
    likeliest_strength,
    monotone,
    roots_of,
    without_steps,
)

_ALIKE = np.geomspace(20, 3000, 12)  # examples' worth of the usual rate of wrong labels, for each class


def channel_table(counts: Values, strength: float | None = None) -> tuple[Values, float]:
    """The share of each true class that has each label, from expected counts; both [true, label].

    Wrong labels are shrunk towards the usual wrong label by a ``strength`` in examples, the likeliest one by
    default, which comes second.
    """
    apart = ~np.eye(len(counts), dtype=bool)
    wrong = np.where(apart, counts, 0.0)
    in_class = wrong.sum(axis=1)
    usual = np.where(apart, wrong.sum(axis=0) + FAINT * (wrong.sum() + 1), 0.0)
    usual /= usual.sum(axis=1, keepdims=True)
    if strength is None:
        strength = likeliest_strength(wrong[apart], usual[apart], in_class)
    which = (wrong + strength * usual) / (in_class + strength)[:, None]
    size = counts.sum(axis=1)
    rate = float(wrong.sum() / counts.sum())
    # half a wrong label in ten classes, so that one among a few hundred stays possible
    shares = np.clip([rate, 1 - rate], 1e-6, 1 - 1e-6)[:, None]
    # the prior is the root of that: where few labels are wrong, classes are taken to be alike
    alike = likeliest_strength(np.stack([in_class, size - in_class]), shares, size, _ALIKE, 0.5)
    of_class = (in_class + alike * rate + 0.05) / (size + alike + 0.1)
    return which * of_class[:, None] + np.diag(1 - of_class), strength


TEMPER = 0.8
"""Weight of a log density: at 1 overlap is taken for noise (0.03 of all labels), at 0.7 the reverse."""
ORDER_TEMPER = 0.4
"""The same for the linear discriminants that make the order: 0.3 to 0.5 do as well."""
STRATA = 5
"""By lead, each with a rate of wrong labels of its own; 3 to 8 do as well."""

_MOST_OF_CLASS = 2000  # examples to learn from, on average; of more, evenly spaced ones
MOST_CLASSES = 200
"""Most of them: more take minutes."""

_MOST_VALUES = 1 << 23  # the same of outputs: 64 MiB
_OWN = 20  # classes at most for spreads of their own, which cost the cube
_EACH, _FEWEST = 5, 40  # examples of a class for each dimension, and at least
_SHRINK = 2.0  # examples' worth of the common covariance, for each dimension
_LEAST_SPREAD = 1e-6  # of the mean variance, in every direction
_TAILS = np.array([2.5, 3, 4, 5, 7, 10, 15, 25, 50, 200])  # degrees of freedom
_FIRST_TAIL = 8.0
_USUAL_OF_STRATUM = 50.0  # the same for each stratum
_TRUST = 0.9  # of the class that heads say, to begin with
_FIRST, _LAST, _STILL = 22, 80, 1e-4  # iterations, and the change of the share that ends them
_EVERY = 5  # iterations: tails and strengths move slowly
_LAST_OF_STRATA = 30
_AT_ONCE = 1 << 22  # values of outputs


def classes_are_large(labels: Positions, num_classes: int) -> bool:
    """Have classes examples enough for spreads of their own, and so few kinds that each counts?"""
    sizes = np.bincount(labels, minlength=num_classes)
    fewest = max(_EACH * (num_classes - 1), _FEWEST)
    return num_classes <= _OWN and bool(np.median(sizes[sizes > 0]) >= fewest)


@dataclass(frozen=True)
class ClassNoise(LabelNoise):
    """With true ``sizes`` [C] of classes, and the mean probability of the likeliest one by outputs alone."""

    sizes: Values
    apart: float


def label_noise_of_outputs(outputs: Values, labels: Positions) -> ClassNoise:
    """How probable it is that each label is wrong, and an order of suspicion.

    ``outputs`` [K, C] are means over heads that did not see the example, of two or more classes: raw outputs
    of a regression on the classes or log probabilities, which differ by a scale alone. ``labels`` [K] are in
    0 to C - 1. Where there are many examples it is learned from some, evenly spaced.
    """
    # sums are rounded alike in whatever order the examples come
    order = np.lexsort((labels, *outputs.T[:3]))
    num_classes = outputs.shape[1]
    step = max(-(-outputs.size // _MOST_VALUES), -(-len(labels) // (num_classes * _MOST_OF_CLASS)))
    fit = _ChannelFit(outputs[order[::step]], labels[order[::step]])
    parts = pieces(len(labels), _AT_ONCE // num_classes)
    suspicion = np.concatenate([fit.suspicion(outputs[some], labels[some]) for some in parts])
    p_wrong = without_steps(fit.steps, fit.order, suspicion)
    return ClassNoise(p_wrong, suspicion, fit.sizes * step, fit.apart)


def pieces(num: int, at_once: int) -> list[slice]:
    """Pieces of so many rows, of ``at_once`` each, or one."""
    at_once = max(at_once, 1)
    return [slice(first, first + at_once) for first in range(0, num, at_once)]


class _ChannelFit:
    def __init__(self, outputs: Values, labels: Positions) -> None:
        self._basis = contrasts(outputs.shape[1])
        points = outputs @ self._basis
        self._scale = max(float(np.sqrt(np.square(points).mean())), 1e-300)
        points = points / self._scale
        log_class, true = _fit_classes(points, labels, outputs.argmax(axis=1))
        wrong, true = _by_strata(log_class, true, labels)
        self._table, _ = channel_table(joint_counts(true, labels))
        self._discriminants = _discriminants(points, true)
        self.sizes: Values = true.sum(axis=0)
        self.apart = float(np.exp(log_class.max(axis=1)).mean())
        self.order = self.suspicion(outputs, labels)
        self.steps = monotone(self.order, wrong)

    def suspicion(self, outputs: Values, labels: Positions) -> Values:
        """Log odds that a label is wrong [n], by linear discriminants; good for an order alone."""
        slopes, offsets = self._discriminants
        points = outputs @ self._basis / self._scale
        log_class = log_softmax(ORDER_TEMPER * (points @ slopes + offsets), axis=1)
        wrong, right = apart_from_label(log_class + np.log(self._table.T)[labels], labels)
        return wrong - right


def contrasts(num_classes: int) -> Values:
    """An orthonormal basis [C, C - 1] of what is left where all outputs may rise alike."""
    start = np.eye(num_classes)
    start[:, 0] = 1
    return np.asarray(np.linalg.qr(start)[0][:, 1:])


def joint_counts(true: Values, labels: Positions) -> Values:
    """How many examples of each true class have each label [true, label]; ``true`` [n, C] adds up to 1."""
    num, num_classes = true.shape
    of_label = csr_array((np.ones(num), (labels, np.arange(num))), shape=(num_classes, num))
    return np.asarray(of_label @ true).T


def apart_from_label(joint: Values, labels: Positions) -> tuple[Values, Values]:
    """Logs of the sum over classes that are not the label, and of the label's own [n]."""
    rows = np.arange(len(labels))
    right, others = joint[rows, labels], joint.copy()
    others[rows, labels] = -np.inf
    return np.asarray(logsumexp(others, axis=1)), right


def _fit_classes(points: Values, labels: Positions, guesses: Positions) -> tuple[Values, Values]:
    """Log probability of each class by outputs alone, and its probability by the label too; both [n, C].

    Densities and channel by expectation and maximization, from the ``guesses`` [n] of heads on.
    """
    num, num_classes = len(points), points.shape[1] + 1
    rows = np.arange(num)
    true = np.full((num, num_classes), (1 - _TRUST) / num_classes)
    true[rows, guesses] += _TRUST
    near = np.ones((num, num_classes))
    tail, strength, share = _FIRST_TAIL, None, 0.0
    for iteration in range(_LAST):
        far, log_volume = _distances(points, true, near)
        due = iteration % _EVERY == _EVERY - 1
        if due:
            fits = [float((true * _student(far, log_volume, one, points.shape[1])).sum()) for one in _TAILS]
            tail = float(_TAILS[int(np.argmax(fits))])
        size = true.sum(axis=0) + 1
        log_density = _student(far, log_volume, tail, points.shape[1])
        log_class = log_softmax(TEMPER * (log_density + np.log(size / size.sum())), axis=1)
        table, strength = channel_table(joint_counts(true, labels), None if due else strength)
        true = softmax(log_class + np.log(table.T)[labels], axis=1)
        near = (tail + points.shape[1]) / (tail + far)
        before, share = share, float(1 - true[rows, labels].mean())
        if iteration >= _FIRST and abs(share - before) < _STILL:
            break
    return log_class, true


def _distances(points: Values, true: Values, near: Values) -> tuple[Values, Values]:
    """Squared distances to each class in its spread [n, C], and the log determinants of the spreads [C].

    Means and spreads weigh examples by ``true`` times ``near`` [n, C]. No example counts in the mean that it
    is far from.
    """
    num_dims = points.shape[1]
    weights, size = true * near, true.sum(axis=0) + 1e-9
    weight = weights.sum(axis=0) + 1e-9
    means = (weights.T @ points) / weight[:, None]
    scatters = np.stack([(points * one[:, None]).T @ points for one in weights.T])
    scatters -= weight[:, None, None] * means[:, :, None] * means[:, None]
    common, shrink = scatters.sum(axis=0) / size.sum(), _SHRINK * num_dims
    spreads = (scatters + shrink * common) / (size + shrink)[:, None, None]
    roots = roots_of(spreads, _LEAST_SPREAD * max(float(np.trace(common)) / num_dims, 1e-12))
    far = np.empty_like(true)
    for c, root in enumerate(roots):
        far[:, c] = np.square(np.linalg.solve(root, (points - means[c]).T)).sum(axis=0)
    log_volume = 2 * np.log(np.diagonal(roots, axis1=1, axis2=2)).sum(axis=1)
    far /= np.square(1 - np.minimum(weights / weight, 0.9))
    return far, log_volume


def _student(far: Values, log_volume: Values, tail: float, num_dims: int) -> Values:
    """Log of Student's t density at squared distances ``far`` [n, C], but for a constant in all of them."""
    level = gammaln((tail + num_dims) / 2) - gammaln(tail / 2) - num_dims / 2 * np.log(tail)
    return np.asarray(level - log_volume / 2 - (tail + num_dims) / 2 * np.log1p(far / tail))


def _by_strata(log_class: Values, true: Values, labels: Positions) -> tuple[Values, Values]:
    """The probability to be wrong [n] and each class's [n, C], where rates of wrong labels go by the lead.

    Only the channel is learned. In a stratum all odds of a wrong label are the usual ones times one number.
    """
    rows, num = np.arange(len(labels)), len(labels)
    ranks = log_class.max(axis=1).argsort(kind="stable").argsort(kind="stable")
    stratum = ranks * STRATA // num
    in_stratum = np.bincount(stratum, minlength=STRATA)
    wrong: Values = 1 - true[rows, labels]
    strength, before = None, np.inf
    for _ in range(_LAST_OF_STRATA):
        usual = float(wrong.mean())
        rate = np.bincount(stratum, wrong, STRATA) + _USUAL_OF_STRATUM * usual
        rate = logit(np.clip(rate / (in_stratum + _USUAL_OF_STRATUM), 1e-5, 0.95))
        more = rate - logit(np.clip(usual, 1e-4, 0.9))
        rates, strength = channel_table(joint_counts(true, labels), strength)
        of_class = 1 - np.diag(rates)
        here = expit(logit(of_class) + more[:, None])  # [STRATA, C]
        joint = log_class + np.log(rates.T)[labels] + np.log(here / of_class)[stratum]
        joint[rows, labels] = log_class[rows, labels] + np.log(1 - here)[stratum, labels]
        true = softmax(joint, axis=1)
        wrong = 1 - true[rows, labels]
        if abs(usual - before) < _STILL:
            break
        before = usual
    return wrong, true


def _discriminants(points: Values, true: Values) -> tuple[Values, Values]:
    """Slopes [d, C] and offsets [C] of the log density of each class with normal densities of one spread."""
    size = true.sum(axis=0) + 1e-9
    means = (true.T @ points) / size[:, None]
    spread = (points.T @ points - (means.T * size) @ means) / len(points)
    least = _LEAST_SPREAD * max(float(np.trace(spread)) / len(spread), 1e-12)
    slopes = np.linalg.solve(spread + least * np.eye(len(spread)), means.T)
    offsets: Values = np.log(size / size.sum()) - (means.T * slopes).sum(axis=0) / 2
    return slopes, offsets
