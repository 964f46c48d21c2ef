"""The distribution of the probability to be right over the examples, and what it says of each one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from easiness.analysis.sides import Side
from easiness.lazy import Floats, Integers, Reals, special

_FARTHEST = 4.5  # of the grid, in standard deviations of a trial's noise: there one in 300,000 trials errs
POINTS_OF_TWO = 61
"""Points of the grid of each of two runs."""

_SMOOTH_STEPS = 150  # of EM for two normals
_FREE_STEPS = 1000  # of EM for a mass at each point, over the trials: what follows fits noise with spikes
_NARROWEST = 0.02  # variance of a normal: less is one point of the grid
_OF_AN_END = 0.05  # weight of each end of the grid to begin with, beside 0.5 of each normal
_STRAIGHTEST = 0.99  # correlation of a normal: more is one line of points
_TINY = 1e-300
_LOWEST = {4: -80, 8: -300}  # of logarithms of masses, by bytes of a number
MOST_LEVELS = 128  # of counts of two runs that are told apart: about one standard deviation of 1,500 trials
_PLACES = (0.07, 0.93)  # shares of the examples at which the two normals begin


def binomial(num_trials: int, probability: Floats) -> Floats:
    """Probability [N + 1, G] of 0..N successes in N trials of each ``probability`` [G]."""
    count = np.arange(num_trials + 1)[:, None]
    ways = (
        special.gammaln(num_trials + 1) - special.gammaln(count + 1) - special.gammaln(num_trials - count + 1)
    )
    return np.asarray(
        np.exp(ways + special.xlogy(count, probability) + special.xlog1py(num_trials - count, -probability))
    )


def shares_of_tail(mass: Floats, fraction: float, side: Side) -> Floats:
    """The share [G], in 0..1, of each of the ordered masses [G] that lies in the outer ``fraction``.

    The masses sum to 1: the last ones make the easy side, the first ones the hard side; one lies at the cut.
    """
    if side == "easy":
        return shares_of_tail(mass[::-1], fraction, "hard")[::-1]
    before = np.cumsum(mass) - mass
    room = np.clip(fraction - before, 0, mass)
    return np.asarray(np.divide(room, mass, out=np.zeros_like(mass), where=mass > 0))


def fit_tallies(tallies: Sequence[Floats], points: int) -> list[Floats]:
    """`fit_each` of each of several tallies; those of one shape are fitted in one go, and kept a while."""
    by_place: dict[int, Floats] = {}
    for shape in {tally.shape for tally in tallies}:
        places = [at for at, tally in enumerate(tallies) if tally.shape == shape]
        results = _fit_alike(tuple(tallies[at].tobytes() for at in places), shape, points)
        by_place |= dict(zip(places, results, strict=True))
    return [by_place[at] for at in range(len(tallies))]


@lru_cache(maxsize=256)  # both sides of sets by counts have the same, and so do membership and forecast
def _fit_alike(tallies: tuple[bytes, ...], shape: tuple[int, ...], points: int) -> Floats:
    return fit_each(np.stack([np.frombuffer(tally).reshape(shape) for tally in tallies]), points)


def fit_each(tallies: Floats, points: int = POINTS_OF_TWO) -> Floats:
    """Masses [B, G, 1] or [B, G, G] of the probabilities to be right in one run, or in two, by B tallies.

    A probability is that of a standard normal to lie below a place, and the places are on a grid of so many
    ``points``. First the distribution over the places is a mixture of two normals, fitted by EM: smooth, yet
    with tails and groups. Then EM goes on for some steps with a free mass at each point (Laird 1978), towards
    the nonparametric maximum likelihood (Kiefer and Wolfowitz 1956), and moves what the counts can tell.

    A tally has the numbers of examples right in 0..N of N trials [N + 1, 1], or those right in 0..N trials of
    one run and 0..M of another [N + 1, M + 1].
    """
    fit = MassFit.of(tallies, points)
    masses = fit.free(two_normals(fit))
    if tallies.shape[2] == 1:
        for end in (0, -1):  # of the counts, where all trials agree on every example
            masses[tallies[:, end, 0] == tallies.sum(axis=(1, 2))] = np.eye(points)[:, [end]]
    return masses


@dataclass(frozen=True, eq=False)
class MassFit:
    """Mixture to fit: the shares of the examples with each count, and how likely each point makes a count.

    ``observed`` [B, N + 1, M + 1] are B tables that are fitted side by side. ``counts`` [N + 1] and [M + 1]
    are the share that each count is of the trials. Where two runs have very many trials, counts that tell the
    same are taken together.
    """

    observed: Reals
    likelihoods: Sequence[Reals]
    counts: list[Floats]
    num_steps: int

    @classmethod
    def of(cls, tallies: Floats, points: int) -> MassFit:
        numbers = [size - 1 for size in tallies.shape[1:]]
        likelihoods = [binomial(num, _probabilities(points)) if num else np.ones((1, 1)) for num in numbers]
        counts = [(np.arange(num + 1) + 0.5) / (num + 1) for num in numbers]
        observed = tallies / tallies.sum(axis=(1, 2), keepdims=True)
        if numbers[1]:
            for run, num in enumerate(numbers):
                if num >= MOST_LEVELS:
                    starts = level_starts(num)
                    observed = np.add.reduceat(observed, starts, axis=1 + run)
                    likelihoods[run] = np.add.reduceat(likelihoods[run], starts)
                    counts[run] = np.add.reduceat(counts[run], starts) / np.diff(starts, append=num + 1)
        return cls(observed, likelihoods, counts, _FREE_STEPS // sum(numbers))

    def roughly(self) -> MassFit:
        """The same in single precision."""
        single = [one.astype(np.float32) for one in self.likelihoods]
        return replace(self, observed=self.observed.astype(np.float32), likelihoods=single)

    def starts(self) -> Floats:
        """The places [2, B, 2] where the two normals begin, of each run and table."""
        margins = [[one.sum(axis=1 - run) for one in self.observed] for run in (0, 1)]
        return np.array([[begin(one, self.counts[run]) for one in margins[run]] for run in (0, 1)])

    def expected(self, mass: Floats) -> Floats:
        """The shares of the examples that should have each count."""
        ours, theirs = self.likelihoods
        return ours @ mass @ theirs.T

    def gain(self, mass: Floats) -> Floats:
        """Factors by which a step of EM multiplies each mass."""
        ours, theirs = self.likelihoods
        return np.asarray(ours.T @ ratio(self.observed, self.expected(mass)) @ theirs)

    def free(self, mass: Floats) -> Floats:
        for _ in range(self.num_steps):
            mass = mass * self.gain(mass)
        return mass

    def log_likelihood(self, mass: Floats) -> float:
        """Log likelihood of the counts of a single table, per example."""
        return float((self.observed * np.log(np.maximum(self.expected(mass), _TINY))).sum())


def level_starts(num: int) -> Integers:
    """The first of the counts 0..N in each of the levels that tell apart what N trials tell apart."""
    angles = np.arcsin(np.sqrt(np.arange(num + 1) / num)) / (np.pi / 2)  # as noisy at each count
    levels = np.minimum(angles * MOST_LEVELS, MOST_LEVELS - 1).astype(np.int64)
    return np.unique(levels, return_index=True)[1]


def grid_places(num: int) -> Floats:
    """The places of a grid of so many points, in standard normals."""
    return np.linspace(-_FARTHEST, _FARTHEST, num)


def _probabilities(num: int) -> Floats:
    return np.asarray(special.ndtr(grid_places(num)))


def two_normals(fit: MassFit, *, ends: bool = False) -> Floats:
    """The masses [B, G, G] of mixtures of two normals, fitted by EM; of a single run also of both ``ends``.

    Its steps for two runs are in single precision, which takes a third of the time: what is fitted to
    hundreds of examples changes by 1e-8. A single run is quick, and may be of few examples.
    """
    of_one, num = fit.likelihoods[1].shape[1] == 1, len(fit.observed)
    rough = fit if of_one else fit.roughly()
    shape = (fit.likelihoods[0].shape[1], fit.likelihoods[1].shape[1])
    x, y = np.meshgrid(grid_places(shape[0]), np.zeros(1) if of_one else grid_places(shape[1]), indexing="ij")
    whole = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y]).reshape(6, -1)
    powers = whole.astype(rough.observed.dtype)
    lumps = np.zeros((2 if ends else 0, whole.shape[1]), powers.dtype)
    lumps[:1, 0] = lumps[1:, -1] = 1
    weight, mean = np.full((num, 2 + len(lumps)), 0.5), fit.starts()
    weight[:, 2:] = _OF_AN_END
    xx, xy, yy = (np.full((num, 2), one) for one in (0.5, 0.0 if of_one else 0.25, 0.5))
    for _ in range(_SMOOTH_STEPS):
        parts = _normals(powers, mean, xx, xy, yy, lumps)
        parts *= weight[..., None].astype(powers.dtype)
        mass = parts.sum(axis=1).reshape(num, *shape)
        parts *= rough.gain(mass).reshape(num, 1, -1)
        size, *moments = (parts @ powers.T).transpose(2, 0, 1).astype(np.float64)
        weight = size / size.sum(axis=1, keepdims=True)
        x, y, *squares = (np.array(moments) / np.maximum(size, _TINY))[..., :2]
        mean = np.array([x, y])
        xx, xy, yy = squares - np.array([x * x, x * y, y * y])
        xx, yy = np.maximum(xx, _NARROWEST), np.maximum(yy, _NARROWEST)
        most = _STRAIGHTEST * np.sqrt(xx * yy)
        xy = np.clip(xy, -most, most)
    return np.asarray(weight[:, None] @ _normals(whole, mean, xx, xy, yy, lumps)).reshape(num, *shape)


def begin(observed: Floats, counts: Floats) -> Floats:
    """The places [2] that lie in the distribution [N + 1] of ``counts`` where the normals begin."""
    if len(observed) == 1:
        return np.zeros(2)
    levels = special.ndtri(counts)
    levels[[0, -1]] *= 2  # where all trials agree an example may lie far out, and EM takes long to get there
    return np.asarray(np.interp(_PLACES, np.cumsum(observed) - observed / 2, levels))


def _normals(powers: Reals, mean: Floats, xx: Floats, xy: Floats, yy: Floats, lumps: Reals) -> Floats:
    """The masses [B, 2 + E, P] of pairs of normals, then ``lumps`` [E, P], as precise as ``powers`` [6, P].

    The means of the normals are [2, B, 2], and ``xx``, ``xy`` and ``yy`` [B, 2] their covariances.
    """
    x, y = mean
    size = xx * yy - xy**2
    a, b, c = yy / size, -xy / size, xx / size
    terms = [a * x * x + 2 * b * x * y + c * y * y, -2 * (a * x + b * y), -2 * (b * x + c * y), a, 2 * b, c]
    masses = (-0.5 * np.stack(terms, axis=-1)).astype(powers.dtype) @ powers
    # what is too small for the precision takes long to reckon with
    np.exp(np.maximum(masses, _LOWEST[masses.dtype.itemsize], out=masses), out=masses)
    masses /= masses.sum(axis=-1, keepdims=True)
    alike = np.broadcast_to(lumps, (len(masses), *lumps.shape))
    return np.concatenate([masses, alike], axis=1) if len(lumps) else np.asarray(masses)


def ratio(a: Reals, b: Reals) -> Floats:
    """a / b, and 0 where b is 0: a count that no example has may become impossible."""
    empty = np.zeros(np.broadcast_shapes(a.shape, b.shape), np.result_type(a, b, np.float32))
    return np.asarray(np.divide(a, b, out=empty, where=b > 0))
