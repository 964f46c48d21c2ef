"""Memberships add up, follow the count, and come true where the truth is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from easiness.analysis import membership
from easiness.analysis.mixing import fit_mixing

fractions = st.floats(0.01, 1)
RELAXED = settings(deadline=None, max_examples=40)


@st.composite
def counted(draw: st.DrawFn) -> tuple[np.ndarray, int]:
    """Counts of a few examples, and of how many trials."""
    num_trials = draw(st.integers(1, 30))
    counts = draw(st.lists(st.integers(0, num_trials), min_size=1, max_size=40))
    return np.array(counts), num_trials


@RELAXED
@given(counted(), fractions)
def test_they_sum_to_as_many_as_there_are_places(drawn: tuple[np.ndarray, int], fraction: float) -> None:
    counts, num_trials = drawn
    found = membership(counts, num_trials, fraction)
    for p in (found.p_easy, found.p_hard):
        assert p.sum() == pytest.approx(fraction * len(counts), rel=1e-9)
        assert p.min() >= 0
        assert p.max() <= 1
    assert found.expected.mean() == pytest.approx(counts.mean() / num_trials, abs=0.01)


@RELAXED
@given(counted())
def test_what_is_fitted_is_a_distribution(drawn: tuple[np.ndarray, int]) -> None:
    mixing = fit_mixing(*drawn)
    for mass in (mixing.mass, mixing.population, *mixing.posterior):
        assert mass.min() >= 0
        assert mass.sum() == pytest.approx(1, abs=1e-9)


@RELAXED
@given(counted(), fractions)
def test_more_often_right_is_easier(drawn: tuple[np.ndarray, int], fraction: float) -> None:
    counts, num_trials = drawn
    found = membership(counts, num_trials, fraction)
    order = np.argsort(counts, kind="stable")
    assert (np.diff(found.p_hard[order]) <= 1e-9).all()
    assert (np.diff(found.p_easy[order]) >= -1e-9).all()
    assert (np.diff(found.expected[order]) >= -1e-9).all()
    for values in (found.p_easy, found.p_hard, found.expected):
        assert len(np.unique(values)) <= len(np.unique(counts))


@RELAXED
@given(counted(), fractions)
def test_wrong_is_the_mirror_of_right(drawn: tuple[np.ndarray, int], fraction: float) -> None:
    counts, num_trials = drawn
    found = membership(counts, num_trials, fraction)
    mirrored = membership(num_trials - counts, num_trials, fraction)
    np.testing.assert_allclose(found.p_easy, mirrored.p_hard, atol=1e-7)
    np.testing.assert_allclose(found.p_hard, mirrored.p_easy, atol=1e-7)
    np.testing.assert_allclose(found.expected, 1 - mirrored.expected, atol=1e-7)


@RELAXED
@given(counted(), st.integers(0, 100))
def test_the_order_of_the_examples_does_not_matter(drawn: tuple[np.ndarray, int], seed: int) -> None:
    counts, num_trials = drawn
    order = np.random.default_rng(seed).permutation(len(counts))
    one, other = membership(counts, num_trials), membership(counts[order], num_trials)
    assert np.array_equal(one.p_hard[order], other.p_hard)


DISTRIBUTIONS = {
    "even": lambda rng, num: rng.uniform(size=num),
    "middling": lambda rng, num: rng.beta(3, 3, num),
    "mostly right": lambda rng, num: rng.beta(5, 1, num),
    "mostly wrong": lambda rng, num: rng.beta(1, 4, num),
    "two ends": lambda rng, num: rng.beta(0.4, 0.4, num),
    "logistic": lambda rng, num: 1 / (1 + np.exp(-rng.normal(0.5, 2, num))),
}


@pytest.mark.parametrize("num_trials", [10, 20, 40])
@pytest.mark.parametrize("name", list(DISTRIBUTIONS))
def test_they_come_true(name: str, num_trials: int) -> None:
    """Of those called hard with 30 to 40 %, so many truly are: within 0.03 where there are a thousand.

    Eight runs of 10,000 examples; the bins of both sides.
    """
    num, num_runs, fraction = 10_000, 8, 0.1
    size, said, came = np.zeros((2, 10)), np.zeros((2, 10)), np.zeros((2, 10))
    for seed in range(num_runs):
        rng = np.random.default_rng((seed, num_trials))
        p = DISTRIBUTIONS[name](rng, num)
        counts = rng.binomial(num_trials, p)
        found = membership(counts, num_trials, fraction)
        order, k = np.argsort(p), round(fraction * num)
        for side, predicted, members in ((0, found.p_hard, order[:k]), (1, found.p_easy, order[-k:])):
            inside = np.zeros(num)
            inside[members] = 1
            bins = np.minimum((10 * predicted).astype(int), 9)
            for total, values in ((size, None), (said, predicted), (came, inside)):
                total[side] += np.bincount(bins, values, minlength=10)
        assert abs((found.expected - p).mean()) < 0.01
        as_counted = ((counts / num_trials - p) ** 2).mean()
        assert ((found.expected - p) ** 2).mean() < as_counted
    enough = size >= 1000
    assert enough.sum() >= 4
    np.testing.assert_allclose(said[enough] / size[enough], came[enough] / size[enough], atol=0.03)
