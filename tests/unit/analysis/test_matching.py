from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from easiness.analysis import GroupMatch, Rule, Votes, match_groups
from easiness.analysis.matching import disjoint_splits, resample
from easiness.analysis.sides import id_keys, tie_order
from easiness.errors import BadInput
from easiness.studies.similarity import draws, resampled_means
from lengths import long_but
from plans import votes_of


def votes(correct: Any, p_label: Any = None, ids: Any = None) -> Votes:
    right = np.array(correct, bool)
    p = np.full(right.shape, 0.5) if p_label is None else p_label
    named = np.arange(right.shape[1]) if ids is None else np.array(ids)
    return votes_of(right, [0, 0, 1, 1][: right.shape[1]], p, ids=named)


def test_runs_match_by_all_their_trials() -> None:
    a = votes([[1, 1, 0, 0], [1, 0, 1, 0]])  # counts 2 1 1 0: weights 1, 1/2, 1/2, 0
    b = votes([[0, 0, 1, 1], [1, 1, 0, 0]])  # counts 1 1 1 1: weights 1/2 each
    m = Rule(fraction=0.5).match_all(a, b)
    assert m.rate == pytest.approx(0.5)
    assert m.tie_mass == (0.5, 1.0)
    assert m.chance == 0.5
    assert m.class_chance == pytest.approx((1.5 * 1 / 2 + 0.5 * 1 / 2) / 2)
    strict = Rule(fraction=0.5, ties="strict").match_all(a, b)
    assert strict.sizes == (1, 0)
    assert math.isnan(strict.rate)


def test_runs_over_other_examples_are_refused() -> None:
    with pytest.raises(BadInput, match=r"position 1 ids b and x"):
        Rule().match_all(votes([[1, 1]], ids=["a", "b"]), votes([[1, 1]], ids=["a", "x"]))
    with pytest.raises(BadInput, match="2 and 3 examples"):
        Rule().match_all(votes([[1, 1]]), votes([[1, 1, 1]]))


K = 400


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
    with pytest.raises(BadInput, match="group size 3: must be at most 2"):
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


def all_right(num_trials: int, trials: list[int] | None = None) -> Votes:
    index = None if trials is None else np.array(trials)
    return votes_of(np.ones((num_trials, 2)), trials=index)


def pairs(
    a: Votes, b: Votes, size: int, max_splits: int = 1000
) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    splits = disjoint_splits(a, b, size, max_splits=max_splits, seed=0)
    return [(tuple(x), tuple(y)) for x, y in splits.tolist()]


def test_one_run_is_halved_in_every_way_once() -> None:
    run = all_right(4)
    assert pairs(run, run, 2) == [((0, 1), (2, 3)), ((0, 2), (1, 3)), ((0, 3), (1, 2))]
    assert len(pairs(run, run, 1)) == 6
    six = all_right(6)
    assert len(pairs(six, six, 3)) == 10


def test_two_runs_share_no_trial_index() -> None:
    assert pairs(all_right(2), all_right(2), 1) == [((0,), (1,)), ((1,), (0,))]
    assert len(pairs(all_right(6), all_right(6), 3)) == 20
    # indices 0, 2 against 2, 3: positions (0, 0), (0, 1) and (1, 1), not the two trials of index 2
    assert pairs(all_right(2, [0, 2]), all_right(2, [2, 3]), 1) == [((0,), (0,)), ((0,), (1,)), ((1,), (1,))]


def test_too_many_choices_are_drawn_distinct_and_disjoint() -> None:
    for a, b in [(all_right(10), all_right(10)), (all_right(10), all_right(12, list(range(5, 17))))]:
        found = pairs(a, b, 5, max_splits=100)
        assert len(found) == len(set(found)) == 100
        for first, second in found:
            assert not set(a.trial_indices[list(first)]) & set(b.trial_indices[list(second)])
    run = all_right(10)
    found = pairs(run, run, 5, max_splits=100)  # 126 there are
    assert len({frozenset(pair) for pair in found}) == 100
    assert found == pairs(run, run, 5, max_splits=100)


def test_replicates_stay_within_their_groups() -> None:
    splits = np.array([[[0, 1], [4, 5]], [[2, 3], [6, 7]]])
    drawn = resample(splits, 200, np.random.default_rng(0))
    seen = {(frozenset(x), frozenset(y)) for x, y in drawn.tolist()}
    assert all((x <= {0, 1} and y <= {4, 5}) or (x <= {2, 3} and y <= {6, 7}) for x, y in seen)
    assert len(seen) == 18  # 3 sets from each group of two, in both pairs


# three points on a line at 0, 1 and 3: pairs are 1, 2 and 3 apart
LINE = np.array([[0.0, 1.0, 3.0], [1.0, 0.0, 2.0], [3.0, 2.0, 0.0]])


def test_a_mean_is_over_pairs_of_different_examples_by_hand() -> None:
    assert resampled_means(LINE[:2, :2], np.ones((1, 2))) == 1.0
    drawn = np.array([[1.0, 1.0, 1.0], [2.0, 1.0, 0.0], [0.0, 1.0, 2.0], [1.0, 0.0, 2.0]])
    # twice the first and once the second: both pairs of different examples are 1 apart
    assert np.allclose(resampled_means(LINE, drawn), [2.0, 1.0, 2.0, 3.0])


def test_draws_are_of_the_same_size_and_never_of_one_example_alone() -> None:
    drawn = draws(2, 500, np.random.default_rng(0))
    assert drawn.shape == (500, 2)
    assert (drawn == 1).all()
    drawn = draws(6, 500, np.random.default_rng(0))
    assert (drawn.sum(axis=1) == 6).all()
    assert ((drawn > 0).sum(axis=1) >= 2).all()
    assert len(np.unique(drawn, axis=0)) > 100


def test_the_order_is_the_same_in_every_process() -> None:
    assert tie_order(id_keys(np.array([0, 1, -1])), 0).tolist() == [
        16380541254366472729,
        5155955378267592586,
        12204444938243346539,
    ]
    assert id_keys(np.array(["cat/1.png", "cat/ü.png"])).tolist() == [904424096894533348, 5791008002370715715]


def test_the_width_of_an_id_is_of_no_account_and_it_need_not_be_text() -> None:
    for dtype in (np.int8, np.int32, np.int64, np.uint64):
        assert id_keys(np.array([3, 7], dtype)).tolist() == [3, 7]
    assert np.array_equal(id_keys(np.array(["a", "bc"])), id_keys(np.array(["a", "bc"], object)))
    assert len(set(id_keys(np.array(["a\udce9", "a\udcea"], object)).tolist())) == 2


def test_consecutive_ids_are_ordered_as_if_at_random() -> None:
    keys = id_keys(np.arange(20_000))
    first, second = (np.argsort(np.argsort(tie_order(keys, seed))) for seed in (0, 1))
    limit = 4 / np.sqrt(len(keys))  # four standard errors of a correlation of 0
    assert abs(np.corrcoef(first, second)[0, 1]) < limit
    assert abs(np.corrcoef(first, np.arange(len(keys)))[0, 1]) < limit
    assert abs(np.corrcoef(first[1:], first[:-1])[0, 1]) < limit
