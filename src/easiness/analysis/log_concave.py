"""A density of one variable that has one peak and no heavy tails, and is otherwise free."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

Values = npt.NDArray[np.float64]

_STEPS = 60
_FLATTEST, _SHARPEST = -12.0, 5.0  # logarithms of how much the slope may fall from a bin to the next
_MOVING = -6.0  # below it the loss hardly changes with the logarithm, and a slope that stood there would stay


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
        """Where it stood, made to move, and a normal density: far from the weights neither finds back."""
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
