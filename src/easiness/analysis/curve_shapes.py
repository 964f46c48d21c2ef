"""How accuracy may rise with the number of examples seen, and what noisy points of it leave of that.

Two families of curves, each with two numbers for its shape on a grid and one that it is linear in:

- an inverse power law, ``top - rise * n^-c``, as held-out error falls where much has been learned (Cortes et
  al. 1993, Hestness et al. 2017);
- an S in log n, ``chance + rise / (1 + (n0 / n)^c)``, which begins at chance, as few examples do.

Each point on a grid has the probability that the points of the curve leave it, so that what they do not tell
apart widens the interval.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import logsumexp, ndtr, ndtri

_Floats = npt.NDArray[np.float64]

_POWERS = np.geomspace(0.06, 2.0, 36)
_USUAL = {"power": (0.5, 0.6), "s": (1.2, 0.8)}  # median of c, and the spread of its logarithm
_TOPS, _MIDDLES = 63, 60  # of each family's other number
_STEPS = 15  # quantiles that stand for what a shape leaves open
_LEAST = 1e-7  # of the largest weight: shapes below are out of the question


@dataclass(frozen=True, eq=False)
class Shapes:
    """Curves ``base + rise * form``, of which only the rise in 0..most is not known yet.

    ``form`` [G, n] is at each of n numbers of examples, ``base`` and ``most`` [G]; ``log_prior`` [G] sums,
    without its logarithm, to 1.
    """

    base: _Floats
    form: _Floats
    most: _Floats
    log_prior: _Floats


def shapes(log_num: _Floats, chance: float, best: float) -> list[Shapes]:
    """Both families at numbers of examples whose logarithms are ``log_num`` [n].

    Args:
        log_num: the first is where rises are counted from.
        chance: accuracy of those who have seen nothing.
        best: the largest accuracy that was seen.
    """
    tops, powers = _grid(1 - np.linspace(0, 1.05, _TOPS) * (1 - best), _POWERS)
    falls = -np.exp(-powers[:, None] * (log_num - log_num[0]))
    law = Shapes(tops, falls, tops, _prior(powers, "power"))
    middles, powers = _grid(np.linspace(log_num[0] - 4, log_num[-1] + 3, _MIDDLES), _POWERS)
    rises = 1 / (1 + np.exp(-powers[:, None] * (log_num - middles[:, None])))
    most = np.full(len(powers), 1 - chance)
    return [law, Shapes(np.full(len(powers), chance), rises, most, _prior(powers, "s"))]


def _grid(first: _Floats, second: _Floats) -> tuple[_Floats, _Floats]:
    a, b = np.meshgrid(first, second, indexing="ij")
    return a.ravel(), b.ravel()


def _prior(powers: _Floats, family: str) -> _Floats:
    """The logarithm of the prior of each shape; c is spaced evenly in its logarithm."""
    median, spread = _USUAL[family]
    raw = -0.5 * (np.log(powers / median) / spread) ** 2
    return np.asarray(raw - logsumexp(raw) - np.log(len(_USUAL)))


def quantiles_ahead(
    log_num: _Floats, accuracy: _Floats, covariance: _Floats, ahead: _Floats, chance: float, at: _Floats
) -> _Floats:
    """Quantiles ``at`` [q] of the accuracy at numbers of examples ``ahead``, [targets, q].

    Args:
        log_num: logarithms of the numbers of examples seen [n], ascending.
        accuracy: there [n].
        covariance: of its errors [n, n].
        ahead: logarithms of other numbers of examples [targets].
        chance: accuracy of those who have seen nothing.
        at: in (0, 1).
    """
    num = len(log_num)
    both = shapes(np.concatenate([log_num, ahead]), chance, float(accuracy.max()))
    left = [_left_of(one, accuracy, covariance) for one in both]
    log_weight = np.concatenate([weight for weight, _ in left])
    weight = np.exp(log_weight - log_weight.max())
    kept = weight > _LEAST
    rise = np.concatenate([rises for _, rises in left])[kept]
    base = np.concatenate([one.base for one in both])[kept]
    form = np.concatenate([one.form[:, num:] for one in both])[kept]
    values = base[:, None, None] + form[:, :, None] * rise[:, None, :]
    each = np.repeat(weight[kept], _STEPS)
    return np.array([_weighted(values[:, target].ravel(), each, at) for target in range(len(ahead))])


def _left_of(of: Shapes, accuracy: _Floats, covariance: _Floats) -> tuple[_Floats, _Floats]:
    """The logarithm of each shape's weight [G], and its rises [G, steps], equally probable, given the points.

    Errors are normal and the rise is as probable anywhere in its range before: it is then normal, cut there.
    """
    num = len(accuracy)
    root = np.linalg.cholesky(covariance)
    form = np.linalg.solve(root, of.form[:, :num].T)
    over = np.linalg.solve(root, (accuracy - of.base[:, None]).T)
    inner, square = (form * over).sum(axis=0), np.square(form).sum(axis=0)
    mean, spread = inner / square, square**-0.5
    low, high = ndtr(-mean / spread), ndtr((of.most - mean) / spread)
    inside = np.maximum(high - low, 1e-300)
    misfit = np.square(over).sum(axis=0) - inner**2 / square
    weight = of.log_prior - misfit / 2 + np.log(inside * spread / of.most)
    steps = low[:, None] + (np.arange(_STEPS) + 0.5) / _STEPS * (high - low)[:, None]
    rise = mean[:, None] + spread[:, None] * ndtri(np.clip(steps, 1e-12, 1 - 1e-12))
    return weight, np.clip(rise, 0, of.most[:, None])


def _weighted(values: _Floats, weight: _Floats, at: _Floats) -> _Floats:
    order = np.argsort(values, kind="stable")
    below = np.cumsum(weight[order])
    return np.asarray(np.interp(at, (below - weight[order] / 2) / below[-1], values[order]))
