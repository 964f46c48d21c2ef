"""The probability that a tag is missing or one too many, by heads that left its example out.

A tag is there with probability q, of log odds a + b z where heads say z, which learned from what people give.
These forget a part m of the tags that are there and add a part d of the others, so that they give a tag with
probability q (1 - m) + (1 - q) d. Each tag has the a, b, m and d that make its labels most probable, shrunk
towards those of all by how much tags differ (empirical Bayes, Efron and Morris 1975): rare tags borrow most.

Labels hardly tell how much more people forget where heads are less sure: several such `FADES` count by how
probable they make the labels. Nor do they tell how many tags heads overlook (`OVERSIGHT`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import expit, logit, softmax

from easiness.analysis.labels.mixture import EstimatedNoise
from easiness.lazy import Floats, Integers

FADES = {0.0: 0.4, 0.1: 0.4, 0.2: 0.15, 0.3: 0.05}
"""How much the log odds that a tag is forgotten rise as the log odds that it is there fall, and how probable
that is before labels tell: 0 where people forget at random, 0.2 to 0.3 where they forget small digits."""
OVERSIGHT = 0.06
"""Tags that are there whatever heads say, over the mean of min(q, 1 - q): 0.04 to 0.1 do."""

_TRUST = 0.5  # of the log likelihood, by which fades count: heads' odds are not quite those of the model
_MODEL_ERROR, _UNLIKE = 1.3, 0.05  # of the least number, and over the sum of min(q, 1 - q): see `OVERSIGHT`
_UNSURE, _SURE = -2.0, 5.0  # log odds up to which, and from which on, people forget alike
_FAR, _FARTHEST, _WIDTH = 20.0, 100.0, 0.1  # log odds that heads say, of q, and of a cell
_USUAL = np.array([0.3, np.log(1.3), logit(0.05), logit(0.01)])  # a, log b, and the log odds of m and d
_APART = np.array([0.5, 0.2, 0.7, 0.7])  # standard deviations of these from tag to tag
_WORTH, _WORTH_APART = 1.0, 4.0  # tags that these count for
_FIRST, _LAST, _STILL = 20, 200, 4e-3  # iterations, and the step that ends them
_DRAWS, _REACH = 40, 2.0  # channels, for the range, and standard deviations of their numbers


def tag_noise(log_odds: Floats, labels: Integers, tags: Integers, num_tags: int) -> EstimatedNoise:
    """How probable it is that each label of a tag is wrong: a missing tag, or one too many.

    Args:
        log_odds: that the tag is there, by heads or networks that left the example out [Q].
        labels: 1 where the tag is given, else 0 [Q].
        tags: the tag that each question is about, in 0 to ``num_tags`` - 1 [Q].
        num_tags: 1 or more.

    The order is over all tags and both labels. The range is over what labels leave open.
    """
    z = np.clip(np.asarray(log_odds, np.float64), -_FAR, _FAR)
    cells = _Cells.of(z, labels, tags, num_tags)
    fits = [_Channels.fit(cells, fade) for fade in FADES]
    likelihood = np.array([fit.log_likelihood(cells, fit.values, _APART).sum() for fit in fits])
    weights = softmax(np.log(list(FADES.values())) + _TRUST * likelihood)
    odds = (fit.log_odds_wrong(z, labels, tags) for fit in fits)
    both = (weight * expit(np.stack([one, -one])) for weight, one in zip(weights, odds, strict=True))
    suspicion = np.subtract(*np.log(sum(both, np.zeros((2, 1)))))
    p_wrong: Floats = expit(suspicion)
    num, own = max(len(z), 1), float(p_wrong.sum())
    unlike = _UNLIKE / OVERSIGHT * float(fits[0].floor[cells.tag] @ cells.num)
    low = fits[0].reach(cells, -_REACH) / _MODEL_ERROR - unlike
    low, high = min(max(low, 0.0), own) / num, min(max(fits[-1].reach(cells, _REACH), own) / num, 1.0)
    return EstimatedNoise(p_wrong, suspicion, "tags", low, high, (), None)


@dataclass(frozen=True, eq=False)
class _Cells:
    """Questions of one ``tag`` and nearly one ``z`` [n]: their ``num``, of which ``ones`` are labelled 1."""

    z: Floats
    num: Floats
    ones: Floats
    tag: Integers
    num_tags: int

    @classmethod
    def of(cls, z: Floats, labels: Integers, tags: Integers, num_tags: int) -> _Cells:
        each = 1 + round(2 * _FAR / _WIDTH)
        codes = tags * each + np.round((z + _FAR) / _WIDTH).astype(np.int64)
        of_each = np.stack([np.bincount(codes, of) for of in (z, np.ones(len(z)), labels)])
        some = np.flatnonzero(of_each[1])
        total, num, ones = of_each[:, some]
        return cls(total / num, num, ones, some // each, num_tags)

    def by_tag(self, values: Floats) -> Floats:
        """Sums of values [..., n] by tag [..., T]."""
        rows = [np.bincount(self.tag, row, self.num_tags) for row in values.reshape(-1, len(self.z))]
        return np.reshape(rows, (*values.shape[:-1], self.num_tags))


@dataclass(frozen=True, eq=False)
class _Channels:
    """Values a, log b and the log odds of m and d [T, 4], their precision, and the ``floor`` of q [T]."""

    values: Floats
    floor: Floats
    fade: float
    precision: Floats

    @classmethod
    def fit(cls, cells: _Cells, fade: float) -> _Channels:
        """By Fisher's scoring, which each tag damps as Levenberg and Marquardt do."""
        num, usual, spread = cells.num_tags, _USUAL, np.square(_APART)
        now = cls(np.tile(usual, (num, 1)), np.zeros(num), fade, np.zeros((num, 4, 4)))
        damping, total = np.full(num, 1e-2), np.maximum(cells.by_tag(cells.num), 1)
        for iteration in range(_LAST):
            slope, precision = now._slopes(cells)
            precision += np.diag(1 / spread)
            matrix = precision * (1 + damping[:, None, None] * np.eye(4))
            step = np.linalg.solve(matrix, (slope - (now.values - usual) / spread)[:, :, None])
            then = replace(now, values=now.values + np.clip(step[:, :, 0], -1, 1))
            before, after = (one.log_likelihood(cells, usual, spread) for one in (now, then))
            rises = after >= before
            damping = np.clip(np.where(rises, damping / 3, damping * 4), 1e-6, 1e6)
            values = np.where(rises[:, None], then.values, now.values)
            q = expit(values[cells.tag, 0] + np.exp(values[cells.tag, 1]) * cells.z)
            floor = OVERSIGHT * cells.by_tag(cells.num * np.minimum(q, 1 - q)) / total
            now = cls(values, floor, fade, precision)
            usual = (values.sum(axis=0) + _WORTH * _USUAL) / (num + _WORTH)
            variance = np.linalg.inv(precision).diagonal(axis1=1, axis2=2)
            squares = np.square(values - usual) + variance
            spread = (squares.sum(axis=0) + _WORTH_APART * np.square(_APART)) / (num + _WORTH_APART)
            if iteration >= _FIRST and rises.all() and np.abs(step).max() < _STILL:
                break
        return now

    def _parts(self, z: Floats, tag: Integers) -> tuple[Floats, ...]:
        """The log odds of q, q and 1 - q with its floor, m and d, at ``z`` of a ``tag`` [n]."""
        values, floor = self.values[tag].T, self.floor[tag]
        x = np.clip(values[0] + np.exp(values[1]) * z, -_FARTHEST, _FARTHEST)
        m = expit(values[2] - self.fade * np.clip(x, _UNSURE, _SURE))
        return x, floor + (1 - floor) * expit(x), (1 - floor) * expit(-x), m, expit(values[3])

    def _labels(self, cells: _Cells) -> tuple[Floats, Floats]:
        """The probabilities of labels 1 and 0 [n]."""
        _, there, not_there, m, d = self._parts(cells.z, cells.tag)
        return there * (1 - m) + not_there * d, there * m + not_there * (1 - d)

    def log_likelihood(self, cells: _Cells, usual: Floats, spread: Floats) -> Floats:
        """The log likelihood of each tag's labels, and of its values about the ``usual`` ones [T]."""
        one, zero = self._labels(cells)
        of_labels = cells.by_tag(cells.ones * np.log(one) + (cells.num - cells.ones) * np.log(zero))
        return np.asarray(of_labels - (np.square(self.values - usual) / spread).sum(axis=1) / 2)

    def _slopes(self, cells: _Cells) -> tuple[Floats, Floats]:
        """Slopes of the log likelihood of labels [T, 4], and the information of these [T, 4, 4]."""
        (x, there, not_there, m, d), (one, zero) = self._parts(cells.z, cells.tag), self._labels(cells)
        by_a = (1 - m - d) * not_there * expit(x)
        by_a += self.fade * ((x > _UNSURE) & (x < _SURE)) * there * m * (1 - m)
        by_b = by_a * cells.z * np.exp(self.values[cells.tag, 1])
        by_value = np.stack([by_a, by_b, -there * m * (1 - m), not_there * d * (1 - d)])
        slope = cells.by_tag((cells.ones - cells.num * one) / (one * zero) * by_value)
        information = cells.by_tag(by_value[:, None] * by_value * (cells.num / (one * zero)))
        return slope.T, np.moveaxis(information, -1, 0)

    def log_odds_wrong(self, z: Floats, labels: Integers, tag: Integers) -> Floats:
        """The log odds that labels [n] of these tags are wrong."""
        _, there, not_there, m, d = self._parts(z, tag)
        missing = np.log(there * m) - np.log(not_there * (1 - d))
        too_many = np.log(not_there * d) - np.log(there * (1 - m))
        return np.where(labels == 1, too_many, missing)

    def reach(self, cells: _Cells, far: float) -> float:
        """The number of wrong labels that is expected, and ``far`` standard deviations by what is open."""
        roots, numbers = np.linalg.inv(np.linalg.cholesky(self.precision)), []
        for noise in np.random.default_rng(0).standard_normal((_DRAWS, cells.num_tags, 1, 4)):
            one = replace(self, values=self.values + (noise @ roots)[:, 0])
            zeros, ones = (expit(one.log_odds_wrong(cells.z, np.array(of), cells.tag)) for of in (0, 1))
            numbers.append(float(zeros @ (cells.num - cells.ones) + ones @ cells.ones))
        return float(np.mean(numbers) + far * np.std(numbers))
