"""Mean and spread over trials, per example, and an interval for the mean of endless trials.

Few trials say little of how far an example's own values spread: four that agree may all have missed what one
in ten says. So half of its variance is that of examples with means like its own. There each value counts at
the mean of its example's other values; at the mean of all, an example that a rare value has moved would be
missing from where the others still are. Student's t then holds 95 % of skewed, bounded and heavy-tailed
values as well: ``tests/unit/scoring/test_score_intervals.py``.
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

Values: TypeAlias = npt.NDArray[np.float64]
Numbers: TypeAlias = npt.NDArray[np.integer[Any]]

_LEVEL = 0.95
_GROUPS = 5  # of examples with like means
_FEWEST = 20  # examples of a group


class Estimate(NamedTuple):
    """A score of K examples, its standard error and the ends of its interval; [K], NaN where undefined."""

    value: Values
    se: Values
    low: Values
    high: Values


class Moments:
    """Mean and spread, per example, of the values added so far; NaN counts as not there.

    Welford's update: one pass, and a spread of exactly 0 where all values are equal.
    """

    def __init__(self, num_examples: int) -> None:
        self._num = np.zeros(num_examples, np.int32)
        self._mean = np.zeros(num_examples)
        self._squares = np.zeros(num_examples)
        self._least = np.full(num_examples, np.inf, np.float32)
        self._most = np.full(num_examples, -np.inf, np.float32)

    def add(self, values: Values, first: int = 0) -> None:
        """Take one value [n] for each of the examples from position ``first`` on, NaN where it has none."""
        rows = slice(first, first + len(values))
        num, mean, squares = self._num[rows], self._mean[rows], self._squares[rows]  # views
        narrow = values.astype(np.float32)
        for extreme, one in ((np.fmin, self._least[rows]), (np.fmax, self._most[rows])):
            extreme(one, narrow, out=one)
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

    def estimate(self) -> Estimate:
        """The mean, std(ddof=1) / sqrt(number of values), and the interval; NaN below two values.

        The mean is NaN where there was no value.
        """
        mean = np.where(self._num > 0, self._mean, np.nan)
        away = reach(self._num, self._mean, self._squares, self._least, self._most)
        return Estimate(mean, standard_error(self._squares, self._num), mean - away, mean + away)


def standard_error(squares: Values, num: Numbers) -> Values:
    """Standard error of a mean of ``num`` values with this sum of squared deviations; NaN below two."""
    return np.sqrt(squares / np.where(num > 1, (num - 1) * num, np.nan))


def reach(num: Numbers, mean: Values, squares: Values, least: npt.ArrayLike, most: npt.ArrayLike) -> Values:
    """How far the interval of each mean reaches to either side [K]; NaN below two values.

    Args:
        num: of values [K].
        mean: of these [K].
        squares: their squared deviations from it, summed [K].
        least: the smallest of them [K].
        most: the largest [K].
    """
    from scipy.special import stdtrit

    away, several = np.full(len(num), np.nan), num > 1
    if not several.any():
        return away
    n, mean, squares = num[several], mean[several], squares[several]
    pooled = _pooled(n, mean, squares, np.asarray(least)[several] - mean, np.asarray(most)[several] - mean)
    variance = (pooled + squares / (n - 1)) / 2
    # the pooled half counts for as many degrees as the own one, unless it is the own
    degrees = np.arange(n.max()) * (2 - 1 / len(n))
    away[several] = stdtrit(degrees, (1 + _LEVEL) / 2)[n - 1] * np.sqrt(variance / n)
    return away


def _pooled(n: Numbers, mean: Values, squares: Values, lowest: Values, highest: Values) -> Values:
    """Variance of a value where the mean of an example's other values is like ``mean`` [K].

    ``lowest`` and ``highest`` are the extremes less the mean; all other values count as if they were at it.
    """
    ends = np.stack([lowest, highest])
    squared = np.vstack([np.maximum(squares - (ends**2).sum(axis=0), 0), ends**2]) * (n / (n - 1))
    others = np.vstack([mean, mean - ends / (n - 1)])  # the mean without the value
    weights = np.vstack([n - 2, np.ones((2, len(n)))])
    at = others[0].astype(np.float32)  # equal values may differ in the last digits
    num_groups = np.clip(len(n) // _FEWEST, 1, _GROUPS)
    cuts = np.quantile(at, np.arange(1, num_groups) / num_groups, method="lower")
    many = cuts[1:][cuts[1:] == cuts[:-1]]  # so many are equal that they are a group of their own
    cuts = np.unique([*cuts, *np.nextafter(many, np.float32(np.inf))])
    group = np.searchsorted(cuts, others.astype(np.float32).ravel(), side="right")
    total, held = (np.bincount(group, of.ravel(), len(cuts) + 1) for of in (squared, weights))
    variance = np.full(len(held), total.sum() / held.sum())
    np.divide(total, held, out=variance, where=held > 0)
    found: Values = variance[group[: len(n)]]
    return found
