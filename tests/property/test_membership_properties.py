"""Memberships add up, follow the count, and come true where the truth is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy.special import expit, ndtr

from easiness.analysis import membership
from lengths import long_but

fractions = st.floats(0.01, 1)
RELAXED = settings(deadline=None, max_examples=20)


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
    assert found.expected.mean() == pytest.approx(counts.mean() / num_trials, abs=0.03)


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


def grouped(share: float, easy: float, hard: float, spread: float):
    """The share of the examples that lies around ``hard``, the others around ``easy``."""

    def draw(rng: np.random.Generator, num: int) -> np.ndarray:
        return ndtr(np.where(rng.random(num) < share, hard, easy) + spread * rng.standard_normal(num))

    return draw


DISTRIBUTIONS = {
    "normal": lambda rng, num: ndtr(rng.normal(0.8, 1.2, num)),
    "skewed": lambda rng, num: ndtr(2.5 - rng.gamma(2, 1, num)),
    "heavy tails": lambda rng, num: ndtr(0.8 + 0.8 * rng.standard_t(3, num)),
    "a tenth is hard": grouped(0.1, 2.2, -0.7, 0.7),
    "7 % are hard": grouped(0.07, 2.2, -0.7, 0.7),
    "close groups": grouped(0.1, 1.5, -0.5, 0.5),
    "close groups of 7 %": grouped(0.07, 1.5, -0.5, 0.5),
    "distant groups": grouped(0.1, 3, -1, 1),
    "narrow groups": grouped(0.07, 2.5, -1.5, 0.4),
    "even": lambda rng, num: rng.uniform(size=num),
    "mostly right": lambda rng, num: rng.beta(5, 1, num),
    "two ends": lambda rng, num: rng.beta(0.4, 0.4, num),
    "logistic": lambda rng, num: expit(rng.normal(0.5, 2, num)),
}
SHORT = ("skewed", "a tenth is hard", "two ends")


@pytest.mark.parametrize(("num", "num_trials"), [(5000, 5), (1000, 10), (5000, 10), (2000, 40)])
@pytest.mark.parametrize("name", long_but(DISTRIBUTIONS, SHORT))
def test_they_come_true(name: str, num: int, num_trials: int) -> None:
    """As many of those called hard with 30 to 40 % truly are: within 0.03 in bins of 200 and counts of 200.

    The bins, and the counts, of both sides; over as many runs as 20,000 examples make.
    """
    num_runs, fraction = 20_000 // num, 0.1
    errors = np.zeros(2)
    by_bin, by_count = np.zeros((2, 3, 10)), np.zeros((2, 3, num_trials + 1))
    for seed in range(num_runs):
        rng = np.random.default_rng((seed, num_trials, num))
        p = DISTRIBUTIONS[name](rng, num)
        counts = rng.binomial(num_trials, p)
        found = membership(counts, num_trials, fraction)
        order, k = np.argsort(p), round(fraction * num)
        for side, predicted, members in ((0, found.p_hard, order[:k]), (1, found.p_easy, order[-k:])):
            inside = np.zeros(num)
            inside[members] = 1
            bins = np.minimum((10 * predicted).astype(int), 9)
            for total, values in enumerate((None, predicted, inside)):
                by_bin[side, total] += np.bincount(bins, values, minlength=10)
                by_count[side, total] += np.bincount(counts, values, minlength=num_trials + 1)
        assert abs((found.expected - p).mean()) < 0.01
        errors += [((said - p) ** 2).mean() for said in (found.expected, counts / num_trials)]
    assert errors[0] < 1.02 * errors[1]  # where all but a few are always right there is little to gain
    for size, said, came in (*by_bin, *by_count):
        enough = size >= 200 * num_runs
        predicted, found_there = said[enough] / size[enough], came[enough] / size[enough]
        chance = np.sqrt(found_there * (1 - found_there) / size[enough])
        assert (np.abs(predicted - found_there) < 0.03 + 2 * chance).all()
