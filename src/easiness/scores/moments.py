"""Running mean and spread of arrays that arrive one at a time."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Values: TypeAlias = npt.NDArray[np.float64]


class Moments:
    """Mean and spread, per example, of the values added so far; NaN counts as not there.

    Welford's update: one pass, and a spread of exactly 0 where all values are equal.
    """

    def __init__(self, num_examples: int) -> None:
        self._num = np.zeros(num_examples, np.int32)
        self._mean = np.zeros(num_examples)
        self._squares = np.zeros(num_examples)

    def add(self, values: Values, first: int = 0) -> None:
        """Take one value [n] for each of the examples from position ``first`` on, NaN where it has none."""
        rows = slice(first, first + len(values))
        num, mean, squares = self._num[rows], self._mean[rows], self._squares[rows]  # views
        defined = ~np.isnan(values)
        num += defined
        delta = values - mean
        if not defined.all():
            delta[~defined] = 0.0  # nothing moves
        step = delta / np.maximum(num, 1)
        mean += step
        step -= delta  # in place: this is the inner loop of scoring
        step *= delta  # -(value - old mean) (value - new mean)
        squares -= step

    def mean(self) -> Values:
        """[K], NaN where there was no value."""
        return np.where(self._num > 0, self._mean, np.nan)

    def std(self, ddof: int) -> Values:
        """[K], divided by the number of values less ``ddof``; NaN where that is not positive."""
        return root_of_ratio(self._squares, self._num - ddof)

    def standard_error(self) -> Values:
        """[K], std(ddof=1) / sqrt(number of values), NaN below two values."""
        return standard_error(self._squares, self._num)


def root_of_ratio(squares: Values, divisor: npt.NDArray[np.integer[Any]]) -> Values:
    """``sqrt(squares / divisor)`` elementwise, NaN where the divisor is not positive."""
    return np.sqrt(squares / np.where(divisor > 0, divisor, np.nan))


def standard_error(squares: Values, num: npt.NDArray[np.integer[Any]]) -> Values:
    """Standard error of a mean of ``num`` values with this sum of squared deviations; NaN below two."""
    return root_of_ratio(squares, (num - 1) * num)
