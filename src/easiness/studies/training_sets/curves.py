"""Accuracy against a rate, over repetitions: differences, steps and slopes with intervals."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from easiness.analysis import MIN_GROUP
from easiness.errors import BadInput

Repeated = npt.NDArray[np.float64]
"""The accuracy of each repetition [n]."""


@dataclass(frozen=True)
class Contrast:
    """A weighted sum of mean accuracies, such as a difference or a slope.

    ``interval`` is Student's over the ``repetitions``, NaN with one; under `MIN_GROUP` of them nothing is
    decided.
    """

    value: float
    interval: tuple[float, float]
    repetitions: int

    @property
    def decided(self) -> bool:
        """Are there enough repetitions to decide anything by the interval?"""
        return self.repetitions >= MIN_GROUP


@dataclass(frozen=True, eq=False)
class AccuracyCurve:
    """``accuracies`` at ascending ``rates``, an array over repetitions for each."""

    rates: tuple[float, ...]
    accuracies: tuple[Repeated, ...]

    def at(self, rate: float) -> Repeated:
        """The accuracies at a rate."""
        if rate not in self.rates:
            tried = ", ".join(f"{one:g}" for one in self.rates)
            raise BadInput(f"rate {rate:g}: not among the rates tried; give one of {tried}")
        return self.accuracies[self.rates.index(rate)]


@dataclass(frozen=True)
class Breakdown:
    """How accuracy is lost up to a rate and beyond it.

    ``before`` and ``after`` are losses of accuracy per unit of rate, from the first rate to the
    ``breakpoint`` and from there to the last, positive where accuracy falls. ``excess`` is ``after``
    minus ``factor`` times ``before``. Accuracy breaks down where both ``after`` and ``excess`` are
    positive; ``excess`` alone is positive too where accuracy rises before and goes on rising.
    """

    breakpoint: float
    factor: float
    before: Contrast
    after: Contrast
    excess: Contrast


def contrast(terms: Iterable[tuple[float, Repeated]], level: float = 0.95) -> Contrast:
    """The sum of ``weight * mean(accuracies)`` over ``terms``, with Student's interval over repetitions.

    The sum is made for each repetition by itself. Those of the same number share their seeds, so what they
    have in common (initialization, order, nested draws) drops out of a difference; the sums of different
    repetitions are independent.

    Args:
        terms: pairs of a weight and the accuracies [n] of a group, in the order of repetitions.
        level: of the interval, in (0, 1).
    """
    from scipy.special import stdtrit

    sums: Repeated = np.sum([weight * group for weight, group in terms], axis=0)
    num = len(sums)
    value = float(sums.mean())
    if num == 1:
        return Contrast(value, (math.nan, math.nan), 1)
    margin = float(stdtrit(num - 1, (1 + level) / 2)) * float(sums.std(ddof=1)) / math.sqrt(num)
    return Contrast(value, (value - margin, value + margin), num)


def mean_accuracy(curve: AccuracyCurve, rate: float) -> Contrast:
    """The mean accuracy at a rate, with Student's interval."""
    return contrast([(1, curve.at(rate))])


def differences(a: AccuracyCurve, b: AccuracyCurve) -> dict[float, Contrast]:
    """Mean accuracy of ``a`` minus that of ``b`` by rate, at the rates above 0 that both have.

    At rate 0 nothing is changed, so that there is nothing to compare.
    """
    common = [rate for rate in a.rates if rate > 0 and rate in b.rates]
    return {rate: contrast([(1, a.at(rate)), (-1, b.at(rate))]) for rate in common}


def steps(curve: AccuracyCurve) -> dict[tuple[float, float], Contrast]:
    """Change of the mean accuracy from each rate to the next; falling at every step: all below 0."""
    pairs = zip(curve.rates, curve.rates[1:], strict=False)
    return {(low, high): contrast([(1, curve.at(high)), (-1, curve.at(low))]) for low, high in pairs}


def breakdown(curve: AccuracyCurve, breakpoint: float, factor: float = 2) -> Breakdown:
    """Loss of accuracy per unit of rate before and beyond ``breakpoint``."""
    first, last = curve.rates[0], curve.rates[-1]
    start, middle, end = curve.at(first), curve.at(breakpoint), curve.at(last)
    if not first < breakpoint < last:
        raise BadInput(f"rate {breakpoint:g}: needs a rate below it and one above it to tell slopes apart")
    before, after = 1 / (breakpoint - first), 1 / (last - breakpoint)
    return Breakdown(
        breakpoint=breakpoint,
        factor=factor,
        before=contrast([(before, start), (-before, middle)]),
        after=contrast([(after, middle), (-after, end)]),
        excess=contrast(
            [(-factor * before, start), (after + factor * before, middle), (-after, end)],
        ),
    )
