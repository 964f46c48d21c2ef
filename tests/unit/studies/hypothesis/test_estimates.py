"""Slopes and drops: by hand, and in small with known truth (benchmarks/science/hypothesis.py: in large)."""

from __future__ import annotations

import math
import runpy
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from easiness.studies.hypothesis.claims import of_the_whole
from easiness.studies.hypothesis.estimates import Estimate, drop, mean, slope

CELLS = np.array([(doubling, group) for doubling in (3, 5, 7, 8) for group in (0, 1) for _ in range(8)])
DOUBLINGS, GROUPS = CELLS[:, 0].astype(float), CELLS[:, 1]


def test_a_drop_is_of_equal_supports():
    values = np.array([[0.9, 0.5, 0.8, 0.3]])
    high = np.array([True, False, True, False])
    low = ~high
    found = drop(values, low, high, np.array([128, 128, 307, 307]))
    assert found.value == pytest.approx((0.9 - 0.5 + 0.8 - 0.3) / 2)
    assert found.freedom == 1


def test_a_mean_has_the_usual_interval_where_trials_agree():
    values = np.tile([0.2, 0.4, 0.9], (2, 1))
    found = mean(values)
    assert found.value == pytest.approx(0.5)
    # jackknife: deviations over 1 - 1 / 3, which is what n / (n - 1) makes of the variance of a mean
    by_hand = np.array([-0.3, -0.1, 0.4]) / (2 / 3) / 3
    assert math.sqrt(found.variance) == pytest.approx(math.sqrt((by_hand**2).sum()))


def test_a_slope_without_noise_is_found_and_shares_of_0_and_1_are_none_that_stop_it():
    shares = 1 / (1 + np.exp(-(0.5 * (DOUBLINGS - 5) + GROUPS)))
    assert slope(shares[None], DOUBLINGS, GROUPS).value == pytest.approx(0.5)
    extreme = np.where(DOUBLINGS > 5, 1.0, 0.0)[None] * np.ones((4, 1))
    found = slope(extreme, DOUBLINGS, GROUPS)
    assert found.value > 1
    assert math.isfinite(found.variance)


def test_less_is_of_the_same_patterns_and_other_trials():
    ones = np.array([[0.1, -0.2], [0.3, 0.0]])
    one, other = Estimate(0.6, ones, 0.08, 9, 1), Estimate(0.4, 2 * ones, 0.32, 7, 1)
    found = one.less(other, 0.25)
    assert found.value == pytest.approx(0.5)
    assert found.parts.shape == (4, 2)
    assert found.parts.sum(axis=0) == pytest.approx(0.5 * ones.sum(axis=0))
    assert found.freedom == 7
    assert found.shared == pytest.approx(0.08 + 0.32 / 16)


def test_an_arm_of_few_trials_has_the_freedom_of_those():
    """Where it varies as much as the other, both count; where it is all there is, its trials alone."""
    spread = np.array([[1.0, 1.0], [-1.0, -1.0]])
    few, many = Estimate(0.0, spread, 0.0, 9, 4), Estimate(0.0, spread, 0.0, 9, 19)
    assert few.less(many).of_trials == pytest.approx((8 + 8) ** 2 / (8**2 / 4 + 8**2 / 19))
    assert few.less(Estimate(0.0, 0 * spread, 0.0, 9, 19)).of_trials == pytest.approx(4)
    nothing = Estimate(0.0, 0 * spread, 0.0, 9, 4)
    assert nothing.less(nothing).of_trials == 8


def _simulated(random: np.random.Generator, trials: int, slope_: float) -> np.ndarray:
    """Right or not, with an effect of each pattern and of each trial, and one of a trial on the slope."""
    patterns = random.standard_t(4, len(DOUBLINGS)) * 0.5
    logits = (slope_ + 0.05 * random.standard_normal((trials, 1))) * (DOUBLINGS - 5) + GROUPS + patterns
    logits = logits + 0.2 * random.standard_normal((trials, 1))
    return random.binomial(16, 1 / (1 + np.exp(-logits))) / 16


def test_intervals_cover_the_truth():
    random = np.random.default_rng(4)
    many = np.concatenate([_simulated(random, 1, 0.5) for _ in range(4000)])
    truth = slope(many.mean(axis=0, keepdims=True), DOUBLINGS, GROUPS).value  # over patterns: below 0.5
    found = [slope(_simulated(random, 8, 0.5), DOUBLINGS, GROUPS) for _ in range(200)]
    assert np.mean([one.value for one in found]) == pytest.approx(truth, abs=0.03)
    covered = np.mean([one.interval[0] <= truth <= one.interval[1] for one in found])
    assert 0.9 <= covered <= 1


@pytest.mark.parametrize("two_groups", [False, True])
def test_intervals_of_a_change_of_means_cover_the_truth(two_groups):
    """Of the same patterns, which are fainter in one arm, and of other trials; claim 3b is such a change."""
    random = np.random.default_rng(5)

    def drawn(num: int) -> Iterator[Estimate]:
        for _ in range(num):
            pattern = random.choice([-1.5, 1.5], 64) if two_groups else random.standard_t(3, 64)
            trial, both = 0.4 * random.standard_normal((10, 1)), 0.5 * random.standard_normal((10, 64))
            logits = pattern + np.repeat([[0.0], [-0.6]], 5, axis=0) * (1 + 0.3 * pattern) + trial + both
            shares = random.binomial(16, 1 / (1 + np.exp(-logits))) / 16
            yield mean(shares[5:]).less(mean(shares[:5]))

    truth = np.mean([one.value for one in drawn(1500)])
    assert -0.2 < truth < -0.05
    found = list(drawn(250))
    assert np.mean([one.value for one in found]) == pytest.approx(truth, abs=0.01)
    assert 0.92 <= np.mean([one.interval[0] <= truth <= one.interval[1] for one in found]) <= 1


def test_the_benchmark_says_how_often_intervals_hold():
    script = runpy.run_path(str(Path(__file__).parents[4] / "benchmarks" / "science" / "hypothesis.py"))
    rows = list(script["simulation"](3, {"plain": script["World"]()}, (2,), 50))
    assert [name for name, *_ in rows] == ["plain"]
    assert set(script["STATISTICS"]) == set(rows[0][2])
    (cells,) = script["in_cells"](rows)
    assert cells[:2] == ("plain", "2")
    assert len(cells) == len(script["TRUTHS"])
    assert script["told_truth"]([cells]).startswith("with 2 trials in ")


@pytest.mark.parametrize(
    ("verdicts", "said"),
    [
        (["holds", "holds", "holds"], "the hypothesis holds: 1a, 1b and 1c do"),
        (["holds", "undecided", "holds"], "the hypothesis is undecided"),
        (["undecided", "holds", "does not hold"], "the hypothesis is refuted by 1c"),
        (["does not hold", "holds", "does not hold"], "the hypothesis is refuted by 1a and 1c"),
    ],
)
def test_any_part_refutes_the_hypothesis(verdicts, said):
    others = {"2a": "does not hold", "3b": "undecided"}
    assert of_the_whole({**dict(zip(("1a", "1b", "1c"), verdicts, strict=True)), **others}) == said
