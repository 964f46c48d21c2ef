"""The matching rate by Eq. 2 from membership weights, which that of groups is held to."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from easiness.analysis import Match


def _size(weights: npt.NDArray[np.float64]) -> float:
    return round(float(weights.sum()), 6)  # equal shares of k add up to k but for rounding


def overlap_rate(w_a: npt.NDArray[np.float64], w_b: npt.NDArray[np.float64]) -> float:
    """Eq. 2 for membership weights [K]: sum(w_a * w_b) / max(sum(w_a), sum(w_b)); NaN if a set is empty.

    Under ``expected`` both sums are k, and this is the expected overlap of sets whose ties are broken
    at random and independently; under ``strict`` and ``refine`` it is |A and B| / max(|A|, |B|).
    """
    return _rate(w_a, w_b, (_size(w_a), _size(w_b)))


def _rate(w_a: npt.NDArray[np.float64], w_b: npt.NDArray[np.float64], sizes: tuple[float, float]) -> float:
    # not w_a @ w_b, whose threads wait for each other where other processes run
    return float(np.einsum("k,k", w_a, w_b)) / max(sizes) if min(sizes) > 0 else math.nan


def match_weights(
    w_a: npt.NDArray[np.float64],
    w_b: npt.NDArray[np.float64],
    labels: npt.NDArray[np.integer[Any]] | None = None,
    tie_mass: tuple[float, float] = (0.0, 0.0),
) -> Match:
    """Match two selections [K] made by `select` with one policy and fraction.

    The class chance is sum_c W_A(c) W_B(c) / n_c over the larger size, W(c) the weight in class c of n_c.
    """
    sizes = _size(w_a), _size(w_b)
    class_chance = None
    if labels is not None:
        per_class = np.bincount(labels)
        together = np.bincount(labels, w_a) * np.bincount(labels, w_b)
        present = per_class > 0
        total = float((together[present] / per_class[present]).sum())
        class_chance = total / max(sizes) if min(sizes) > 0 else math.nan
    return Match(
        rate=_rate(w_a, w_b, sizes),
        tie_mass=tie_mass,
        chance=min(sizes) / len(w_a),
        class_chance=class_chance,
        sizes=sizes,
    )
