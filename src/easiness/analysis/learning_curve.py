"""The learning curve of heads: left-out accuracy by the share seen, and what more examples would give."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp, ndtr, ndtri

from easiness.analysis.tail_model import Interval
from easiness.lazy import Floats, Integers

_POWERS = np.geomspace(0.06, 2.0, 36)
_USUAL = {"power": (0.5, 0.6), "s": (1.2, 0.8)}  # median of c, and the spread of its logarithm
_TOPS, _MIDDLES = 63, 60  # of each family's other number
_STEPS = 15  # quantiles that stand for what a shape leaves open
_LEAST = 1e-7  # of the largest weight: shapes below are out of the question


def _shapes(log_num: Floats, chance: float, best: float) -> tuple[Floats, Floats, Floats, Floats]:
    """Curves ``base + rise * form`` of both families, of which only the rise in 0..most is not known yet.

    They are ``base`` [G], ``form`` [G, n] at numbers of examples whose logarithms are ``log_num`` [n],
    ``most`` [G], and the logarithm of the prior [G]. ``chance`` is the accuracy of those who have seen
    nothing, ``best`` the largest seen; rises of the first family are counted from the first number on.
    """
    tops = np.repeat(1 - np.linspace(0, 1.05, _TOPS) * (1 - best), len(_POWERS))
    middles = np.repeat(np.linspace(log_num[0] - 4, log_num[-1] + 3, _MIDDLES), len(_POWERS))
    of_tops, of_middles = np.tile(_POWERS, _TOPS), np.tile(_POWERS, _MIDDLES)
    falls = -np.exp(-of_tops[:, None] * (log_num - log_num[0]))
    rises = 1 / (1 + np.exp(-of_middles[:, None] * (log_num - middles[:, None])))
    flat = np.full(len(middles), chance)
    log_prior = np.concatenate([_prior(of_tops, "power"), _prior(of_middles, "s")])
    return np.r_[tops, flat], np.concatenate([falls, rises]), np.r_[tops, 1 - flat], log_prior


def _prior(powers: Floats, family: str) -> Floats:
    """The logarithm of the prior of each shape; c is spaced evenly in its logarithm."""
    median, spread = _USUAL[family]
    raw = -0.5 * (np.log(powers / median) / spread) ** 2
    return np.asarray(raw - logsumexp(raw) - np.log(len(_USUAL)))


def quantiles_ahead(
    log_num: Floats, accuracy: Floats, covariance: Floats, ahead: Floats, chance: float, at: Floats
) -> Floats:
    """Quantiles ``at`` [q] of the accuracy at other numbers of examples, [targets, q].

    ``log_num`` [n], ascending, and ``ahead`` [targets] are logarithms of numbers of examples. ``accuracy`` is
    known at the first [n], with errors of this ``covariance`` [n, n].
    """
    base, form, most, log_prior = _shapes(np.concatenate([log_num, ahead]), chance, float(accuracy.max()))
    points, form = form[:, : len(log_num)], form[:, len(log_num) :]
    log_weight, rise = _left_of(base, points, most, accuracy, covariance)
    log_weight += log_prior
    weight = np.exp(log_weight - log_weight.max())
    likely = weight > _LEAST
    each, quantiles = np.repeat(weight[likely], _STEPS), []
    for one in form[likely].T:
        values = (base[likely, None] + one[:, None] * rise[likely]).ravel()
        order = np.argsort(values, kind="stable")
        below = np.cumsum(each[order])
        quantiles.append(np.interp(at, (below - each[order] / 2) / below[-1], values[order]))
    return np.array(quantiles)


def _left_of(
    base: Floats, points: Floats, most: Floats, accuracy: Floats, covariance: Floats
) -> tuple[Floats, Floats]:
    """The log likelihood of each shape [G], and its rises [G, steps], equally probable, given the points.

    Errors are normal and the rise is as probable anywhere in its range before: it is then normal, cut there.
    """
    root = np.linalg.cholesky(covariance)
    form = np.linalg.solve(root, points.T)
    over = np.linalg.solve(root, (accuracy - base[:, None]).T)
    inner, square = (form * over).sum(axis=0), np.square(form).sum(axis=0)
    mean, spread = inner / square, square**-0.5
    low, high = ndtr(-mean / spread), ndtr((most - mean) / spread)
    inside = np.maximum(high - low, 1e-300)
    misfit = np.square(over).sum(axis=0) - inner**2 / square
    weight = np.log(inside * spread / most) - misfit / 2
    steps = low[:, None] + (np.arange(_STEPS) + 0.5) / _STEPS * (high - low)[:, None]
    rise = mean[:, None] + spread[:, None] * ndtri(np.clip(steps, 1e-12, 1 - 1e-12))
    return weight, np.clip(rise, 0, most[:, None])


TIMES = (1, 2)
"""How many times the examples there are the curve is foretold for."""

_LEVELS = np.array([0.5, 0.025, 0.975])
_OFF = 0.03  # of the error rate: what curves are off the families by
_FARTHER = 1.0  # times more for every e-fold fewer examples
_FEWEST_WRONG = 5  # examples, or the curve is at its ceiling
_SURE = 2  # standard errors


@dataclass(frozen=True, eq=False)
class ShareVotes:
    """Answers of heads of each of S shares on examples that they had not seen.

    ``left_out`` [T, S] counts the examples that the heads of a trial had not seen, ``right`` those of them
    that they were right about. ``among_examples`` [S, S] is the covariance, over ``num_examples`` examples,
    of how often heads are right about one. ``chance`` is the accuracy of those who have seen nothing.
    """

    shares: tuple[float, ...]
    num_examples: int
    chance: float
    right: Integers
    left_out: Integers
    among_examples: Floats

    @property
    def accuracy(self) -> Floats:
        """Share of all votes that are right, [S]."""
        return np.asarray(self.right.sum(axis=0) / self.left_out.sum(axis=0))

    @property
    def of_draws(self) -> Floats:
        """Variance [S] of the accuracy by which examples heads happen to see.

        Heads that see the smallest share have next to none in common, so how far they differ by more than
        the examples left out explain is how far heads of so many examples differ. With more examples it
        falls as 1 / n, and all trials share the examples there are.
        """
        accuracy, (num, _) = self.accuracy, self.right.shape
        if num < 2:
            return np.zeros(len(accuracy))
        between = (self.right / self.left_out).var(axis=0, ddof=1)
        by_chance = accuracy * (1 - accuracy) / self.left_out.mean(axis=0)
        shares = np.array(self.shares)
        of_one = max(float((between - by_chance)[0]), 0.0) / (1 - shares[0])
        return np.asarray(of_one * shares[0] / shares * (shares + (1 - shares) / num))

    @property
    def covariance(self) -> Floats:
        """Covariance [S, S] of the errors of the accuracy, for other examples of the same kind.

        The same examples are asked at every share, so that errors go together.
        """
        return np.asarray(self.among_examples / self.num_examples + np.diag(self.of_draws))


def share_votes(
    shares: tuple[float, ...],
    chance: float,
    right: Integers,
    left_out: Integers,
    examples: tuple[Integers, Integers],
) -> ShareVotes:
    """`ShareVotes` from counts by trial [T, S] and, in ``examples``, by example: right, and heard of, [S, K].

    Examples count for the covariance that heads of every share were asked about.
    """
    of_right, of_heard = examples
    every = (of_heard > 0).all(axis=0)
    often = of_right[:, every] / of_heard[:, every]
    among = np.cov(often, ddof=0).reshape(len(shares), len(shares))
    return ShareVotes(shares, int(every.sum()), chance, right, left_out, among)


@dataclass(frozen=True)
class AccuracyAhead:
    """The left-out ``accuracy`` of heads that would see ``times`` the examples there are."""

    times: float
    accuracy: Interval


@dataclass(frozen=True, eq=False)
class FittedCurve:
    """Left-out ``accuracy`` [S] by share with standard errors ``error`` [S], and what more would give.

    ``silent`` says why nothing is foretold, where that is so.
    """

    shares: tuple[float, ...]
    accuracy: Floats
    error: Floats
    ahead: tuple[AccuracyAhead, ...] = ()
    silent: str = ""


def fit_curve(votes: ShareVotes, num_examples: int, times: tuple[float, ...] = TIMES) -> FittedCurve:
    """The curve, and what ``times`` the ``num_examples`` there are would give.

    Points are taken for noisy by `ShareVotes.covariance`, and for off any family by 3 % of the error
    rate, or more the fewer examples they are of: heads of few have not seen every class well. Intervals are
    for the accuracy on examples that are not among those measured.
    """
    covariance = votes.covariance
    accuracy, error = votes.accuracy, np.sqrt(np.diag(covariance))
    silent = _silent(votes, covariance)
    if silent:
        return FittedCurve(votes.shares, accuracy, error, silent=silent)
    wrong = np.maximum(1 - accuracy, 0.5 / votes.num_examples)
    logs = np.log(np.array(votes.shares) * num_examples)
    off = _OFF * wrong * (1 + _FARTHER * (logs[-1] - logs))
    doubt = np.diag(off**2 + 0.25 / votes.num_examples**2)
    ahead = np.log(np.array(times) * num_examples)
    rows = quantiles_ahead(logs, accuracy, covariance + doubt, ahead, votes.chance, _LEVELS)
    coming = [AccuracyAhead(time, Interval(*row)) for time, row in zip(times, rows.tolist(), strict=True)]
    return FittedCurve(votes.shares, accuracy, error, tuple(coming))


def _silent(votes: ShareVotes, covariance: Floats) -> str:
    accuracy, num = votes.accuracy, votes.num_examples
    if len(accuracy) < 2:
        return "one share makes no curve"
    if (1 - accuracy[-1]) * num < _FEWEST_WRONG:
        return f"fewer than {_FEWEST_WRONG} examples are wrong at the largest share: nothing is left to gain"
    if accuracy[-1] - votes.chance < _SURE * math.sqrt(covariance[-1, -1]):
        return "accuracy is not above chance"
    of_rise = covariance[0, 0] + covariance[-1, -1] - 2 * covariance[0, -1]
    if accuracy[-1] - accuracy[0] <= _SURE * math.sqrt(max(of_rise, 0.0)):
        return "accuracy is not shown to rise with the share seen"
    return ""
