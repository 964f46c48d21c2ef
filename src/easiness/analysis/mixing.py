"""How the probability to be right is distributed over the examples, fitted to how often they were."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from easiness.analysis.sides import Side

_Floats = npt.NDArray[np.float64]

_POINTS = 201  # of the grid: closest at 0 and 1, where a count varies least
_AT_ENDS = (
    0.02  # of the mass that EM begins with at 0, and at 1: examples that every trial has right, or none
)
_STEPS = 50  # of EM: by then the counts are matched, and what follows fits their noise with spikes


def binomial(num_trials: int, probability: _Floats) -> _Floats:
    """Probability [N + 1, G] of 0..N successes in N trials of each ``probability`` [G]."""
    from scipy.special import gammaln, xlog1py, xlogy

    count = np.arange(num_trials + 1)[:, None]
    ways = gammaln(num_trials + 1) - gammaln(count + 1) - gammaln(num_trials - count + 1)
    likelihood: _Floats = np.exp(ways + xlogy(count, probability) + xlog1py(num_trials - count, -probability))
    return likelihood


def shares_of_tail(mass: _Floats, fraction: float, side: Side) -> _Floats:
    """How much of each of the ordered masses [G], which sum to 1, is in the outer ``fraction``: [G] in 0..1.

    The last ones make the easy side, the first ones the hard side; the one at the cut is in for a part.
    """
    if side == "easy":
        return shares_of_tail(mass[::-1], fraction, "hard")[::-1]
    before = np.cumsum(mass) - mass
    room = np.clip(fraction - before, 0, mass)
    shares: _Floats = np.divide(room, mass, out=np.zeros_like(mass), where=mass > 0)
    return shares


@dataclass(frozen=True, eq=False)
class Mixing:
    """The distribution of the probability to be right: ``mass`` [G] at each ``probability`` [G], ascending.

    ``tally`` [N + 1] says how many examples were right in 0..N of the N trials it was fitted to.
    """

    probability: _Floats
    mass: _Floats
    tally: npt.NDArray[np.int64]

    @property
    def num_trials(self) -> int:
        """N."""
        return len(self.tally) - 1

    @cached_property
    def posterior(self) -> _Floats:
        """Distribution over the grid of an example that was right in c trials: [N + 1, G], rows sum to 1."""
        joint = binomial(self.num_trials, self.probability) * self.mass
        return _ratio(joint, joint.sum(axis=1, keepdims=True))

    @cached_property
    def population(self) -> _Floats:
        """Distribution [G] of the examples themselves: the mean of their posteriors."""
        mean: _Floats = self.tally @ self.posterior / self.tally.sum()
        return mean


def fit_mixing(counts: npt.NDArray[Any], num_trials: int) -> Mixing:
    """Fit by nonparametric maximum likelihood (Kiefer and Wolfowitz 1956), with EM on a grid (Laird 1978).

    EM begins with equal mass everywhere, a little more at the ends, and stops after some steps: short of
    the maximum, where the fit would follow the noise of the counts with spikes. A count is binomial given
    its example's probability: trials are independent and alike. The fit depends on how many examples have
    each of the N + 1 counts alone.

    Args:
        counts: in how many trials each example is right [K], whole numbers in 0..N.
        num_trials: N, at least 1.
    """
    tally = np.bincount(np.asarray(counts).astype(np.int64), minlength=num_trials + 1)
    probability = np.sin(np.linspace(0, np.pi / 2, _POINTS)) ** 2
    likelihood = binomial(num_trials, probability)
    observed = tally / tally.sum()
    mass = np.full(_POINTS, (1 - 2 * _AT_ENDS) / _POINTS)
    mass[[0, -1]] += _AT_ENDS
    for _ in range(_STEPS):
        mass = mass * (likelihood.T @ _ratio(observed, likelihood @ mass))
    return Mixing(probability, mass, tally)


def _ratio(a: _Floats, b: _Floats) -> _Floats:
    """a / b, and 0 where b is 0: a count that no example has may become impossible."""
    ratio: _Floats = np.divide(a, b, out=np.zeros(np.broadcast_shapes(a.shape, b.shape)), where=b > 0)
    return ratio
