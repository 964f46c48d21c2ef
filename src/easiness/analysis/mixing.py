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

_FARTHEST = 4.5  # of the grid, in standard deviations of a trial's noise: there one in 300,000 trials errs
_POINTS = 121  # of the grid of one run
POINTS_OF_TWO = 61
"""Of the grid of each of two runs."""

_SMOOTH_STEPS = 150  # of EM for two normals
_FREE_STEPS = 1000  # of EM for a mass at each point, over the trials: what follows fits noise with spikes
_NARROWEST = 0.02  # variance of a normal: less is one point of the grid
_STRAIGHTEST = 0.99  # correlation of a normal: more is one line of points
_TINY = 1e-300
_PLACES = (0.07, 0.93)  # shares of the examples at which the two normals begin


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
        return ratio(joint, joint.sum(axis=1, keepdims=True))

    @cached_property
    def population(self) -> _Floats:
        """Distribution [G] of the examples themselves: the mean of their posteriors."""
        mean: _Floats = self.tally @ self.posterior / self.tally.sum()
        return mean


def fit_mixing(counts: npt.NDArray[Any], num_trials: int) -> Mixing:
    """Fit the distribution of the probability to be right to how often each example was right.

    The fit is that of `fit_masses`. A count is binomial given its example's probability: trials are
    independent and alike. The fit depends on how many examples have each of the N + 1 counts alone.

    Args:
        counts: in how many trials each example is right [K], whole numbers in 0..N.
        num_trials: N, at least 1.
    """
    tally = np.bincount(np.asarray(counts).astype(np.int64), minlength=num_trials + 1)
    mass = fit_masses(tally[:, None].astype(np.float64))[:, 0]
    return Mixing(_probabilities(_POINTS), mass, tally)


def fit_masses(tally: _Floats, points: int | None = None) -> _Floats:
    """Masses [G, 1] or [G, G] of the probabilities to be right in one run, or in two, that gave this tally.

    A probability is that of a standard normal to lie below a place, and the places are on a grid. First the
    distribution over the places is a mixture of two normals, fitted by EM: smooth, yet with tails and groups.
    Then EM goes on for some steps with a free mass at each point (Laird 1978), towards the nonparametric
    maximum likelihood (Kiefer and Wolfowitz 1956), and moves what the counts can tell.

    Args:
        tally: numbers of examples right in 0..N of N trials [N + 1, 1], or those right in 0..N trials of
            one run and 0..M of another [N + 1, M + 1].
        points: G, where it is not to be as fine as can be.
    """
    of_one = tally.shape[1] == 1
    fit = MassFit.of(tally, points or (_POINTS if of_one else POINTS_OF_TWO))
    if of_one and max(tally[0, 0], tally[-1, 0]) == tally.sum():  # all trials agree on every example
        return np.asarray(np.eye(len(fit.likelihoods[0].T))[:, [0 if tally[0, 0] else -1]])
    return fit.freed(_two_normals(fit))


@dataclass(frozen=True, eq=False)
class MassFit:
    """What is fitted: the shares of the examples with each count, and how likely each point makes a count."""

    observed: _Floats
    likelihoods: list[_Floats]
    num_steps: int

    @classmethod
    def of(cls, tally: _Floats, points: int) -> MassFit:
        """Of numbers of examples, on a grid of so many points for each run."""
        numbers = [size - 1 for size in tally.shape]
        likelihoods = [binomial(num, _probabilities(points)) if num else np.ones((1, 1)) for num in numbers]
        return cls(tally / tally.sum(), likelihoods, _FREE_STEPS // sum(numbers))

    def expected(self, mass: _Floats) -> _Floats:
        """The shares of the examples that should have each count."""
        ours, theirs = self.likelihoods
        return ours @ mass @ theirs.T

    def gain(self, mass: _Floats) -> _Floats:
        """What a step of EM multiplies each mass by."""
        ours, theirs = self.likelihoods
        return np.asarray(ours.T @ ratio(self.observed, self.expected(mass)) @ theirs)

    def freed(self, mass: _Floats) -> _Floats:
        """What EM makes of a mass at each point, free to move."""
        for _ in range(self.num_steps):
            mass = mass * self.gain(mass)
        return mass

    def log_likelihood(self, mass: _Floats) -> float:
        """Of the counts, per example."""
        return float((self.observed * np.log(np.maximum(self.expected(mass), _TINY))).sum())


def _places(num: int) -> _Floats:
    return np.linspace(-_FARTHEST, _FARTHEST, num)


def _probabilities(num: int) -> _Floats:
    from scipy.special import ndtr

    probability: _Floats = ndtr(_places(num))
    return probability


def _two_normals(fit: MassFit) -> _Floats:
    """The masses of a mixture of two normals, fitted by EM."""
    observed, of_one = fit.observed, fit.observed.shape[1] == 1
    shape = (fit.likelihoods[0].shape[1], fit.likelihoods[1].shape[1])
    x, y = np.meshgrid(_places(shape[0]), np.zeros(1) if of_one else _places(shape[1]), indexing="ij")
    powers = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y]).reshape(6, -1)
    weight, mean = np.full(2, 0.5), np.stack([_begin(observed.sum(axis=1)), _begin(observed.sum(axis=0))])
    xx, xy, yy = np.full(2, 0.5), np.full(2, 0.0 if of_one else 0.25), np.full(2, 0.5)
    for _ in range(_SMOOTH_STEPS):
        parts = weight[:, None] * _normals(powers, mean, xx, xy, yy)
        mass: _Floats = parts.sum(axis=0).reshape(shape)
        size, *moments = powers @ (parts * fit.gain(mass).ravel()).T
        weight = size / size.sum()
        x, y, *squares = np.array(moments) / np.maximum(size, _TINY)
        mean = np.array([x, y])
        xx, xy, yy = squares - np.array([x * x, x * y, y * y])
        xx, yy = np.maximum(xx, _NARROWEST), np.maximum(yy, _NARROWEST)
        most = _STRAIGHTEST * np.sqrt(xx * yy)
        xy = np.clip(xy, -most, most)
    return np.asarray(weight @ _normals(powers, mean, xx, xy, yy)).reshape(shape)


def _begin(observed: _Floats) -> _Floats:
    """The places [2] that lie in a count's distribution [N + 1] where the normals begin."""
    from scipy.special import ndtri

    if len(observed) == 1:
        return np.zeros(2)
    levels = ndtri((np.arange(len(observed)) + 0.5) / len(observed))
    levels[[0, -1]] *= 2  # where all trials agree an example may lie far out, and EM takes long to get there
    return np.asarray(np.interp(_PLACES, np.cumsum(observed) - observed / 2, levels))


def _normals(powers: _Floats, mean: _Floats, xx: _Floats, xy: _Floats, yy: _Floats) -> _Floats:
    """The masses [2, P] of two normals of these means and covariances, at the points of ``powers`` [6, P]."""
    x, y = mean
    size = xx * yy - xy**2
    a, b, c = yy / size, -xy / size, xx / size
    terms = [a * x * x + 2 * b * x * y + c * y * y, -2 * (a * x + b * y), -2 * (b * x + c * y), a, 2 * b, c]
    masses = np.exp(-0.5 * np.array(terms).T @ powers)
    return np.asarray(masses / masses.sum(axis=1, keepdims=True))


def ratio(a: _Floats, b: _Floats) -> _Floats:
    """a / b, and 0 where b is 0: a count that no example has may become impossible."""
    quotient: _Floats = np.divide(a, b, out=np.zeros(np.broadcast_shapes(a.shape, b.shape)), where=b > 0)
    return quotient


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

    From five trials on ``p_easy`` and ``p_hard`` are within 0.03 of what comes true, for normal, skewed and
    heavy-tailed difficulty and groups (``tests/property/test_membership_properties.py``). Where all examples
    are alike much of what they say is where the fit began. Examples that would tie with endless trials share
    the places at the cut: where 30 % are right in every trial, none of them is among the easiest tenth with
    more than about a third.

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
