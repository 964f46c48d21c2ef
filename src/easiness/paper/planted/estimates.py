"""Slopes of logits and differences of means, with intervals for other patterns and other trials."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from easiness.lazy import Floats, Mask, special

_STEPS = 50
_STEEPEST = 30.0  # logits beyond which shares are 0 or 1
_LEAST = 1e-9


@dataclass(frozen=True, eq=False)
class PlantedEstimate:
    """A number, and what each trial and pattern adds to its deviation from the truth, ``parts`` [T, P].

    Patterns have effects of their own in all trials, and trials in all patterns: the variance is that of sums
    over trials plus that of sums over patterns, less what is in both (Cameron, Gelbach and Miller 2011), and
    at least the first. ``common`` is the part in both: squared deviations of trials from what a pattern has
    in all of them, whose own effects add up to nothing in a trial. ``freedom`` is the number of patterns less
    that of coefficients, and ``of_trials`` the number of trials less one; of a difference of two arms it is
    what their trials have together, after Satterthwaite.
    """

    value: float
    parts: Floats
    common: float
    freedom: int
    of_trials: float

    @property
    def _variances(self) -> tuple[float, float]:
        """By patterns, and by trials on top of it."""
        by_pattern = float((self.parts.sum(axis=0) ** 2).sum())
        by_trial = float((self.parts.sum(axis=1) ** 2).sum())
        return by_pattern, max(0.0, by_trial - self.common)

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval by Student's t, with the freedom of both sums after Satterthwaite.

        Not a number where there is no freedom.
        """
        if self.freedom < 1:
            return math.nan, math.nan
        by_pattern, by_trial = self._variances
        spread = by_pattern**2 / self.freedom + by_trial**2 / max(1, self.of_trials)
        freedom = (by_pattern + by_trial) ** 2 / spread if spread > 0 else self.freedom
        margin = float(special.stdtrit(freedom, 0.975)) * math.sqrt(by_pattern + by_trial)
        return self.value - margin, self.value + margin

    def less(self, other: PlantedEstimate, factor: float = 1.0) -> PlantedEstimate:
        """This less ``factor`` times the other one, of the same patterns and of other trials."""
        parts = np.concatenate([self.parts, -factor * other.parts])
        common = self.common + factor**2 * other.common
        freedom, of_trials = min(self.freedom, other.freedom), self.of_trials + other.of_trials
        ours, theirs = self._variances[1], factor**2 * other._variances[1]
        if ours + theirs > 0:  # an arm of few trials may be nearly all of it
            spread = ours**2 / max(1, self.of_trials) + theirs**2 / max(1, other.of_trials)
            of_trials = (ours + theirs) ** 2 / spread
        return PlantedEstimate(self.value - factor * other.value, parts, common, freedom, of_trials)


def slope(values: Floats, doublings: Floats, groups: npt.NDArray[np.generic]) -> PlantedEstimate:
    """The change of the logit of shares [T, P] for one of ``doublings`` [P], the same in all ``groups`` [P].

    A logistic regression of the mean over trials, in which every pattern counts once, whatever number of
    examples its share is of; shares of 0 and 1 are what they are.
    """
    return _fit(values, np.column_stack([doublings, _members(groups)]), logistic=True)


def drop(values: Floats, low: Mask, high: Mask, groups: npt.NDArray[np.generic]) -> PlantedEstimate:
    """The mean of the patterns ``high`` [P] less that of ``low`` [P], within ``groups`` [P]."""
    both = low | high
    columns = np.column_stack([high[both], _members(groups[both])]).astype(np.float64)
    estimate = _fit(values[:, both], columns, logistic=False)
    parts = np.zeros(values.shape)
    parts[:, both] = estimate.parts
    return replace(estimate, parts=parts)


def mean(values: Floats) -> PlantedEstimate:
    return _fit(values, np.ones((values.shape[1], 1)), logistic=False)


def _members(groups: npt.NDArray[np.generic]) -> Mask:
    members: Mask = groups[:, None] == np.unique(groups)[None, :]
    return members


def _fit(values: Floats, columns: Floats, *, logistic: bool) -> PlantedEstimate:
    """The coefficient of the first of ``columns`` [P, k]; leverages enlarge deviations, as jackknives do.

    Newton's steps from the least squares, of a logistic regression from those of logits that are cut.
    """
    trials, num = values.shape
    columns, target = columns.astype(np.float64), values.mean(axis=0)
    cut = np.clip(target, 0.02, 0.98)
    coefficients = np.linalg.pinv(columns) @ (np.log(cut / (1 - cut)) if logistic else target)
    for at in range(_STEPS + 1):
        predicted, weights = columns @ coefficients, np.ones(num)
        if logistic:
            predicted = 1 / (1 + np.exp(-np.clip(predicted, -_STEEPEST, _STEEPEST)))
            weights = np.maximum(predicted * (1 - predicted), _LEAST)
        inverse = np.linalg.pinv(columns.T @ (weights[:, None] * columns))
        step = inverse @ columns.T @ (target - predicted)
        if at == _STEPS or float(np.abs(step).max()) < _LEAST:
            break
        coefficients = coefficients + np.clip(step, -1, 1)
    leverage = np.minimum(weights * np.einsum("pj,jk,pk->p", columns, inverse, columns), 1 - _LEAST)
    reach = (columns @ inverse[0]) / (1 - leverage)
    parts = reach[None, :] * (values - predicted[None, :]) / trials
    own = parts.mean(axis=0)[None, :]
    # the spread of trials about their own mean is a bit too small
    apart = (parts - own) * math.sqrt(trials / max(1, trials - 1))
    freedom = num - int(np.linalg.matrix_rank(columns))
    return PlantedEstimate(float(coefficients[0]), own + apart, float((apart**2).sum()), freedom, trials - 1)
