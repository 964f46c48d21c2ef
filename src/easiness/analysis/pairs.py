"""Mean distance over the pairs of a set, and what it would be in sets drawn from it anew."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

_Floats = npt.NDArray[np.float64]


def mean_distance(distances: _Floats) -> float:
    """Mean over the pairs of two different examples, from distances [n, n] that are 0 on the diagonal."""
    num = len(distances)
    return float(distances.sum()) / (num * (num - 1))


def draws(num: int, replicates: int, rng: np.random.Generator) -> _Floats:
    """The number of times that each of ``num`` >= 2 examples is in each of the sets drawn anew: [R, n].

    A set of one example alone has no distance; the original set stands for it.
    """
    drawn = rng.multinomial(num, np.full(num, 1 / num), size=replicates).astype(np.float64)
    drawn[(drawn > 0).sum(axis=1) == 1] = 1
    return drawn


def resampled_means(distances: _Floats, drawn: _Floats) -> _Floats:
    """`mean_distance` of each of the sets ``drawn`` [R, n]; an example is not paired with itself."""
    totals = ((drawn @ distances) * drawn).sum(axis=1)
    pairs = drawn.sum(axis=1) ** 2 - (drawn**2).sum(axis=1)
    means: _Floats = totals / pairs
    return means
