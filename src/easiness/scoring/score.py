"""A score: its declaration, and how it is accumulated over trials as a running mean and spread."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, NamedTuple, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from easiness.lazy import Array, Floats, Integers, Mask, special
from easiness.records import Observations

Values: TypeAlias = Floats
Numbers: TypeAlias = npt.NDArray[np.integer[Any]]

_LEVEL = 0.95
_GROUPS = 5  # of examples with like means
_FEWEST = 20  # examples of a group


class ScoreEstimate(NamedTuple):
    """A score of K examples, its standard error and the ends of its interval; [K], NaN where undefined."""

    value: Values
    se: Values
    low: Values
    high: Values


class ScoreMoments:
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
        is_number = ~np.isnan(values)
        num += is_number
        delta = values - mean
        if not is_number.all():
            delta[~is_number] = 0.0  # nothing moves
        step = delta / np.maximum(num, 1)
        mean += step
        step -= delta  # in place: this is the inner loop of scoring
        step *= delta  # -(value - old mean) (value - new mean)
        squares -= step

    def estimate(self) -> ScoreEstimate:
        """The mean, std(ddof=1) / sqrt(number of values), and the interval; NaN below two values.

        The mean is NaN where there was no value.
        """
        mean = np.where(self._num > 0, self._mean, np.nan)
        away = reach(self._num, self._mean, self._squares, self._least, self._most)
        return ScoreEstimate(mean, standard_error(self._squares, self._num), mean - away, mean + away)


def standard_error(squares: Values, num: Numbers) -> Values:
    """Standard error of a mean of ``num`` values with this sum of squared deviations; NaN below two."""
    return np.sqrt(squares / np.where(num > 1, (num - 1) * num, np.nan))


def reach(num: Numbers, mean: Values, squares: Values, least: npt.ArrayLike, most: npt.ArrayLike) -> Values:
    """How far the interval of each mean of ``num`` values reaches to either side [K]; NaN below two values.

    ``squares`` are their squared deviations from it, summed, ``least`` and ``most`` their extremes, all [K].
    """
    away, several = np.full(len(num), np.nan), num > 1
    if not several.any():
        return away
    n, mean, squares = num[several], mean[several], squares[several]
    pooled = _pooled(n, mean, squares, np.asarray(least)[several] - mean, np.asarray(most)[several] - mean)
    variance = (pooled + squares / (n - 1)) / 2
    # the pooled half counts for as many degrees as the own one, unless it is the own
    degrees = np.arange(n.max()) * (2 - 1 / len(n))
    away[several] = special.stdtrit(degrees, (1 + _LEVEL) / 2)[n - 1] * np.sqrt(variance / n)
    return away


def _pooled(n: Numbers, mean: Values, squares: Values, lowest: Values, highest: Values) -> Values:
    """Variance of a value where the mean of an example's other values is like ``mean`` [K].

    ``lowest`` and ``highest`` are the extremes less the mean; all other values count as if they were at it.
    """
    ends = np.stack([lowest, highest])
    deviations = np.vstack([np.maximum(squares - (ends**2).sum(axis=0), 0), ends**2]) * (n / (n - 1))
    others = np.vstack([mean, mean - ends / (n - 1)])  # the mean without the value
    weights = np.vstack([n - 2, np.ones((2, len(n)))])
    at = others[0].astype(np.float32)  # equal values may differ in the last digits
    num_groups = np.clip(len(n) // _FEWEST, 1, _GROUPS)
    cuts = np.quantile(at, np.arange(1, num_groups) / num_groups, method="lower")
    many = cuts[1:][cuts[1:] == cuts[:-1]]  # so many are equal that they are a group of their own
    cuts = np.unique([*cuts, *np.nextafter(many, np.float32(np.inf))])
    group = np.searchsorted(cuts, others.astype(np.float32).ravel(), side="right")
    total, weight = (np.bincount(group, of.ravel(), len(cuts) + 1) for of in (deviations, weights))
    variance = np.full(len(weight), total.sum() / weight.sum())
    np.divide(total, weight, out=variance, where=weight > 0)
    return np.asarray(variance[group[: len(n)]])


HighMeans = Literal["easy", "hard", "ambiguous", "unsure", "sound label", "suspect label"]
Need = Literal["prediction", "p_y", "margin", "error norm", "entropy", "logits", "trials without x"]


class Accumulator(Protocol):
    """Takes trials in pieces, so that a piece of one is in memory at a time."""

    def add(self, obs: Observations, m: int, first: int) -> None:
        """Take a piece of a trial as it was after its first ``m`` epochs, the last of them observed.

        The examples of ``obs`` stand at ``first`` and after it in the run.
        """

    def result(self) -> ScoreEstimate:
        """The score over the trials added: at least one, and each in full."""


Start: TypeAlias = Callable[[Integers], Accumulator]
"""From the labels [K] to an accumulator without trials."""

PerTrial: TypeAlias = Callable[[Observations, int], Values]
"""From a trial, or a piece of one, and m to the score in that trial: [K], NaN where it is undefined."""


Columns: TypeAlias = Mapping[str, Array]
"""Result of `score_columns`: a name and an array [K] each."""


@dataclass(frozen=True, kw_only=True)
class Score:
    """One score, declared.

    ``range`` is closed where finite. ``needs`` names the recorded quantities it reads. Two scores
    with the same ``start`` are computed once. ``never_learned`` is there where the score has no value for
    examples that were never learned: from all columns at m, and m, which ones these are [K] and the number
    that they count as in a ranking, beyond every value of one that was learned.
    """

    name: str
    formula: str
    unit: str
    range: tuple[float, float] = (0, 1)
    high_means: HighMeans
    needs: tuple[Need, ...]
    source: str = "definition"
    start: Start
    never_learned: Callable[[Columns, int], tuple[Mask, int]] | None = None

    def for_ranking(self, columns: Columns, m: int) -> Values:
        """The score [K] as a ranking reads it: that of ``columns``, with numbers for the never learned.

        It stays NaN where it is undefined for another reason. The columns are all those after ``m`` epochs.
        """
        values = np.array(columns[self.name], np.float64)
        if self.never_learned is not None:
            which, number = self.never_learned(columns, m)
            values[np.isnan(values) & which] = number
        return values


class MeanOverTrials:
    """A score per trial, averaged over the trials that define it, with its error.

    A score over ``epochs`` sums up those of 1..m that were observed. It is undefined in a trial of which one
    epoch of several was observed: that one has no course, and its value is another score's. Heads on growing
    shares of the examples have no ``course`` over epochs at all.
    """

    def __init__(self, per_trial: PerTrial, epochs: bool, course: bool, labels: Integers) -> None:
        self._per_trial, self._epochs, self._course = per_trial, epochs, course
        self._moments = ScoreMoments(len(labels))

    def add(self, obs: Observations, m: int, first: int) -> None:
        """Take a piece of a trial; heads speak of the examples that they were not shown alone."""
        is_undefined = (self._epochs and obs.num_until(m) == 1 < m) or (self._course and obs.by_share)
        values = np.full(len(obs.labels), np.nan) if is_undefined else self._per_trial(obs, m)
        if obs.by_share:
            values = np.where(obs.trained_on_at(m), np.nan, values)
        self._moments.add(values, first)

    def result(self) -> ScoreEstimate:
        return self._moments.estimate()


def over_trials(per_trial: PerTrial, *, epochs: bool = False, course: bool = False) -> Start:
    """The mean over trials of a score that is computed trial by trial, see `MeanOverTrials`."""
    return partial(MeanOverTrials, per_trial, epochs, course)


def formula_text(formula: str, row_name: str) -> str:
    """A formula as it is read of a run whose rows are of an ``epoch``, or of heads that saw a ``share``."""
    if row_name == "epoch":
        return formula
    return formula.replace("epochs", "shares").replace("epoch", row_name)


def correct_after(obs: Observations, epoch: int) -> Mask:
    """Is the prediction after ``epoch`` epochs the label trained with? [K]"""
    return np.asarray(obs.prediction[obs.row(epoch)] == obs.labels)


def correct_until(obs: Observations, m: int) -> Mask:
    """`correct_after` for the epochs observed among 1..m: [epochs, K]."""
    return np.asarray(obs.prediction[: obs.num_until(m)] == obs.labels)
