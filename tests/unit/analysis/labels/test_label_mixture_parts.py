from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import dirichlet_multinomial, expon, norm

from easiness.analysis.labels.mixture_parts import LogConcave, Pairs, roots_of

STRENGTHS = np.geomspace(1, 3000, 17)


def test_weights_add_up_by_pair():
    pairs = Pairs(np.array([2, 0, 0, 0]), np.array([0, 1, 2, 1]), 3)
    assert list(zip(pairs.label, pairs.rival, strict=True)) == [(0, 1), (0, 2), (2, 0)]
    assert pairs.pair_of.tolist() == [2, 0, 1, 0]
    assert pairs.add_up(np.array([1.0, 0.5, 0.25, 2.0])).tolist() == [2.5, 0.25, 1.0]


def test_rates_are_shrunk_towards_how_often_each_class_is_named():
    """The rivals 0, 1, 2 have 4, 6 and 2 of 12; of label 0 they are 1 and 2, so 6 and 2 of the 8 left."""
    pairs = Pairs(np.array([0, 0, 1]), np.array([1, 2, 0]), 3)
    rates = pairs.rates(np.array([6.0, 2.0, 4.0]), pairs.label, pairs.rival)
    s, faint = rates.strength, 1e-3 * 13
    usual = np.array([6 + faint, 2 + faint, 4 + faint]) / [8 + 2 * faint, 8 + 2 * faint, 6 + 2 * faint]
    np.testing.assert_allclose(rates.of_pair, (np.array([6, 2, 4]) + s * usual) / (np.array([8, 8, 4]) + s))


@pytest.mark.parametrize(
    ("mass", "strongest"),
    [([40, 0, 0, 40, 40, 0], False), ([20, 20, 20, 20, 20, 20], True), ([9, 5, 4, 8, 9, 3], None)],
)
def test_the_strength_is_the_likeliest(mass, strongest):
    """Against the library's Dirichlet-multinomial, a class at a time."""
    pairs = Pairs(np.array([0, 0, 1, 1, 2, 2]), np.array([1, 2, 0, 2, 0, 1]), 3)
    counts = np.array(mass).reshape(3, 2)
    named = np.bincount(pairs.rival, mass) + 1e-3 * (sum(mass) + 1)
    usual = named[pairs.rival].reshape(3, 2)
    usual /= usual.sum(axis=1, keepdims=True)
    likelihood = [
        sum(
            dirichlet_multinomial.logpmf(row, s * of, row.sum())
            for row, of in zip(counts, usual, strict=True)
        )
        for s in STRENGTHS
    ]
    found = pairs.rates(np.array(mass, float), pairs.label, pairs.rival).strength
    assert found == pytest.approx(STRENGTHS[int(np.argmax(likelihood))])  # type: ignore[arg-type]
    if strongest is not None:
        assert found == pytest.approx(3000 if strongest else 1)


def test_classes_that_are_named_more_often_are_no_pairs():
    """Every label is taken for class 0 twice as often as for the other: hardly a pair of its own."""
    pairs = Pairs(np.array([1, 1, 2, 2]), np.array([0, 2, 0, 1]), 3)
    assert pairs.rates(np.array([40.0, 20, 40, 20]), pairs.label, pairs.rival).strength > 15


def test_rates_by_rival():
    """Of class 1 as the rival 3 of 4 have label 0."""
    pairs = Pairs(np.array([0, 2]), np.array([1, 1]), 3)
    rates = pairs.rates(np.array([3.0, 1.0]), pairs.rival, pairs.label)
    s, faint = rates.strength, 1e-3 * 5
    usual = np.array([3 + faint, 1 + faint]) / (4 + 2 * faint)
    np.testing.assert_allclose(rates.of_pair, (np.array([3, 1]) + s * usual) / (4 + s))
    assert rates.of_pair.sum() == pytest.approx(1)


def test_two_classes_have_one_other():
    pairs = Pairs(np.array([0, 1]), np.array([1, 0]), 2)
    np.testing.assert_allclose(pairs.rates(np.array([3.0, 0.0]), pairs.label, pairs.rival).of_pair, 1)


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


SHAPES = {
    **DENSITIES,
    "bumps": bumps(),
    "sharp": norm.pdf(CENTERS, 2, 0.2),
    "one bin": np.eye(41)[30],
    "both ends": np.eye(41)[0] + np.eye(41)[40],
    "counts": np.random.default_rng(0).poisson(3 * DENSITIES["normal"]).astype(float),
    "heavy tails": 1 / (1 + np.square(3 * CENTERS)),
    "rough": np.random.default_rng(1).exponential(size=41) ** 3,
}


@pytest.mark.parametrize("before", [None, "sharp", "rough"])
@pytest.mark.parametrize("name", SHAPES)
def test_none_that_is_log_concave_fits_better(name, before):
    """The loss is convex: it is least where no slope can fall more, or less, and fit better for it."""
    density, target = LogConcave(CENTERS), SHAPES[name] / SHAPES[name].sum() + 1e-12
    if before:
        density.fit(SHAPES[before] + 1e-9)
    found = density.fit(target) * WIDTH
    falls = -np.diff(np.log(found), 2)
    assert (falls > -1e-6).all()
    hinges = -np.maximum(np.arange(41)[:, None] - np.arange(1, 40), 0)
    uphill = (target - found) @ hinges
    spread = np.sqrt(found @ np.square(hinges) - np.square(found @ hinges) + 1e-12)
    assert (uphill / spread < 1e-3).all()
    assert (np.abs(uphill / spread)[falls > 1e-3] < 1e-3).all()
    assert found @ CENTERS == pytest.approx(target @ CENTERS / target.sum(), abs=1e-3)


def test_spreads_that_rounding_has_bent_have_roots():
    bent = np.array([[[1e20, 1e20], [1e20, 1e20 - 1e5]], [[-1e-3, 0], [0, 1]]])
    roots = roots_of(bent, 1e-9)
    assert np.isfinite(roots).all()
    np.testing.assert_allclose(roots[0] @ roots[0].T, bent[0], rtol=1e-2)
