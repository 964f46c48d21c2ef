"""Matching rates as overlaps of two normals: for rates that were recorded without their trials."""

from __future__ import annotations

import numpy as np

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(48)
_HALVINGS = 40  # of an interval of length pi: 3e-12 is left


def without_noise(m_ab, m_aa, m_bb, fraction):
    """The match of two sets without noise, from theirs and those of each with itself (Spearman 1904).

    Each rate becomes the correlation of two normals; r* = r_ab / sqrt(r_aa r_bb) becomes a rate again. NaN
    where one of the sets does not repeat above chance.
    """
    r_ab, r_aa, r_bb = (correlation_of(rate, fraction, fraction) for rate in (m_ab, m_aa, m_bb))
    above = (r_aa > 0) & (r_bb > 0)
    return rate_of(np.clip(r_ab / np.sqrt(np.where(above, r_aa * r_bb, np.nan)), -1, 1), fraction)


def overlap(correlation, f_a, f_b):
    """Probability that X and Y both lie in their upper parts, of probabilities ``f_a`` and ``f_b``.

    X and Y are standard normal with this ``correlation`` in [-1, 1]. The derivative of the probability by
    the correlation is the density at the two cuts (Plackett 1954); it is integrated over the arcsine, in
    which it is smooth. Arguments broadcast against each other; fractions are in (0, 1).
    """
    from scipy.special import ndtri

    r, f_a, f_b = (np.asarray(one, np.float64) for one in (correlation, f_a, f_b))
    both = _overlap(np.arcsin(r), f_a, f_b, -ndtri(f_a), -ndtri(f_b))
    # exact at the ends, where the integral is good to 1e-5
    both = np.where(r == 1, np.minimum(f_a, f_b), both)
    return np.where(r == -1, np.maximum(f_a + f_b - 1, 0), both)


def _overlap(angle, f_a, f_b, cut_a, cut_b):
    half = angle[..., None] / 2
    sin = np.sin(half * (1 + _NODES))
    a, b = cut_a[..., None], cut_b[..., None]
    # (a^2 + b^2 - 2 a b s) / (2 (1 - s^2)), written so that nothing is lost where s nears 1 and a is b
    exponent = (a - b) ** 2 / (2 * np.maximum(1 - sin**2, 1e-300)) + a * b / (1 + sin)
    integral = (np.exp(-exponent) * _WEIGHTS).sum(axis=-1) * half[..., 0]
    return np.clip(f_a * f_b + integral / (2 * np.pi), 0, np.minimum(f_a, f_b))


def rate_of(correlation, fraction):
    """The matching rate, in [0, 1], of the upper ``fraction`` of two normals with this correlation.

    ``fraction`` at a correlation of 0 and 1 at 1; NaN at fraction 1, where there is no choice.
    """
    if fraction >= 1:
        return np.full(np.shape(correlation), np.nan)
    return overlap(correlation, fraction, fraction) / fraction


def correlation_of(rate, f_a, f_b):
    """The correlation of the bivariate normal whose upper parts overlap in ``rate`` of the larger one.

    0 where the rate is that of independent sets, 1 where one set holds the other, -1 where they are as
    far apart as can be; NaN for an undefined rate or a fraction outside (0, 1). Arguments broadcast.
    """
    from scipy.special import ndtri

    rate, f_a, f_b = np.broadcast_arrays(*(np.asarray(one, np.float64) for one in (rate, f_a, f_b)))
    defined = ~np.isnan(rate) & (f_a > 0) & (f_a < 1) & (f_b > 0) & (f_b < 1)
    f_a, f_b = np.where(defined, f_a, 0.5), np.where(defined, f_b, 0.5)
    joint = np.where(defined, rate, 0.5) * np.maximum(f_a, f_b)
    cut_a, cut_b = -ndtri(f_a), -ndtri(f_b)
    low, high = np.full(rate.shape, -np.pi / 2), np.full(rate.shape, np.pi / 2)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        below = _overlap(middle, f_a, f_b, cut_a, cut_b) < joint
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return np.where(defined, np.sin((low + high) / 2), np.nan)
