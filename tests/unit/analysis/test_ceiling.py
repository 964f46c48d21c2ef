import math
from typing import Any

import numpy as np
import pytest

from easiness.analysis import GroupMatch, Rule, Votes, match_groups, true_rate
from easiness.errors import BadInput
from lengths import long_but

K = 400


def votes(correct: list[list[int]]) -> Votes:
    c = np.array(correct, bool)
    return Votes(c, np.full(c.shape, 0.5), np.array([0, 0, 1, 1]), np.arange(c.shape[1]), 1)


def simulated(seed: int, num_trials: int) -> Votes:
    """A run of a network for which examples differ: each has its own probability of the label."""
    rng = np.random.default_rng(seed)
    base = np.random.default_rng(12345).beta(0.8, 0.8, K)
    p = np.clip(base + rng.normal(0, 0.2, (num_trials, K)), 0.001, 0.999)
    return Votes(rng.random((num_trials, K)) < p, p, np.arange(K) % 4, np.arange(K), 1)


RULE = {"side", "fraction", "ties", "seed"}


def matched(a: Votes, b: Votes, **options: Any) -> GroupMatch:
    rule = Rule(**{name: options.pop(name) for name in RULE & options.keys()})
    result = match_groups(a, b, rule, **options)
    assert result is not None
    return result


def test_two_trials_are_matched_with_each_other() -> None:
    run = votes([[1, 1, 0, 0], [1, 0, 1, 0]])
    m = matched(run, run, fraction=0.5)
    assert (m.rate, m.group_size, m.num_splits, m.num_empty) == (0.5, 1, 1, 0)
    assert m.tie_mass == (0, 0)
    assert m.chance == 0.5
    assert m.class_chance == pytest.approx((2 * 1 / 2 + 0) / 2)
    assert all(math.isnan(end) for end in m.interval)  # one trial resampled is itself
    assert m.bias == 0
    assert not m.decided


def test_trials_of_one_index_are_never_matched_across_runs() -> None:
    a = votes([[1, 1, 0, 0], [1, 0, 1, 0]])
    b = votes([[0, 0, 1, 1], [1, 1, 0, 0]])
    m = matched(a, b, fraction=0.5)
    assert m.num_splits == 2
    assert m.rate == pytest.approx((1 + 0.5) / 2)  # {0, 1} with {0, 1}, {0, 2} with {2, 3}


def test_means_are_over_every_choice_of_groups() -> None:
    run = votes([[1, 0, 0, 0], [1, 0, 0, 0], [0, 1, 0, 0], [1, 1, 0, 0]])
    # k = 1. Counts of 01 | 23: 2000, 1200; of 02 | 13 and 12 | 03: 1100, 2100
    m = matched(run, run, fraction=0.25)
    assert m.num_splits == 3
    assert m.rate == pytest.approx((0 + 0.5 + 0.5) / 3)
    assert sum(m.tie_mass) == pytest.approx(2 * 0.5 / 3)


def test_one_trial_has_no_ceiling() -> None:
    one, two = votes([[1, 1, 0, 0]]), votes([[1, 1, 0, 0], [1, 0, 1, 0]])
    assert match_groups(one, one) is None
    assert match_groups(one, two) is None


def test_groups_have_half_the_trials_of_the_smaller_run() -> None:
    small, large = simulated(1, 5), simulated(2, 12)
    assert matched(small, large, num_replicates=0).group_size == 2
    assert matched(large, large, num_replicates=0).group_size == 6
    assert matched(large, large, num_replicates=0).decided
    at_two = matched(large, large, group_size=2, num_replicates=0)
    assert (at_two.group_size, at_two.num_splits, at_two.decided) == (2, 100, False)
    with pytest.raises(BadInput, match=r"group size 3: not in 1\.\.2"):
        match_groups(small, large, group_size=3)


def test_empty_strict_sets_are_counted() -> None:
    # the easy level is shared by more than k examples in each trial, so tau is the highest value
    run = votes([[1, 1, 0, 0], [1, 0, 1, 0]])
    m = matched(run, run, fraction=0.25, ties="strict")
    assert math.isnan(m.rate)
    assert math.isnan(m.class_chance)
    assert math.isnan(m.bias)
    assert all(math.isnan(end) for end in m.interval)
    assert (m.num_empty, m.num_splits, m.sizes, m.chance) == (1, 1, (0, 0), 0)


def test_without_replicates_there_is_no_interval() -> None:
    run = simulated(1, 4)
    m = matched(run, run, num_replicates=0)
    assert math.isnan(m.bias)
    assert math.isnan(m.interval[0])
    assert m.rate == matched(run, run).rate


def test_a_seed_decides_everything() -> None:
    a, b = simulated(1, 12), simulated(2, 12)
    assert matched(a, b, seed=3) == matched(a, b, seed=3)
    assert matched(a, b, seed=3).interval != matched(a, b, seed=4).interval


def test_the_interval_has_the_bias_of_resampling_taken_off() -> None:
    run = simulated(1, 10)
    m = matched(run, run)
    assert m.bias < -0.01  # repeated trials add ties, and ties lower the expected rate
    assert m.interval[0] < m.rate < m.interval[1]


@pytest.mark.parametrize("ties", long_but(["expected", "refine"], ["refine"]))
def test_intervals_hold_the_true_rate(ties: str) -> None:
    many = simulated(999, 200)
    truth = matched(
        many, many, ties=ties, group_size=4, max_splits=400, num_replicates=0, by_class=False
    ).rate
    runs = [simulated(seed, 8) for seed in range(25)]
    intervals = [matched(run, run, ties=ties, num_replicates=100, by_class=False).interval for run in runs]
    assert sum(low <= truth <= high for low, high in intervals) >= 20
    assert max(high - low for low, high in intervals) < 0.35


def test_more_trials_match_better_and_two_like_runs_match_like_one() -> None:
    run, other = simulated(1, 20), simulated(2, 20)
    few, many = (matched(run, run, group_size=h, num_replicates=0).rate for h in (2, 10))
    assert few + 0.05 < many
    assert true_rate(run, other, Rule(ties="refine")) == pytest.approx(1, abs=0.15)
