"""The parts of the mixture of sound and wrong labels: a density with one peak, rates, an order, roots."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import gammaln

Values = npt.NDArray[np.float64]

_STEPS = 60
_FLATTEST, _SHARPEST = -12.0, 5.0  # logarithms of how much the slope may fall from a bin to the next
_MOVING = -6.0  # below it the loss hardly changes with the logarithm, and a slope that stood there would stay


@cache
def _libraries() -> Any:
    """Those that compute in threads of their own, which for a hundred numbers take thirty times as long."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


class LogConcave:
    """The density whose logarithm is concave and linear between bins that fits weights best.

    Log-concave are the normal, the logistic and the exponential density, each skewed or not; a mixture with
    two peaks is not. It is fitted anew as weights change, from where it stood.
    """

    def __init__(self, centers: Values) -> None:
        """``centers`` [bins] of equal width, ascending."""
        self._centers = centers
        self._width = float(centers[1] - centers[0])
        self._slopes: Values | None = None  # the first, then the logarithms of how much each falls

    def fit(self, weights: Values) -> Values:
        """The density at each bin [bins] for weights [bins] >= 0, which are not all 0."""
        target = weights / weights.sum()
        start = min(self._starts(target), key=lambda slopes: self._loss(slopes, target)[0])
        bounds = [(None, None)] + [(_FLATTEST, _SHARPEST)] * (len(start) - 1)
        with _libraries().limit(limits=1):
            found = minimize(
                self._loss,
                start,
                (target,),
                jac=True,
                method="L-BFGS-B",
                bounds=bounds,
                options={"maxiter": _STEPS},
            )
        self._slopes = found.x
        density: Values = np.exp(self._log_share(found.x)) / self._width
        return density

    def _starts(self, target: Values) -> list[Values]:
        """Starts of a fit, as none finds back from afar: where it stood, made to move; a normal density."""
        first = self._first(target)
        if self._slopes is None:
            return [first]
        return [np.concatenate([self._slopes[:1], np.maximum(self._slopes[1:], _MOVING)]), first]

    def _first(self, target: Values) -> Values:
        """A normal density of the same mean and variance."""
        mean = target @ self._centers
        variance = max(float(target @ np.square(self._centers - mean)), self._width**2)
        fall = np.clip(np.log(self._width / variance), _FLATTEST, _SHARPEST)
        return np.concatenate([[(mean - self._centers[0]) / variance], np.full(len(target) - 2, fall)])

    def _log_share(self, slopes: Values) -> Values:
        falling = slopes[0] - np.concatenate([[0.0], np.cumsum(np.exp(slopes[1:]))])
        level = np.concatenate([[0.0], np.cumsum(falling)]) * self._width
        level -= level.max()
        log_share: Values = level - np.log(np.exp(level).sum())
        return log_share

    def _loss(self, slopes: Values, target: Values) -> tuple[float, Values]:
        """Minus the mean log likelihood, and its derivative."""
        log_share = self._log_share(slopes)
        by_level = (np.exp(log_share) - target) * self._width
        by_slope = np.cumsum(by_level[::-1])[::-1][1:]  # a slope raises all levels behind it
        by_fall = -np.cumsum(by_slope[::-1])[::-1][1:] * np.exp(slopes[1:])
        return -float(target @ log_share), np.concatenate([[by_slope.sum()], by_fall])


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
        likelihood = [
            float(
                (gammaln(s) - gammaln(s + there)).sum()
                + (gammaln(mass + s * usual) - gammaln(s * usual)).sum()
            )
            for s in _STRENGTHS
        ]
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
