from __future__ import annotations

import runpy
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import rankdata, spearmanr

from easiness.analysis import class_share, rank_regression
from easiness.analysis.rank_regression import reliability


def _standardized(values):
    ranks = rankdata(values)
    return (ranks - ranks.mean()) / ranks.std()


@pytest.fixture(scope="module")
def script():
    """The script of the long simulations."""
    return runpy.run_path(str(Path(__file__).parents[3] / "benchmarks" / "science" / "patterns.py"))


def _drawn(script, seed, num, regions=40):
    options = {"of_region": 0.5, "level": 1.5, "trials": 6}
    return script["world"](np.random.default_rng(seed), num, regions, **options)


def _fitted(right, first, second, region):
    trials = len(right)
    half = trials // 2
    return rank_regression(
        right.sum(axis=0).astype(float),
        (first, second),
        region,
        without=[np.delete(right, one, axis=0).sum(axis=0).astype(float) for one in range(trials)],
        halves=[(right[:half].sum(axis=0).astype(float), right[half:].sum(axis=0).astype(float))],
    )


def test_coefficients_are_those_of_least_squares_on_average_ranks(script):
    right, first, second, region = _drawn(script, 0, 400)
    found = _fitted(right, first, second, region)
    y, x, z = (_standardized(one) for one in (right.sum(axis=0), first, second))
    columns = np.stack([x, z], axis=1)
    expected, *_ = np.linalg.lstsq(columns, y, rcond=None)
    assert [found.first.value, found.second.value] == pytest.approx(expected)
    assert found.r_squared.value == pytest.approx(1 - np.var(y - columns @ expected))
    np.testing.assert_allclose(found.fit + found.left, y, atol=1e-12)
    assert found.together == pytest.approx(spearmanr(first, second)[0])
    with_product, *_ = np.linalg.lstsq(np.column_stack([x, z, x * z, np.ones(400)]), y, rcond=None)
    assert found.product.value == pytest.approx(with_product[2] * (x * z).std())


def test_within_classes_each_is_compared_with_its_own():
    classes = np.repeat([0, 1], 50)
    ramp = np.tile(np.arange(50), 2)
    outcome = (ramp + 1000 * classes).astype(float)  # class 1 is easier
    found = rank_regression(outcome, (ramp, ramp[::-1] % 7), np.arange(100) % 20, within=classes)
    assert found.first.value == pytest.approx(1, abs=1e-9)
    assert class_share(outcome, classes) == pytest.approx(0.75, abs=0.01)
    assert class_share(ramp.astype(float), classes) == pytest.approx(0, abs=1e-12)


def test_what_is_equal_explains_nothing():
    found = rank_regression(np.arange(40.0), (np.ones(40), np.arange(40)), np.arange(40) % 20)
    assert found.first.value == 0
    assert found.second.value == pytest.approx(1)
    assert np.isnan(found.most)


def test_reliability_of_three_trials_is_how_far_three_others_agree(script):
    """Each half is one trial: taken for halves of two, reliability came out a tenth too small."""
    found, true = [], []
    for seed in range(40):
        right = script["world"](np.random.default_rng(seed), 600, trials=6)[0].astype(float)
        found.append(reliability([(right[0], right[1])], times=3))
        true.append(spearmanr(right[:3].sum(axis=0), right[3:].sum(axis=0))[0])
    assert np.mean(found) == pytest.approx(np.mean(true), abs=0.02)


def test_reliability_is_of_all_trials():
    values = np.arange(10.0)
    assert reliability([(values, values)]) == pytest.approx(1)
    one, other = values, np.array([0, 1, 2, 3, 4, 9, 8, 7, 6, 5.0])
    correlation = spearmanr(one, other)[0]
    assert reliability([(one, other)]) == pytest.approx(2 * correlation / (1 + correlation))
    of_three = 3 * correlation / (1 + 2 * correlation)  # halves are of one trial each
    assert reliability([(one, other)], times=3) == pytest.approx(of_three)
    assert reliability([(one, -one)]) == 0
    assert reliability([(np.append(one, np.nan), np.append(other, 3))]) == reliability([(one, other)])


@pytest.mark.long
def test_intervals_hold_the_truth_where_there_are_ties_few_trials_and_regions(script):
    """In small what benchmarks/science/patterns.py does at length."""
    truth = _fitted(*_drawn(script, 1, 20_000, regions=2_000))
    held = np.zeros(3)
    for seed in range(25):
        found = _fitted(*_drawn(script, [2, seed], 400))
        for at, name in enumerate(("first", "second", "r_squared")):
            low, high = getattr(found, name)[1:]
            held[at] += low <= getattr(truth, name).value <= high
    assert (held >= 20).all(), held
    assert found.by_chance < found.r_squared.value < found.most
