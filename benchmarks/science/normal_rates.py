"""Matching rates as overlaps of two normals: for rates that were recorded without their trials."""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy.integrate import cumulative_trapezoid
from scipy.special import ndtri


@cache
def _curve(fraction):
    """Correlations of two standard normals, and how much of their upper ``fraction`` they have in common.

    The derivative of the probability that both lie there by the correlation is the density at the cuts
    (Plackett 1954); it is integrated over the arcsine, in which it is smooth.
    """
    angle = np.linspace(-np.pi / 2, np.pi / 2, 20_001)
    density = np.exp(-(ndtri(fraction) ** 2) / np.maximum(1 + np.sin(angle), 1e-300)) / (2 * np.pi)
    return np.sin(angle), cumulative_trapezoid(density, angle, initial=0) / fraction


def rate_of(correlation, fraction):
    """The matching rate of the upper ``fraction``, at most one half, of two normals with this correlation."""
    return np.interp(correlation, *_curve(fraction))


def correlation_of(rate, fraction):
    """The correlation of two normals whose upper ``fraction`` match at this rate."""
    return np.interp(rate, *_curve(fraction)[::-1])


def without_noise(m_ab, m_aa, m_bb, fraction):
    """The match of two sets without noise, from theirs and those of each with itself (Spearman 1904).

    Each rate becomes the correlation of two normals; r* = r_ab / sqrt(r_aa r_bb) becomes a rate again. NaN
    where one of the sets does not repeat above chance.
    """
    r_ab, r_aa, r_bb = (correlation_of(rate, fraction) for rate in (m_ab, m_aa, m_bb))
    above = (r_aa > 0) & (r_bb > 0)
    return rate_of(np.clip(r_ab / np.sqrt(np.where(above, r_aa * r_bb, np.nan)), -1, 1), fraction)
