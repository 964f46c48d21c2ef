from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import hypergeom

from easiness.analysis import Strata, most_wrong, stratify, wrong_in_strata
from easiness.analysis.audit import allocated


@pytest.fixture(scope="module")
def worlds() -> dict[str, Any]:
    """The worlds of docs/results/audit.md."""
    return runpy.run_path(str(Path(__file__).parents[4] / "benchmarks" / "science" / "audit_worlds.py"))


@pytest.mark.parametrize(("size", "looks", "wrong"), [(50, 10, 0), (50, 10, 3), (50, 10, 10), (7, 3, 1)])
def test_of_one_stratum_the_bound_is_exact(size: int, looks: int, wrong: int):
    # the largest number of wrong labels for which so few are not seen by a chance of 2.5 % or less
    numbers = np.arange(size + 1)
    likely = numbers[hypergeom.cdf(wrong, size, numbers, looks) > 0.025]
    assert most_wrong([size], [looks], [wrong], 0.975) == likely.max()
    # the least, by the right ones
    likely = numbers[hypergeom.sf(wrong - 1, size, numbers, looks) > 0.025]
    assert size - most_wrong([size], [looks], [looks - wrong], 0.975) == likely.min()


def test_strata_without_wrong_labels_cost_no_more_than_one():
    alone = most_wrong([1000], [100], [0], 0.95)
    assert alone == 28  # 972 right ones of 1,000 are drawn a hundred times with 5 %
    assert most_wrong([500, 500], [50, 50], [0, 0], 0.95) == pytest.approx(alone, abs=2)
    assert most_wrong([10] * 100, [1] * 100, [0] * 100, 0.95) <= alone


def test_what_was_looked_at_is_known():
    assert most_wrong([30, 20], [30, 20], [4, 1], 0.975) == 5
    assert most_wrong([30, 20], [30, 0], [4, 0], 0.975) == 24
    assert most_wrong([20], [0], [0], 0.975) == 20


def test_many_examples_are_counted_in_steps_and_rounded_up():
    fine, coarse = (
        most_wrong([8_000], [300], [3], 0.95) / 8_000,
        most_wrong([800_000], [300], [3], 0.95) / 800_000,
    )
    assert fine == pytest.approx(coarse, rel=0.03)


def test_the_estimate_weighs_each_look_by_its_stratum():
    assert wrong_in_strata([10, 90], [5, 9], [4, 1]) == pytest.approx(8 + 10)
    # the second stratum had no look, as in half of such draws
    assert wrong_in_strata([10, 30, 60], [5, 0, 6], [5, 0, 3], 0, np.array([1, 0.5, 1])) == 10 + 30
    assert wrong_in_strata([10, 30], [5, 2], [5, 1], 0, np.array([1, 0.5])) == 10 + 30
    # nobody was sure of the second, or of any
    assert wrong_in_strata([10, 30, 60], [5, 2, 6], [5, 0, 0], [0, 2, 0]) == 10 + 15
    assert wrong_in_strata([300], [1], [0], [1]) is None
    # a part that half of the draws miss, given that it was not
    assert wrong_in_strata([20], [2], [1], 0, np.array([0.5])) == 10


@pytest.mark.parametrize("num_wrong", [0, 4, 100, 800])
@pytest.mark.parametrize("kind", ["calibrated", "useless", "inverted", "people"])
def test_intervals_hold_the_number_and_are_not_much_wider_than_at_random(worlds, kind: str, num_wrong: int):
    rng = np.random.default_rng(0)
    p_wrong, wrong = worlds["world"](kind, num_wrong, 2000, rng)

    def audited(strata: Strata) -> tuple[Any, Any, Any]:
        looks = allocated(strata, 100)
        return worlds["intervals"](strata.sizes, looks, worlds["counts"](strata, looks, wrong, 300, rng))

    estimate, low, high = audited(stratify(p_wrong, 100))
    assert ((low <= num_wrong) & (num_wrong <= high)).mean() >= 0.91  # three standard errors below 0.95
    assert abs(estimate.mean() - num_wrong) <= 4 * estimate.std() / np.sqrt(300) + 1e-9
    _, low_at_random, high_at_random = audited(worlds["at_random"](p_wrong))
    assert (high - low).mean() <= 1.1 * (high_at_random - low_at_random).mean()
    if kind == "calibrated" and num_wrong >= 100:
        assert (high - low).mean() <= np.sqrt(1 / 2) * (high_at_random - low_at_random).mean()
