"""The parts of the mixture of sound and wrong labels: a density with one peak, rates, an order, roots."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln

Values = npt.NDArray[np.float64]

_KNOTS, _STEPS = 60, 20  # tried at most in a fit, and steps of Newton's for each
_GAIN, _STILL = 1e-7, 1e-9  # log likelihood of an example that a knot has to gain, and that ends the steps
_LEAST_STEP = 1e-6  # of Newton's
_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)  # of the weights, where the first knots are


class LogConcave:
    """The density whose logarithm is concave and linear between bins that fits weights best.

    Log-concave are the normal, the logistic and the exponential density, each skewed or not; a mixture with
    two peaks is not. Its slope falls at a few bins only, the knots: they are found by the active set method
    of Duembgen, Huesler and Rufibach (2007). It is fitted anew as weights change, from where it stood.
    """

    def __init__(self, centers: Values) -> None:
        """``centers`` [bins] of equal width, ascending."""
        self._centers = centers
        self._width = float(centers[1] - centers[0])
        bins = np.arange(len(centers))
        behind = np.maximum(bins[:, None] - bins[None, 1:-1], 0)
        self._by_slope = self._width * np.column_stack([bins, -behind])  # what slopes add to each bin's level
        self._slopes: Values | None = None  # the first, then how much it falls at each bin but the outer ones

    def fit(self, weights: Values) -> Values:
        """The density at each bin [bins] for weights [bins] > 0."""
        target = weights / weights.sum()
        slopes = self._first(target) if self._slopes is None else self._slopes
        for _ in range(_KNOTS):
            slopes, share = self._between_knots(slopes, target)
            uphill = (target - share) @ self._by_slope
            curvature = share @ np.square(self._by_slope) - np.square(share @ self._by_slope)
            gain = np.where((slopes == 0) & (uphill > 0), np.square(uphill) / (curvature + 1e-12), 0.0)
            best = int(gain[1:].argmax()) + 1
            if gain[best] < _GAIN:
                break
            slopes[best] = np.finfo(np.float64).tiny
        self._slopes = slopes
        density: Values = share / self._width
        return density

    def _first(self, target: Values) -> Values:
        """About a normal density of the same mean and variance."""
        mean = target @ self._centers
        variance = max(float(target @ np.square(self._centers - mean)), self._width**2)
        slopes = np.zeros(len(target) - 1)
        slopes[0] = (mean - self._centers[0]) / variance
        knots = np.clip(np.searchsorted(np.cumsum(target), _QUANTILES), 1, len(target) - 2)
        np.add.at(slopes, knots, self._width * (len(target) - 2) / len(knots) / variance)
        return slopes

    def _between_knots(self, slopes: Values, target: Values) -> tuple[Values, Values]:
        """The likeliest slopes that fall at no other bin, and the share of each bin [bins].

        Newton's steps end where a fall comes to 0, which then is no knot any more.
        """
        slopes = slopes.copy()
        knots = np.flatnonzero(np.r_[True, slopes[1:] > 0])
        level = self._by_slope @ slopes
        log_share = _log_share(level)
        for _ in range(_STEPS):
            share, by_slope = np.exp(log_share), self._by_slope[:, knots]
            mean = share @ by_slope
            uphill = target @ by_slope - mean
            curvature = (by_slope * share[:, None]).T @ by_slope - np.outer(mean, mean)
            curvature += np.diag(1e-9 * curvature.diagonal() + 1e-12)
            step = np.linalg.solve(curvature, uphill)
            if (promised := float(uphill @ step)) < _STILL:
                break
            falls = np.r_[False, step[1:] < 0]
            room = np.full(len(knots), np.inf)
            room[falls] = slopes[knots[falls]] / -step[falls]
            part = whole = min(1.0, float(room.min()))
            rise = by_slope @ step
            while True:
                stepped = _log_share(level + part * rise)
                if target @ (stepped - log_share) >= 1e-4 * part * promised:
                    break
                part /= 2
                if part < _LEAST_STEP:
                    return slopes, share
            slopes[knots] += part * step
            if part == whole < 1:
                slopes[knots[room.argmin()]] = 0
                knots = np.delete(knots, room.argmin())
            level, log_share = self._by_slope @ slopes, stepped
        return slopes, np.exp(log_share)


def _log_share(level: Values) -> Values:
    """Logarithms of the shares [bins] of bins with levels [bins], logarithms too."""
    level = level - level.max()
    log_share: Values = level - np.log(np.exp(level).sum())
    return log_share


Positions = npt.NDArray[np.int64]

_STRENGTHS = np.geomspace(1, 3000, 17)
_FAINT = 1e-3  # of the whole mass, for a class that is hardly named


@dataclass(frozen=True)
class Rates:
    """The share of a given class's mass that goes to another class, for each pair (given, other).

    ``of_pair`` [pairs] is shrunk towards all other classes alike, by ``strength`` examples' worth.
    """

    of_pair: Values
    strength: float


class Pairs:
    """The pairs (label, rival) that occur, and what weights of examples say of them."""

    def __init__(self, labels: Positions, rivals: Positions, num_classes: int) -> None:
        """``labels`` and ``rivals`` [n] of the examples that have a rival, two classes or more."""
        self._num_classes = num_classes
        codes, self.pair_of = np.unique(labels * num_classes + rivals, return_inverse=True)
        self.label, self.rival = codes // num_classes, codes % num_classes

    def add_up(self, weights: Values) -> Values:
        """The sum of weights [n] for each pair."""
        total: Values = np.bincount(self.pair_of, weights, len(self.label)).astype(np.float64)
        return total

    def rates(self, mass: Values, given: Positions, other: Positions) -> Rates:
        """The rates for ``mass`` [pairs]; of each pair ``given`` and ``other`` [pairs] are the two ends.

        They are shrunk towards the share of each other class in the whole mass. How far is what makes the
        mass most likely (Dirichlet-multinomial): a lot where all classes are taken for the same others,
        hardly where each is taken for one of its own.
        """
        total = np.bincount(given, mass, self._num_classes)
        named = np.bincount(other, mass, self._num_classes) + _FAINT * (mass.sum() + 1)
        usual = named[other] / (named.sum() - named[given])
        there = total[total > 0]  # classes that none of the examples is of say nothing
        s = _STRENGTHS[:, None]
        likelihood = (gammaln(s) - gammaln(s + there)).sum(axis=1)
        likelihood += (gammaln(mass + s * usual) - gammaln(s * usual)).sum(axis=1)
        strength = float(_STRENGTHS[int(np.argmax(likelihood))])
        return Rates((mass + strength * usual) / (total[given] + strength), strength)


_NEXT_TO_NONE = 1e-3  # of wrong labels: also where networks know too little to tell them from mistakes


def ordered(wrong: Values, margin: Values, log_odds_of_pair: Values) -> tuple[Values, Values]:
    """Probabilities to be wrong [K] as fitted, made monotone, and the suspicion [K] in which they are.

    Suspicion is a logistic regression of the probabilities ``wrong`` [K] on the margins [K] and on how much
    likelier each label's pair with its rival is among wrong ones [K], in nats.
    """
    from sklearn.isotonic import IsotonicRegression
    from sklearn.linear_model import LogisticRegression

    margin = margin / max(float(margin.std()), 1e-9)
    if wrong.mean() < _NEXT_TO_NONE:  # nothing to learn an order from
        order = -margin
    else:
        by = np.stack([margin, log_odds_of_pair], axis=1)
        both = np.repeat([1, 0], len(by))
        model = LogisticRegression(C=100, max_iter=500)
        model.fit(np.concatenate([by, by]), both, np.concatenate([wrong, 1 - wrong]))
        order = model.decision_function(by)
    monotone = IsotonicRegression(y_min=0, y_max=1).fit_transform(order, wrong)
    return without_steps(monotone, order, order), order


def without_steps(monotone: Values, order: Values, wanted: Values) -> Values:
    """Probabilities that rise by steps over ``order`` [K], linear between the middles of the steps.

    They are those at places ``wanted`` [n] of the order.
    """
    ranked = np.argsort(order, kind="stable")
    values, x = monotone[ranked], order[ranked]
    starts = np.flatnonzero(np.r_[True, np.diff(values) > 0])
    ends = np.r_[starts[1:], len(values)]
    middles = np.array([np.median(x[a:b]) for a, b in zip(starts, ends, strict=True)])
    between: Values = np.interp(wanted, middles, values[starts])
    return between


def roots_of(spreads: Values, least: float) -> Values:
    """Lower roots of spreads [c, D, D], each wider by ``least`` in every direction.

    They are wider by more where rounding of means far from 0 outweighs what is in them.
    """
    while True:
        try:
            return np.asarray(np.linalg.cholesky(spreads + least * np.eye(spreads.shape[-1])), np.float64)
        except np.linalg.LinAlgError:
            least *= 10
