"""The distribution of the probability to be right over the examples, and what it says of each one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from easiness.analysis.sides import SIDES, Side, check_fraction
from easiness.errors import BadInput

_Floats = npt.NDArray[np.float64]

_POINTS = 201  # of the grid: closest at 0 and 1, where a count varies least
_AT_ENDS = 0.02  # of the mass that EM begins with at 0, and at 1: examples right in all trials, or none
_STEPS = 50  # of EM: by then the counts are matched, and what follows fits their noise with spikes


def binomial(num_trials: int, probability: _Floats) -> _Floats:
    """Probability [N + 1, G] of 0..N successes in N trials of each ``probability`` [G]."""
    from scipy.special import gammaln, xlog1py, xlogy

    count = np.arange(num_trials + 1)[:, None]
    ways = gammaln(num_trials + 1) - gammaln(count + 1) - gammaln(num_trials - count + 1)
    likelihood: _Floats = np.exp(ways + xlogy(count, probability) + xlog1py(num_trials - count, -probability))
    return likelihood


def shares_of_tail(mass: _Floats, fraction: float, side: Side) -> _Floats:
    """The share [G], in 0..1, of each of the ordered masses [G] that lies in the outer ``fraction``.

    The masses sum to 1: the last ones make the easy side, the first ones the hard side; one lies at the cut.
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


@dataclass(frozen=True, eq=False)
class Membership:
    """The place of each of K examples as their counts have it, arrays [K].

    ``p_easy`` and ``p_hard`` are the probabilities to be among the truly easiest and hardest ones, the sets
    that endless trials would give; each sums to the fraction times K. ``expected`` is the mean of the
    posterior of the probability to be right, in 0..1.
    """

    p_easy: _Floats
    p_hard: _Floats
    expected: _Floats


def membership(
    counts: npt.ArrayLike, num_trials: int, fraction: float = 0.1, further: int | None = None
) -> Membership:
    """Membership by empirical Bayes: the distribution over all examples (`fit_mixing`) is the prior of each.

    The fit stops early, which keeps it smooth: from fewer than five trials, or where all examples are alike,
    much of what it says is where it began. Examples that would tie with endless trials share the places
    at the cut: where 30 % are right in every trial, none of them is among the easiest tenth with more
    than about a third.

    Args:
        counts: in how many trials each example is right [K], whole numbers in 0..num_trials.
        num_trials: N, at least 1.
        fraction: share of the examples that are called easiest, and hardest, in (0, 1].
        further: instead of to the true sets, the probability to belong to those that so many further trials
            would give, ties at the cut left to chance: what can be held against trials that were left out.

    Raises:
        BadInput: an argument is out of its range.
    """
    c = _checked(counts, num_trials)
    check_fraction(fraction)
    mixing = fit_mixing(c, num_trials)
    # with the cut at the population's own fraction the memberships sum to it exactly
    p_easy, p_hard = (
        np.clip(mixing.posterior @ _belongs(mixing, fraction, side, further), 0, 1) for side in SIDES
    )
    return Membership(p_easy[c], p_hard[c], (mixing.posterior @ mixing.probability)[c])


def _belongs(mixing: Mixing, fraction: float, side: Side, further: int | None) -> _Floats:
    """Probability of each point of the grid [G] to be in the set."""
    if further is None:
        return shares_of_tail(mixing.population, fraction, side)
    likelihood = binomial(further, mixing.probability)
    belongs: _Floats = shares_of_tail(likelihood @ mixing.population, fraction, side) @ likelihood
    return belongs


def _checked(counts: npt.ArrayLike, num_trials: int) -> npt.NDArray[np.int64]:
    if not isinstance(num_trials, int | np.integer) or num_trials < 1:
        raise BadInput(f"num_trials {num_trials!r}: must be a whole number, at least 1")
    values: npt.NDArray[Any] = np.asarray(counts)
    if values.ndim != 1 or len(values) == 0 or values.dtype.kind not in "iufb":
        raise BadInput("counts: give one number per example, in how many trials it is right")
    outside = ~((values >= 0) & (values <= num_trials) & (values == np.floor(values)))
    if outside.any():
        raise BadInput(
            f"counts: {values[outside.argmax()]} at position {outside.argmax()} is no whole number in "
            f"0..{num_trials}; give in how many of the {num_trials} trials each example is right"
        )
    return values.astype(np.int64)
