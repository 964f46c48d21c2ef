"""The rates of items that have unequal numbers of trials: their distribution, and what it says of each."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from easiness.analysis.mixing import MassFit, grid_places, ratio, shares_of_tail, two_normals
from easiness.analysis.sides import Side
from easiness.lazy import Floats, Integers, optimize, special
from easiness.spec import check_within

_POINTS, _FINE_POINTS = 121, 361  # of the grid; the latter where items have many trials
_MANY = 200  # trials of an item: its rate is known to less than the coarse grid tells apart
_STEPS = 1000  # of EM for a mass at each point, over the trials of a usual item, as for equal numbers
_FEWEST_STEPS = 10
_FEW = 4  # trials of a usual item, of which two normals would be a guess
_LOGS_OF_BETA = (-5.0, 5.0)
_SMOOTH_ITEMS = 30  # of the beta distribution: chosen by simulations of 30 to 3,000 items
_MOST_UNLIKE = 30_000  # pairs of trials and right ones that are told apart, before scores are rounded
_LEVELS = 1000  # of rounded scores, as far apart for each rate in standard deviations


@dataclass(frozen=True, eq=False)
class Rates:
    """The distribution of the true rates of K items, ``mass`` [G] at each ``probability`` [G], ascending.

    Items with as many trials and as many right ones are alike: ``weight`` [U] counts those of each kind,
    ``kind`` [K] is that of each item, and ``posterior`` [U, G] what each kind says of the rate.
    """

    places: Floats
    mass: Floats
    weight: Floats
    kind: Integers
    posterior: Floats

    @cached_property
    def probability(self) -> Floats:
        """The rates [G] of the grid."""
        return np.asarray(special.ndtr(self.places))

    @cached_property
    def population(self) -> Floats:
        """The distribution [G] of the items themselves: the mean of their posteriors."""
        return np.asarray(self.weight @ self.posterior / self.weight.sum())

    @cached_property
    def expected(self) -> Floats:
        """The posterior mean of the rate of each item, [K]."""
        return np.asarray((self.posterior @ self.probability)[self.kind])

    def tail(self, fraction: float, side: Side) -> Floats:
        """The share [G] of the items at each point that is among the easiest or hardest ``fraction``."""
        check_within("fraction", fraction, "(0, 1]")
        return shares_of_tail(self.population, fraction, side)

    def band(self, low: float, high: float) -> Floats:
        """The share [G] of each point of the grid, taken as the cell around it, with a rate in the band."""
        middle = (self.places[1:] + self.places[:-1]) / 2
        edges = np.concatenate([[-np.inf], middle, [np.inf]])
        step = self.places[1] - self.places[0]
        ends = np.clip(special.ndtri([low, high]), self.places[0] - step / 2, self.places[-1] + step / 2)
        low_at, high_at = np.where([low > 0, high < 1], ends, [-np.inf, np.inf])
        finite = np.clip(edges, self.places[0] - step / 2, self.places[-1] + step / 2)
        inside = np.minimum(finite[1:], high_at) - np.maximum(finite[:-1], low_at)
        return np.asarray(np.clip(inside / np.diff(finite), 0, 1))

    def belongs(self, fraction: float, side: Side) -> Floats:
        """The probability [K] of each item to be among the truly easiest or hardest ``fraction``."""
        return np.clip(self.posterior @ self.tail(fraction, side), 0, 1)[self.kind]

    def between(self, low: float, high: float) -> Floats:
        """The probability [K] that the true rate of each item lies in [low, high]."""
        return np.clip(self.posterior @ self.band(low, high), 0, 1)[self.kind]


def fit_rates(trials: Floats, right: Floats) -> Rates:
    """Fit the distribution of the true rates to K items, of which item i has ``trials[i]``.

    The fit is that of `fit_each`, to binomials of unequal numbers: two normals of the probit of the rate, of
    few trials a beta distribution, then a free mass at each point of a grid. It counts as K items beside 30
    of the likeliest beta distribution, since few items have spikes by chance. How many trials an item has may
    depend on those that came before, as where rollouts go on until something is known. It must not depend on
    what else tells of the rate: where hard items have more by design, rates are off by 0.05 on average.

    Args:
        trials: how many trials each item has [K], above 0; fractions are allowed.
        right: how many of them are right [K], in 0..trials; fractions are allowed, as sums of scores are.
    """
    kinds, kind, weight = _kinds(trials, right)
    points = _FINE_POINTS if kinds[:, 0].max() > _MANY else _POINTS
    places = grid_places(points)
    likelihood = likelihoods(kinds[:, 0], kinds[:, 1], places)
    usual = float(np.average(kinds[:, 0], weights=weight))
    steps = max(int(_STEPS / max(usual, 1)), _FEWEST_STEPS)
    observed = (weight / weight.sum())[None, :, None]
    counts = [(kinds[:, 1] + 0.5) / (kinds[:, 0] + 1), np.full(1, 0.5)]
    fit = MassFit(observed, [likelihood, np.ones((1, 1))], counts, steps)
    beta = _beta(kinds, weight, usual, places)
    mass = fit.free(beta[None, :, None] if usual < _FEW else two_normals(fit, ends=True))[0, :, 0]
    for end, none in ((0, kinds[:, 1]), (-1, kinds[:, 0] - kinds[:, 1])):
        if not none.any():  # all trials of all items agree
            mass = np.eye(points)[end]
    smooth_share = _SMOOTH_ITEMS / (_SMOOTH_ITEMS + len(trials))
    mass = (1 - smooth_share) * mass / mass.sum() + smooth_share * beta
    joint = likelihood * mass
    posterior = ratio(joint, joint.sum(axis=1, keepdims=True))
    return Rates(places, mass, weight, kind, posterior)


def _beta(kinds: Floats, weight: Floats, usual: float, places: Floats) -> Floats:
    """The masses [G] of the likeliest beta distribution: few trials, or items, tell no more than two numbers.

    Beside those, half an item is hard and half an item easy, of ``usual`` trials: few may look all alike.
    """
    trials, right = np.concatenate([kinds, usual * np.array([[1, 0.1], [1, 0.9]])]).T
    weight = np.append(weight, [0.5, 0.5])

    def loss(logs: Floats) -> float:
        a, b = np.exp(logs)
        return -float(
            weight @ (special.betaln(right + a, trials - right + b) - special.betaln(a, b))
        ) / float(weight.sum())

    a, b = np.exp(optimize.minimize(loss, np.zeros(2), bounds=[_LOGS_OF_BETA] * 2).x)
    edges = special.ndtr(np.concatenate([[-np.inf], (places[1:] + places[:-1]) / 2, [np.inf]]))
    return np.asarray(np.diff(special.betainc(a, b, edges)))


def _kinds(trials: Floats, right: Floats) -> tuple[Floats, Integers, Floats]:
    """The unlike pairs [U, 2] of trials and right ones by rate, the pair of each item, and their weights."""
    pairs = np.stack([trials, right], axis=1)
    kinds, kind, weight = np.unique(pairs, axis=0, return_inverse=True, return_counts=True)
    if len(kinds) > _MOST_UNLIKE:
        angles = np.rint(np.arcsin(np.sqrt(right / trials)) / (np.pi / 2) * _LEVELS)
        levels = trials * np.sin(angles / _LEVELS * (np.pi / 2)) ** 2
        pairs = np.stack([trials, levels], axis=1)
        kinds, kind, weight = np.unique(pairs, axis=0, return_inverse=True, return_counts=True)
    order = np.argsort((kinds[:, 1] + 0.5) / (kinds[:, 0] + 1), kind="stable")
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    return kinds[order], place[kind.reshape(-1)], weight[order].astype(np.float64)


def likelihoods(trials: Floats, right: Floats, places: Floats) -> Floats:
    """The likelihood [U, G] of each rate on the grid where ``right`` of ``trials`` are right; at most 1."""
    logs = right[:, None] * special.log_ndtr(places) + (trials - right)[:, None] * special.log_ndtr(-places)
    return np.asarray(np.exp(logs - logs.max(axis=1, keepdims=True)))
