"""The distribution of the probability to be right, fitted to counts."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from scipy.stats import binom

from easiness.analysis.mixing import Mixing, binomial, fit_mixing, shares_of_tail

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
    """Half of the examples right: any distribution of mean 1/2 is as likely, the one begun with as well."""
    mixing = fit_mixing(np.repeat([0, 1], 50), 1)
    np.testing.assert_allclose(mixing.mass[1:-1], mixing.mass[1], rtol=1e-9)
    assert mixing.mass[0] == pytest.approx(mixing.mass[-1])
    assert mixing.mass[0] - mixing.mass[1] == pytest.approx(0.02)
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
