from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import check_grad
from scipy.stats import expon, norm

from easiness.analysis.log_concave import LogConcave

CENTERS = np.linspace(-4, 4, 41)
WIDTH = 0.2
DENSITIES = {
    "normal": norm.pdf(CENTERS, 0.5, 1),
    "exponential": expon.pdf(CENTERS, -4.1, 1.5),
    "uniform": np.full(41, 1 / 8.2),
}


def bumps() -> np.ndarray:
    return norm.pdf(CENTERS, -2, 0.4) + norm.pdf(CENTERS, 2, 0.4)


@pytest.mark.parametrize("name", DENSITIES)
def test_a_log_concave_density_is_recovered(name):
    true = DENSITIES[name]
    found = LogConcave(CENTERS).fit(300 * true)
    assert found.sum() * WIDTH == pytest.approx(1)
    np.testing.assert_allclose(found, true / (true.sum() * WIDTH), atol=0.04 * true.max())


def test_of_two_peaks_one_is_left():
    """The best log-concave density has the mean of the weights, as its slope is free."""
    weights = bumps()
    found = LogConcave(CENTERS).fit(weights)
    assert (np.diff(np.log(found), 2) <= 1e-9).all()
    assert found @ CENTERS * WIDTH == pytest.approx(0, abs=0.01)
    assert found[20] > 3 * weights[20] / (weights.sum() * WIDTH)


def test_weights_of_another_size_are_the_same_density():
    once, often = (LogConcave(CENTERS).fit(size * bumps()) for size in (1, 1024))
    np.testing.assert_allclose(once, often, rtol=1e-6)


@pytest.mark.parametrize("second", DENSITIES)
@pytest.mark.parametrize("first", [*DENSITIES, "bumps", "sharp"])
def test_it_finds_back_from_where_it_stood(first, second):
    density, true = LogConcave(CENTERS), DENSITIES[second]
    density.fit({**DENSITIES, "bumps": bumps(), "sharp": norm.pdf(CENTERS, 2, 0.2)}[first])
    np.testing.assert_allclose(density.fit(true), true / (true.sum() * WIDTH), atol=0.05 * true.max())


def test_all_weight_in_one_bin():
    weights = np.zeros(41)
    weights[30] = 5
    found = LogConcave(CENTERS).fit(weights + 1e-9)
    assert found.argmax() == 30
    assert found[30] * WIDTH > 0.95


def test_the_gradient_is_that_of_the_loss():
    density = LogConcave(CENTERS)
    target = bumps() / bumps().sum()
    slopes = np.random.default_rng(0).normal([1.0, *[-2.0] * 39], 0.5)

    def loss(at: np.ndarray) -> float:
        return density._loss(at, target)[0]

    def gradient(at: np.ndarray) -> np.ndarray:
        return density._loss(at, target)[1]

    assert check_grad(loss, gradient, slopes) < 1e-4 * np.linalg.norm(gradient(slopes))
