"""The distribution of the probability to be right, fitted to counts.

How sure it is that an example belongs to the easiest or hardest, where that can be computed by hand.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest
from scipy.stats import binom, multivariate_normal, norm

from easiness.analysis import membership, select
from easiness.analysis.mixing import (
    MassFit,
    Mixing,
    binomial,
    fit_masses,
    fit_mixing,
    shares_of_tail,
)
from easiness.errors import BadInput

Floats = npt.NDArray[np.float64]


def log_likelihood(mixing: Mixing, mass: Floats) -> float:
    """Of the counts, per example."""
    share = mixing.tally / mixing.tally.sum()
    observed = share > 0
    expected = binomial(mixing.num_trials, mixing.probability) @ mass
    return float((share[observed] * np.log(expected[observed])).sum())


def longer(mixing: Mixing, steps: int) -> Floats:
    """The mass after many more steps of EM from the fitted one."""
    likelihood, share = binomial(mixing.num_trials, mixing.probability), mixing.tally / mixing.tally.sum()
    mass = mixing.mass
    for _ in range(steps):
        expected = likelihood @ mass
        mass = mass * (likelihood.T @ np.where(share > 0, share / np.maximum(expected, 1e-300), 0))
    return mass


@pytest.mark.parametrize("num_trials", [1, 7, 100])
def test_counts_are_binomial(num_trials: int) -> None:
    probability = np.array([0, 1e-9, 0.2, 0.5, 0.999, 1])
    expected = binom.pmf(np.arange(num_trials + 1)[:, None], num_trials, probability)
    np.testing.assert_allclose(binomial(num_trials, probability), expected, rtol=1e-10, atol=1e-300)


def test_the_mass_at_the_cut_is_in_for_a_part() -> None:
    mass = np.array([0.2, 0.5, 0.3])
    np.testing.assert_allclose(shares_of_tail(mass, 0.4, "hard"), [1, 0.4, 0])
    np.testing.assert_allclose(shares_of_tail(mass, 0.4, "easy"), [0, 0.2, 1])
    np.testing.assert_allclose(shares_of_tail(mass, 1, "easy"), [1, 1, 1])
    np.testing.assert_allclose(shares_of_tail(np.array([0.0, 1.0, 0.0]), 0.4, "easy"), [0, 0.4, 0])


def test_one_trial_tells_a_mean_and_leaves_the_start_as_it_is() -> None:
    """Half of the examples right: any distribution of mean 1/2 is as likely, the one begun with as well.

    That is two normals of variance 1/2, twice as far out as where one trial of four is right, and three.
    """
    mixing = fit_mixing(np.repeat([0, 1], 50), 1)
    place = norm.ppf(mixing.probability)
    normals = norm.pdf(place[:, None], 2 * norm.ppf([0.25, 0.75]), math.sqrt(0.5)).sum(axis=1)
    np.testing.assert_allclose(mixing.mass, normals / normals.sum(), atol=2e-4)
    assert mixing.mass @ mixing.probability == pytest.approx(0.5)


def test_examples_that_are_all_alike_leave_little_spread() -> None:
    counts = np.random.default_rng(0).binomial(40, 0.7, 5000)
    mixing = fit_mixing(counts, 40)
    mean = mixing.population @ mixing.probability
    assert mean == pytest.approx(0.7, abs=0.005)
    spread = np.sqrt(mixing.population @ (mixing.probability - mean) ** 2)
    assert spread < 0.03  # the counts alone spread by 0.07
    # whatever an example's own count, it is one of them
    np.testing.assert_allclose(mixing.posterior[20:37] @ mixing.probability, 0.7, atol=0.05)


def test_two_kinds_of_examples_are_told_apart() -> None:
    rng = np.random.default_rng(0)
    counts = np.concatenate([rng.binomial(20, 0.2, 3000), rng.binomial(20, 0.9, 7000)])
    mixing = fit_mixing(counts, 20)
    low = mixing.probability < 0.55
    assert mixing.population[low].sum() == pytest.approx(0.3, abs=0.01)
    for part, expected in ((low, 0.2), (~low, 0.9)):
        mean = mixing.population[part] @ mixing.probability[part] / mixing.population[part].sum()
        assert mean == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize(("num_trials", "a", "b"), [(8, 2, 2), (20, 5, 1), (40, 0.3, 0.3)])
def test_the_fit_is_as_likely_as_a_much_longer_one(num_trials: int, a: float, b: float) -> None:
    rng = np.random.default_rng(1)
    mixing = fit_mixing(rng.binomial(num_trials, rng.beta(a, b, 3000)), num_trials)
    fitted, best = (log_likelihood(mixing, mass) for mass in (mixing.mass, longer(mixing, 20_000)))
    assert best - 0.001 < fitted <= best + 1e-12
    flat = np.full_like(mixing.mass, 1 / len(mixing.mass))
    assert log_likelihood(mixing, flat) < fitted


def test_the_fit_asks_how_many_examples_have_a_count_and_nothing_else() -> None:
    counts = np.random.default_rng(2).binomial(10, 0.6, 300)
    one, other = fit_mixing(counts, 10), fit_mixing(np.sort(counts).astype(np.float32), 10)
    assert np.array_equal(one.mass, other.mass)
    assert one.tally.tolist() == np.bincount(counts, minlength=11).tolist()
    assert one.num_trials == 10
    tenfold = fit_mixing(np.repeat(counts, 10), 10)
    np.testing.assert_allclose(tenfold.mass, one.mass, atol=1e-12)


def test_one_trial() -> None:
    """Half are right, and the prior stays: two normals of places t of variance 1/2, around -1.35 and 1.35.

    A trial is right where t - z is above 0, for a standard normal z. So E[p | right] is twice the probability
    that t - z and t - z' are both above 0, and of those right twice that of t and t - z lie above 1/2.
    """
    found = membership(np.repeat([0, 1], 100), 1, 0.5)
    middles = (2 * np.asarray(norm.ppf([0.25, 0.75]))).tolist()

    def both(variances: tuple[float, float]) -> float:
        covariance = [[variances[0], 0.5], [0.5, variances[1]]]
        return float(np.sum([multivariate_normal([-m, -m], covariance).cdf([0, 0]) for m in middles]))

    mean, above = both((1.5, 1.5)), both((0.5, 1.5))
    assert found.expected[[0, -1]] == pytest.approx([1 - mean, mean], abs=0.003)
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
        ([1, 2], 2, 0.0, "fraction 0.0: not in"),
        ([1, 2], 2, 1.5, "fraction 1.5: not in"),
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
            "num_trials 2: is for ties posterior; leave it out for ties expected",
        ),
        ([1, 2], {"ties": "posterior", "num_trials": 1}, "counts: 2 at position 1 is no whole number in"),
        ([0.5, 1], {"ties": "posterior", "num_trials": 2}, "counts: 0.5 at position 0 is no whole number"),
        ([1, math.nan], {"ties": "posterior", "num_trials": 2}, "values: NaN for 1 of 2 examples"),
        ([1, 2], {"ties": "posteriors", "num_trials": 2}, "ties 'posteriors': unknown"),
    ],
)
def test_what_select_refuses(values: list[float], options: dict[str, object], text: str) -> None:
    with pytest.raises(BadInput, match=f"^{text}"):
        select(values, 0.5, **options)  # type: ignore[arg-type]


def test_counts_of_very_many_trials_are_taken_together_where_they_tell_the_same() -> None:
    rng = np.random.default_rng(0)
    rates = rng.beta(2, 1, 200)
    few, many = (rng.binomial(num, np.stack([rates, rates])) for num in (100, 2000))
    tallies = [
        np.bincount(one[0] * (num + 1) + one[1], minlength=(num + 1) ** 2).reshape(num + 1, -1).astype(float)
        for one, num in ((few, 100), (many, 2000))
    ]
    fits = [MassFit.of(tally[None], 61) for tally in tallies]
    assert [fit.observed.shape for fit in fits] == [(1, 101, 101), (1, 128, 128)]
    assert np.allclose([fit.observed.sum() for fit in fits], 1)
    assert np.allclose(fits[1].likelihoods[0].sum(axis=0), 1)
    masses = [fit_masses(tally) for tally in tallies]
    places = np.linspace(-4.5, 4.5, 61)
    means = [float(places @ mass.sum(axis=1)) for mass in masses]
    assert means[0] == pytest.approx(means[1], abs=0.05)
