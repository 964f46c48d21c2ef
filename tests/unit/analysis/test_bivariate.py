"""Correlations and overlaps of a bivariate normal, against an independent integration."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy.stats import multivariate_normal, norm

from easiness.analysis.bivariate import correlation_of, overlap, rate_of

CORRELATIONS = (-0.99, -0.7, -0.2, 0.0, 0.1, 0.5, 0.9, 0.995)
FRACTIONS = (
    (0.1, 0.1),
    (0.05, 0.05),
    (0.01, 0.01),
    (0.3, 0.3),
    (0.5, 0.5),
    (0.1, 0.2),
    (0.02, 0.4),
    (0.9, 0.3),
)

fractions = st.floats(0.01, 0.99)


@pytest.mark.parametrize(("f_a", "f_b"), FRACTIONS)
def test_overlap_is_the_bivariate_normal_probability(f_a: float, f_b: float) -> None:
    for r in CORRELATIONS:
        both = multivariate_normal(cov=[[1, r], [r, 1]]).cdf([norm.ppf(f_a), norm.ppf(f_b)])
        assert overlap(r, f_a, f_b) == pytest.approx(both, abs=1e-7)


def test_the_orthant_has_a_closed_form() -> None:
    """P(X > 0, Y > 0) = 1/4 + arcsin(r) / (2 pi) (Sheppard 1899)."""
    r = np.linspace(-1, 1, 21)
    np.testing.assert_allclose(overlap(r, 0.5, 0.5), 0.25 + np.arcsin(r) / (2 * np.pi), atol=1e-12)


@pytest.mark.parametrize("fraction", [0.01, 0.1, 0.3, 0.5])
def test_independent_sets_overlap_by_chance_and_equal_ones_wholly(fraction: float) -> None:
    assert rate_of([0, 1, -1], fraction)[1:].tolist() == [1, 0]
    assert rate_of(0, fraction) == pytest.approx(fraction)
    np.testing.assert_allclose(correlation_of([fraction, 1], fraction, fraction), [0, 1], atol=1e-6)


def test_opposite_sets_of_more_than_half_still_overlap() -> None:
    assert rate_of(-1, 0.8) == pytest.approx(0.6 / 0.8, abs=1e-6)
    assert correlation_of(0.5, 0.8, 0.8) == pytest.approx(-1)  # less than there can be


@pytest.mark.parametrize(("f_a", "f_b"), FRACTIONS)
def test_the_correlation_that_was_put_in_is_found_again(f_a: float, f_b: float) -> None:
    r = np.array(CORRELATIONS[1:])
    rate = overlap(r, f_a, f_b) / max(f_a, f_b)
    # where the rate is all but flat in the correlation, no more of it can be found than the rate holds
    told = np.abs(np.gradient(rate, r)) > 1e-4
    np.testing.assert_allclose(correlation_of(rate, f_a, f_b)[told], r[told], atol=1e-6)
    assert told.sum() >= 4


def test_a_set_inside_a_larger_one_correlates_as_far_as_can_be() -> None:
    """The rate is of the larger set: 0.1 inside 0.2 gives one half at most."""
    assert overlap(1, 0.1, 0.2) == pytest.approx(0.1)
    assert correlation_of(0.5, 0.1, 0.2) == pytest.approx(1, abs=0.05)
    assert correlation_of(0.6, 0.1, 0.2) == pytest.approx(1)


def test_what_has_no_correlation_is_nan_and_the_rest_of_the_array_is_not() -> None:
    found = correlation_of([math.nan, 0.5, 0.5, 0.5, 0.1], [0.1, 0.0, 1.0, math.nan, 0.1], 0.1)
    assert np.isnan(found).tolist() == [True, True, True, True, False]
    assert found[4] == pytest.approx(0, abs=1e-9)


def test_arguments_broadcast() -> None:
    r, f = np.array([[0.2], [0.8]]), np.array([0.1, 0.2, 0.3])
    both = overlap(r, f, f)
    assert both.shape == (2, 3)
    for i, j in itertools.product(range(2), range(3)):
        assert both[i, j] == overlap(r[i, 0], f[j], f[j])
    assert correlation_of(both / f, f, f).shape == (2, 3)


@settings(deadline=None)
@given(st.lists(st.floats(-1, 1), min_size=2, max_size=20, unique=True), fractions, fractions)
def test_the_overlap_grows_with_the_correlation_within_its_bounds(
    correlations: list[float], f_a: float, f_b: float
) -> None:
    both = overlap(np.sort(correlations), f_a, f_b)
    assert (np.diff(both) >= -2e-5).all()
    assert both.min() >= max(f_a + f_b - 1, 0) - 2e-5  # so far 48 nodes see a narrow peak
    assert both.max() <= min(f_a, f_b)


@settings(deadline=None)
@given(st.floats(-1, 1), fractions, fractions)
def test_which_of_the_two_comes_first_does_not_matter(r: float, f_a: float, f_b: float) -> None:
    assert overlap(r, f_a, f_b) == pytest.approx(overlap(r, f_b, f_a), abs=1e-12)


@settings(deadline=None)
@given(st.lists(st.floats(0, 1), min_size=2, max_size=10, unique=True), fractions)
def test_the_correlation_grows_with_the_rate(rates: list[float], fraction: float) -> None:
    found = correlation_of(np.sort(rates), fraction, fraction)
    assert (np.diff(found) >= 0).all()
    assert np.abs(found).max() <= 1
