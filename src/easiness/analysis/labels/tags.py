"""The probability that a tag is forgotten or too many, by heads that left its example out.

Each tag is there with probability q, of log odds a + b z in what heads say, z. People forget a part m of the
tags that are there, and add a part d of those that are not, so a tag is given with probability q (1 - m) + (1
- q) d. Heads learn from what is given: their z levels off where q does not. Of each tag a, b, m and d are
those that make its labels most probable, shrunk towards those of all tags by how much these differ
(empirical Bayes, Efron and Morris 1973, here on log odds): rare tags borrow from the others.

Two things are assumed, as labels do not tell them. People forget more of what heads are less sure of, by
`FADING`. And some tags are there that heads overlook, by `OVERLOOKED`: not each that is given in spite of
them is one too many.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit

from easiness.analysis.labels.mixture import EstimatedNoise
from easiness.lazy import Floats, Integers

FADING = 0.12
"""How much the log odds that a tag is forgotten rise as those that it is there fall."""
OVERLOOKED = 0.12
"""Tags that are there whatever heads say, over those that heads miss or make up (the mean of min(q, 1 - q))."""

_FADINGS = (0.0, 0.25)  # for the range
_SHOWN = 4.0  # log odds from which on people forget no more and no less
_FAR, _WIDTH = 20.0, 0.1  # log odds, at most; of a cell
_USUAL = np.array([0.3, np.log(1.3), logit(0.05), logit(0.01)])  # a, log b, and log odds of m and d
_DIFFER = np.array([0.5, 0.2, 0.7, 0.7])  # by tag: standard deviations
_TAGS_WORTH = 1.0, 4.0  # of the usual mean and of the usual variance
_FIRST, _LAST, _STILL = 20, 200, 1e-3  # iterations, and the step that ends them
_DRAWS, _REACH = 40, 2.0  # of the channels, for the range, and standard deviations


def tag_noise(log_odds: Floats, labels: Integers, tags: Integers, num_tags: int) -> EstimatedNoise:
    """How probable it is that each label of a tag is wrong: missing where it is 0, too many where it is 1.

    Args:
        log_odds: that the tag is there, by heads or networks that left the example out [Q].
        labels: 1 where the tag is given, else 0 [Q].
        tags: which of the tags each question is about, in 0 to ``num_tags`` - 1 [Q].
        num_tags: 1 or more.

    The order is that of the log odds to be wrong, whatever the tag and the label.
    """
    z = np.clip(np.asarray(log_odds, np.float64), -_FAR, _FAR)
    cells = _Cells.of(z, labels, tags, num_tags)
    fit = _Channels.fit(cells, FADING)
    suspicion = fit.log_odds_wrong(z, labels, tags)
    p_wrong: Floats = expit(suspicion)
    least, most = (_Channels.fit(cells, fading).spread_of_number(cells) for fading in _FADINGS)
    num, own = max(len(z), 1), float(p_wrong.sum())
    low, high = (max(min(least[0], own), 0.0) / num, min(max(most[1], own) / num, 1.0))
    return EstimatedNoise(p_wrong, suspicion, "tags", low, high, (), None)


@dataclass(frozen=True, eq=False)
class _Cells:
    """Questions of one ``tag`` and nearly one ``z``: how many there are and how many are labelled 1 [n]."""

    z: Floats
    num: Floats
    given: Floats
    tag: Integers
    num_tags: int

    @classmethod
    def of(cls, z: Floats, labels: Integers, tags: Integers, num_tags: int) -> _Cells:
        steps = np.round((z + _FAR) / _WIDTH).astype(np.int64)
        each = 1 + round(2 * _FAR / _WIDTH)
        codes, cell = np.unique(tags * each + steps, return_inverse=True)
        num = np.bincount(cell).astype(np.float64)
        return cls(np.bincount(cell, z) / num, num, np.bincount(cell, labels), codes // each, num_tags)

    def by_tag(self, values: Floats) -> Floats:
        """Sums of values [..., n] by tag [..., T]."""
        rows = [np.bincount(self.tag, row, self.num_tags) for row in values.reshape(-1, len(self.z))]
        return np.stack(rows).reshape(*values.shape[:-1], self.num_tags)


@dataclass(frozen=True, eq=False)
class _Channels:
    """What is fitted to each tag: a, log b, and the log odds of m and d, ``values`` [T, 4].

    ``overlooked`` [T] is the least probability that a tag is there; ``roots`` [T, 4, 4] are lower ones of the
    covariances of the values.
    """

    values: Floats
    overlooked: Floats
    fading: float
    roots: Floats

    @classmethod
    def fit(cls, cells: _Cells, fading: float) -> _Channels:
        """By Fisher's scoring, damped by tag as Levenberg and Marquardt do, with the spread of the tags."""
        num, usual, spread = cells.num_tags, _USUAL, np.square(_DIFFER)
        now = cls(np.tile(usual, (num, 1)), np.zeros(num), fading, np.zeros((num, 4, 4)))
        total, damping = np.maximum(cells.by_tag(cells.num), 1), np.full(num, 1e-2)
        for iteration in range(_LAST):
            slope, curvature = now._slopes(cells)
            slope -= (now.values - usual) / spread
            curvature += np.diag(1 / spread)
            ridge = damping[:, None, None] * curvature * np.eye(4)
            step = np.clip(np.linalg.solve(curvature + ridge, slope[:, :, None])[:, :, 0], -1, 1)
            then = cls(now.values + step, now.overlooked, fading, now.roots)
            rises = then._fits(cells, usual, spread) >= now._fits(cells, usual, spread)
            damping = np.clip(np.where(rises, damping / 3, damping * 4), 1e-6, 1e6)
            values = np.where(rises[:, None], then.values, now.values)
            covariance = np.linalg.inv(curvature)
            there = expit(values[cells.tag, 0] + np.exp(values[cells.tag, 1]) * cells.z)
            missed = cells.by_tag(cells.num * np.minimum(there, 1 - there)) / total
            now = cls(values, OVERLOOKED * missed, fading, np.linalg.cholesky(covariance))
            worth, worth_of_spread = _TAGS_WORTH
            usual = (values.sum(axis=0) + worth * _USUAL) / (num + worth)
            own = np.square(values - usual) + covariance.diagonal(axis1=1, axis2=2)
            spread = (own.sum(axis=0) + worth_of_spread * np.square(_DIFFER)) / (num + worth_of_spread)
            if iteration >= _FIRST and np.abs(step[rises]).max(initial=0) < _STILL and rises.any():
                break
        return now

    def _parts(self, z: Floats, tag: Integers) -> tuple[Floats, ...]:
        """The log odds of q, q, 1 - q, m and d at ``z`` of a ``tag`` [n]."""
        values, least = self.values[tag].T, self.overlooked[tag]
        x = values[0] + np.exp(values[1]) * z
        absent = (1 - least) * expit(-x)
        forgotten = expit(values[2] - self.fading * np.clip(x, -_SHOWN, _SHOWN))
        return x, least + (1 - least) * expit(x), absent, forgotten, expit(values[3])

    def _given(self, cells: _Cells) -> tuple[Floats, Floats]:
        """The probabilities that a tag is given, and that it is not [n]."""
        _, there, absent, forgotten, added = self._parts(cells.z, cells.tag)
        return there * (1 - forgotten) + absent * added, there * forgotten + absent * (1 - added)

    def _fits(self, cells: _Cells, usual: Floats, spread: Floats) -> Floats:
        """The log likelihood of each tag's labels and values [T]."""
        given, withheld = self._given(cells)
        of_labels = cells.given * np.log(given) + (cells.num - cells.given) * np.log(withheld)
        return cells.by_tag(of_labels) - np.square((self.values - usual) / np.sqrt(spread)).sum(axis=1) / 2

    def _slopes(self, cells: _Cells) -> tuple[Floats, Floats]:
        """Slopes [T, 4] of the log likelihood, and the information [T, 4, 4]."""
        x, there, absent, forgotten, added = self._parts(cells.z, cells.tag)
        given, withheld = self._given(cells)
        changes = forgotten * (1 - forgotten)
        by_x = (1 - forgotten - added) * absent * expit(x)
        by_x += self.fading * (np.abs(x) < _SHOWN) * there * changes
        by_b = by_x * cells.z * np.exp(self.values[cells.tag, 1])
        by_value = np.stack([by_x, by_b, -there * changes, absent * added * (1 - added)])
        per_odds = 1 / (given * withheld)
        slope = cells.by_tag((cells.given - cells.num * given) * per_odds * by_value)
        products = by_value[:, None] * by_value * (cells.num * per_odds)
        return slope.T, np.moveaxis(cells.by_tag(products), -1, 0)

    def log_odds_wrong(self, z: Floats, labels: Integers, tag: Integers) -> Floats:
        """The log odds that labels [n] of these tags are wrong."""
        _, there, absent, forgotten, added = self._parts(z, tag)
        missing = np.log(there * forgotten) - np.log(absent * (1 - added))
        too_many = np.log(absent * added) - np.log(there * (1 - forgotten))
        return np.where(labels == 1, too_many, missing)

    def spread_of_number(self, cells: _Cells) -> tuple[float, float]:
        """The number of wrong labels that is expected, less and more what values leave open."""
        draw, numbers = np.random.default_rng(0), []
        for _ in range(_DRAWS):
            noise = self.roots @ draw.standard_normal((cells.num_tags, 4, 1))
            one = _Channels(self.values + noise[:, :, 0], self.overlooked, self.fading, self.roots)
            odds = [one.log_odds_wrong(cells.z, np.full(len(cells.z), label), cells.tag) for label in (0, 1)]
            wrong = expit(odds[0]) @ (cells.num - cells.given) + expit(odds[1]) @ cells.given
            numbers.append(float(wrong))
        reach = _REACH * float(np.std(numbers))
        return float(np.mean(numbers)) - reach, float(np.mean(numbers)) + reach
