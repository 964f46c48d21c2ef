"""How sure it is that an example belongs to the easiest or hardest, where that can be computed by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from easiness.analysis import membership, select
from easiness.errors import BadInput


def test_one_trial() -> None:
    """Half are right. The prior stays: p = sin(x)^2 with x uniform on (0, pi / 2), and 0.02 at 0 and at 1.

    Among those that are right 0.04 are at 1; for the others x has the density sin(x)^2 * 4 / pi: p is 3/4
    in the mean, and above 1/2 (x above pi / 4) with probability 1/2 + 1/pi.
    """
    found = membership(np.repeat([0, 1], 100), 1, 0.5)
    above = 0.96 * (0.5 + 1 / math.pi) + 0.04
    assert found.expected[[0, -1]] == pytest.approx([0.24, 0.76], abs=0.003)
    assert found.p_easy[[0, -1]] == pytest.approx([1 - above, above], abs=0.003)
    assert found.p_hard[[0, -1]] == pytest.approx([above, 1 - above], abs=0.003)


def test_examples_that_all_trials_agree_on_share_the_places() -> None:
    """Half are right in each of 40 trials, half in none: nobody knows which fifth of either is the outer."""
    found = membership(np.repeat([0, 40], 500), 40, 0.1)
    np.testing.assert_allclose(found.p_hard, np.repeat([0.2, 0], 500), atol=1e-6)
    np.testing.assert_allclose(found.p_easy, np.repeat([0, 0.2], 500), atol=1e-6)
    np.testing.assert_allclose(found.expected, np.repeat([0, 1], 500), atol=0.005)


def test_a_saturated_tail_is_shared_by_about_a_third() -> None:
    """Three in ten are right in every one of 40 trials, the others in half of them."""
    counts = np.repeat([40, 20], [300, 700])
    found = membership(counts, 40, 0.1)
    np.testing.assert_allclose(found.p_easy, np.repeat([1 / 3, 0], [300, 700]), atol=1e-3)


def test_everything_belongs_to_all_of_it() -> None:
    found = membership([0, 1, 2, 3], 3, 1.0)
    np.testing.assert_allclose([found.p_easy, found.p_hard], 1)


def test_examples_that_are_alike_are_all_as_likely() -> None:
    """A spread as noise alone makes is no reason to call one of them hard: 0.1 each but for what fits it."""
    counts = np.random.default_rng(0).binomial(40, 0.7, 5000)
    found = membership(counts, 40, 0.1)
    assert found.p_hard[np.abs(counts - 28) <= 3].max() < 0.25
    assert found.expected.std() < 0.02


def test_select_gives_the_same() -> None:
    counts = np.random.default_rng(0).binomial(10, np.linspace(0.1, 0.9, 200))
    for fraction in (0.1, 0.25):
        found = membership(counts, 10, fraction)
        for side, expected in (("easy", found.p_easy), ("hard", found.p_hard)):
            weights = select(counts, fraction, side, ties="posterior", num_trials=10)  # type: ignore[arg-type]
            assert np.array_equal(weights, expected)
            assert weights.sum() == pytest.approx(fraction * 200)


@pytest.mark.parametrize(
    ("counts", "num_trials", "fraction", "text"),
    [
        ([1, 2], 0, 0.1, "num_trials 0: must be a whole number, at least 1"),
        ([1, 2], 2, 0.0, "fraction 0.0 is not in"),
        ([1, 2], 2, 1.5, "fraction 1.5 is not in"),
        ([1, 3], 2, 0.1, "counts: 3 at position 1 is no whole number in 0..2; give in how many of the 2"),
        ([-1, 1], 2, 0.1, "counts: -1 at position 0 is no whole number in 0..2"),
        ([0.5, 1], 2, 0.1, "counts: 0.5 at position 0 is no whole number"),
        ([1, math.nan], 2, 0.1, "counts: nan at position 1 is no whole number"),
        ([], 2, 0.1, "counts: give one number per example"),
        ([[1, 2]], 2, 0.1, "counts: give one number per example"),
        (["1", "2"], 2, 0.1, "counts: give one number per example"),
    ],
)
def test_what_is_refused(counts: list[float], num_trials: int, fraction: float, text: str) -> None:
    with pytest.raises(BadInput, match=f"^{text}"):
        membership(counts, num_trials, fraction)


@pytest.mark.parametrize(
    ("values", "options", "text"),
    [
        (
            [1, 2],
            {"ties": "posterior"},
            "ties posterior: give the number of trials that the values are counts of",
        ),
        (
            [1, 2],
            {"ties": "expected", "num_trials": 2},
            "num_trials 2: is for ties posterior, but ties expected was asked for",
        ),
        ([1, 2], {"ties": "posterior", "num_trials": 1}, "counts: 2 at position 1 is no whole number in"),
        ([0.5, 1], {"ties": "posterior", "num_trials": 2}, "counts: 0.5 at position 0 is no whole number"),
        ([1, math.nan], {"ties": "posterior", "num_trials": 2}, "values are NaN for 1 of 2 examples"),
        ([1, 2], {"ties": "posteriors", "num_trials": 2}, "ties 'posteriors' is unknown"),
    ],
)
def test_what_select_refuses(values: list[float], options: dict[str, object], text: str) -> None:
    with pytest.raises(BadInput, match=f"^{text}"):
        select(values, 0.5, **options)  # type: ignore[arg-type]
