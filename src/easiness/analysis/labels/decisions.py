"""Decisions on some labels tell of all others: the probabilities to be wrong, calibrated anew.

The log odds of a model are taken to be off by something that is learned from what was decided:

    log odds = logit p + along logit p + of the label + of the pair (label, suggested)

each part with a prior around 0, so that nothing changes where nothing was decided. Along logit p the error is
a Gaussian process; how far off models are was seen in some hundred runs whose wrong labels are known
(docs/results/decided.md). Labels and pairs differ from the others by as much as makes the decisions likely
(empirical Bayes, by Laplace's approximation), averaged over how much that may be. Far below the decisions
each part fades away: the top of the list alone says next to nothing of the middle. So the range of the rest
is narrowed by what is learned of the rest alone, and where little is, it also holds the range from before.

How many labels are wrong in all is known to within the range that fits the data. So where all that is decided
at the top is wrong, what is far below is not taken to be wrong as well: the list was not sure enough.

Examples may have been looked at by anything known before: from the top, at random, a class at a time. Given
p, label and pair, which ones were looked at says nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.special import expit, logit, softmax
from scipy.stats import beta as beta_distribution

from easiness.analysis.audit import most_wrong, stratify
from easiness.analysis.labels.mixture import Values
from easiness.lazy import Integers, Mask

ALL_BUT_CERTAIN = 0.98
"""From this probability on examples are looked at in the order that they had without decisions."""

_FARTHEST = 10.0  # log odds, either way: beyond them no model is believed
_SURE, _LESS = 4.0, 0.25  # log odds: beyond them a quarter of each is believed
_NODES = 11  # along the log odds
_OFF, _ALONG = (0.8, 2.4), 8.0  # standard deviations of the error; log odds over which it is alike
_APART = (0.0, 0.4, 0.8, 1.6)  # standard deviations of log odds of pairs; those of labels are half as large
_ALIKE = 2.0  # in favour of no difference, in the log evidence
_FADES = 2.0  # log odds below the lowest one decided (of a label or pair) where a part has fallen to 1/e
_FEW = 0.05  # of the decisions: so few below the others do not tell of what is between
_MOST_GROUPS = 300  # labels, and pairs, that have a part of their own: those decided most
_LEAST_RANGE = 0.005  # of all labels, as a standard deviation
_STEPS, _STILL = 30, 1e-6  # of Newton's
_WITHIN = 1.96  # standard deviations
_TINY = 1e-12
_CAREFUL = 1.2  # times the variance, which is of few decisions


@dataclass(frozen=True)
class Calibration:
    """The probabilities ``p_wrong`` [K] after decisions: 0 or 1 where decided, others by what these say.

    ``low`` to ``high`` is the range of shares of wrong labels that fits, decided ones included. ``factor`` is
    by how much the odds of an example like the lowest one decided have changed.
    """

    p_wrong: Values
    low: float
    high: float
    factor: float


def calibrate(
    p_wrong: Values,
    groups: tuple[Integers, Integers],
    at: Integers,
    wrong: Mask,
    low: float,
    high: float,
) -> Calibration:
    """Learn from n decisions on K labels.

    Args:
        p_wrong: probability that each label is wrong [K].
        groups: the label of each example [K], and a number for its label and the one suggested [K].
        at: the examples decided [n].
        wrong: was the label wrong? [n]
        low: least share of wrong labels that fits the data without the decisions, in 0..1.
        high: largest one.
    """
    if not len(at):
        return Calibration(p_wrong, low, high, 1.0)
    num, share = len(p_wrong), float(p_wrong.mean())
    odds = logit(np.clip(p_wrong, expit(-_FARTHEST), expit(_FARTHEST)))
    odds = np.where(odds > _SURE, _SURE + (odds - _SURE) * _LESS, odds)
    design, of_group = _design(odds, groups, at)
    rest = np.ones(num, np.bool_)
    rest[at] = False
    sigma = max((high - low) / (2 * _WITHIN), _LEAST_RANGE) * num
    looks = _Looks(design[at], odds[at], wrong, design[rest], odds[rest], num * share, sigma)
    spreads = [(off, apart) for off in _OFF for apart in _APART]
    fits = [looks.fit(np.array([off, apart / 2, apart])[of_group]) for off, apart in spreads]
    means, totals, variances, unknowns, evidence = map(np.array, zip(*fits, strict=True))
    weights = softmax(evidence + [_ALIKE * (not apart) for _, apart in spreads])
    change = design @ (weights @ means)
    after = np.where(change == 0, p_wrong, expit(odds + change))
    after[at] = wrong
    total, num_wrong = float(after[rest].sum()), float(wrong.sum())
    chance = _WITHIN * np.sqrt((after * (1 - after)).sum())
    doubt = weights @ (variances + np.square(totals - total))
    usual = float(np.square(design[:, :_NODES].T @ (p_wrong * (1 - p_wrong))).sum()) + 1e-12
    before = sum(w / (1 / (off**2 * usual) + sigma**-2) for w, (off, _) in zip(weights, spreads, strict=True))
    # of the rest alone, or of how many are wrong
    unknown = max(float(weights @ unknowns), min(np.sqrt(doubt / before), 1))
    width, shift = (
        num * unknown * min(rest.sum() / len(at), 1),
        unknown * (total - p_wrong[rest].sum()),
    )
    down = np.hypot(width * (share - low), chance) + max(shift, 0)
    up = np.hypot(width * (high - share), chance) + max(-shift, 0)
    ends = num_wrong + max(total - down, 0), num_wrong + min(total + up, float(rest.sum()))
    lowest = at[odds[at].argmin()]
    return Calibration(after, ends[0] / num, ends[1] / num, float(np.exp(change[lowest])))


def share_of_wrong(p_wrong: Values, at: Integers, wrong: Mask) -> tuple[float, float, float]:
    """The share of wrong labels, and its 95 % range, from n that `audit` drew in the order of ``p_wrong``.

    It is the stratified share, moved by how far the probabilities [K] of the labels drawn differ from those
    of their stratum, times what such a difference was worth among the looks (the combined regression
    estimator, Cochran 1977). So it is nearly right whatever the probabilities are worth. The range is
    Clopper's and Pearson's for as many looks at random as would be as exact (Korn and Graubard, 1998).
    """
    num, order = len(p_wrong), np.argsort(-p_wrong, kind="stable")
    strata = stratify(p_wrong[order], len(at))
    stratum, sizes = np.empty(num, np.int64), strata.sizes
    stratum[order] = np.repeat(np.arange(len(sizes)), sizes)

    def mean(values: Values) -> Values:
        return np.bincount(stratum[at], values, len(sizes)) / np.maximum(looks, 1)

    looks = np.bincount(stratum[at], minlength=len(sizes))
    there = looks > 0
    rate = np.interp(np.arange(len(sizes)), np.flatnonzero(there), mean(wrong.astype(np.float64))[there])
    p_mean = np.where(there, mean(p_wrong[at]), np.bincount(stratum, p_wrong) / sizes)
    off, lead = wrong - rate[stratum[at]], p_wrong[at] - p_mean[stratum[at]]
    weight = (sizes / np.maximum(looks, 1))[stratum[at]] ** 2
    slope = float((weight * off * lead).sum() / ((weight * lead**2).sum() + _TINY))
    slope = min(max(slope, 0.0), 1.0)
    total = float((sizes * (rate + slope * (np.bincount(stratum, p_wrong) / sizes - p_mean))).sum())
    usual = (rate * looks + 0.5 * wrong.mean()) / (looks + 0.5)
    spread = mean((off - slope * lead) ** 2) * looks + 2 * usual * (1 - usual)
    left = sizes - looks
    variance = _CAREFUL * float((left * sizes * spread / (looks + 2) / np.maximum(looks, 1)).sum())
    num_wrong = int(wrong.sum())
    share = min(max(total, num_wrong), num - len(at) + num_wrong) / num
    middle = min(max(share, 1 / (2 * num)), 1 - 1 / (2 * num))
    size = middle * (1 - middle) * num**2 / max(variance, _TINY)
    low = np.floor(num * beta_distribution.ppf(0.025, middle * size, (1 - middle) * size + 1))
    high = np.ceil(num * beta_distribution.ppf(0.975, middle * size + 1, (1 - middle) * size))
    # strata in which all or none of the looks found a wrong label have no spread to tell
    num_found = np.bincount(stratum[at], wrong, len(sizes)).astype(np.int64)
    high = max(high, most_wrong(sizes, looks, num_found, 0.95))
    low = min(low, num - most_wrong(sizes, looks, looks - num_found, 0.95))
    most = num - len(at) + num_wrong
    return share, float(max(low, num_wrong)) / num, float(min(high, most)) / num


def _design(
    odds: Values, groups: tuple[Integers, Integers], at: Integers
) -> tuple[sparse.csr_array, Integers]:
    nodes = np.linspace(-_FARTHEST, _FARTHEST, _NODES)
    covariance = np.exp(-np.abs(nodes[:, None] - nodes) / _ALONG)
    between = np.maximum(1 - np.abs(odds[:, None] - nodes) / (nodes[1] - nodes[0]), 0)
    along = between @ np.linalg.cholesky(covariance) * _fading(odds, np.quantile(odds[at], _FEW))[:, None]
    blocks, kinds = [sparse.csr_array(along)], [0] * _NODES
    for kind, group in enumerate(groups, start=1):
        values, num = np.unique(group[at], return_counts=True)
        own = np.sort(values[num.argsort(kind="stable")[::-1][:_MOST_GROUPS]])
        place = np.minimum(np.searchsorted(own, group), len(own) - 1)
        has = np.flatnonzero(own[place] == group)
        lowest = np.full(len(own), np.inf)
        looks = at[own[place[at]] == group[at]]
        np.minimum.at(lowest, place[looks], odds[looks])
        part = _fading(odds[has], lowest[place[has]])
        blocks.append(sparse.csr_array((part, (has, place[has])), shape=(len(odds), len(own))))
        kinds += [kind] * len(own)
    return sparse.csr_array(sparse.hstack(blocks, format="csr")), np.array(kinds)


def _fading(odds: Values, lowest: Values | np.floating) -> Values:
    return np.exp(-np.maximum(lowest - odds, 0) / _FADES)


@dataclass(frozen=True)
class _Looks:
    """Decided examples, ``x`` [n, parts] with ``odds`` [n] and ``wrong`` [n], and the ``rest``.

    In all ``expected`` labels are wrong, give or take ``sigma``.
    """

    x: sparse.csr_array
    odds: Values
    wrong: Mask
    rest: sparse.csr_array
    odds_of_rest: Values
    expected: float
    sigma: float

    def fit(self, spread: Values) -> tuple[Values, float, float, float, float]:
        """By Newton's method, with steps that never lose; parts without ``spread`` are held at 0.

        The likeliest parts, how many of the rest are wrong by them, its variance, what of the doubt in the
        rest is unknown (0..1), and the log evidence.
        """
        own = np.flatnonzero(spread > 0)
        x, rest, precision = self.x[:, own], self.rest[:, own], spread[own] ** -2.0
        sign, num_wrong = np.where(self.wrong, 1.0, -1.0), float(self.wrong.sum())
        parts = np.zeros(len(own))

        def log_posterior(at: Values) -> float:
            off = (num_wrong + expit(self.odds_of_rest + rest @ at).sum() - self.expected) / self.sigma
            likely = -np.logaddexp(0, -sign * (self.odds + x @ at)).sum()
            return float(likely - precision @ at**2 / 2 - off**2 / 2)

        best = log_posterior(parts)
        for _ in range(_STEPS):
            p, of_rest = expit(self.odds + x @ parts), expit(self.odds_of_rest + rest @ parts)
            along = rest.T @ (of_rest * (1 - of_rest))
            off = num_wrong + of_rest.sum() - self.expected
            curvature = (x.T @ (x * (p * (1 - p))[:, None])).toarray() + np.diag(precision)
            curvature += np.outer(along, along) / self.sigma**2
            slope = x.T @ (self.wrong - p) - precision * parts - along * off / self.sigma**2
            step, size = np.linalg.solve(curvature, slope), 1.0
            while (then := log_posterior(parts + size * step)) < best and size > _STILL:
                size /= 2
            gain = then - best
            if gain > 0:
                parts, best = parts + size * step, then
            if gain < _STILL:
                break
        root = np.linalg.cholesky(curvature)
        evidence = best + float(np.log(precision).sum() / 2 - np.log(np.diag(root)).sum())
        mean = np.zeros(len(spread))
        mean[own] = parts
        information = (x.T @ (x * (p * (1 - p))[:, None])).toarray()
        left = np.linalg.inv(information + np.diag(precision))[:_NODES, :_NODES]
        off = spread[0] ** 2
        now, at_first = self._wide(rest @ parts, left, off), self._wide(0, off * np.eye(_NODES), off)
        variance = float(np.square(np.linalg.solve(root, along)).sum())
        unknown = min(now / at_first, 1) if at_first else 0.0
        return mean, float(of_rest.sum()), variance, unknown, evidence

    def _wide(self, change: Values | int, covariance: Values, off: float) -> float:
        """By how many the rest that is wrong may differ where parts along the odds have this covariance."""
        along = self.rest[:, :_NODES].toarray()
        beyond = off * (1 - np.square(along).sum(axis=1))
        wide = _WITHIN * np.sqrt(((along @ covariance) * along).sum(axis=1) + beyond)
        odds = self.odds_of_rest + change
        return float((expit(odds + wide) - expit(odds - wide)).sum())
