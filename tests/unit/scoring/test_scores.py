from __future__ import annotations

import runpy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats

from easiness.errors import BadInput
from easiness.scoring import (
    SCORES,
    easiness_interval,
    most_named,
    score_columns,
)
from recording import trial_of_logits, trial_of_p, trial_of_right


def test_eq_1_divides_by_the_largest_count_and_not_by_the_number_of_trials() -> None:
    right = [[1, 0, 1, 0], [1, 0, 0, 0], [0, 0, 1, 1], [1, 0, 1, 0]]
    columns = score_columns([trial_of_right([row]) for row in right], 1)
    assert_allclose(columns["easiness"], [1, 0, 1, 1 / 3])


def test_nothing_right_is_an_error_that_names_epoch_and_trials() -> None:
    trials = [trial_of_right([[0, 0], [1, 1]]) for _ in range(3)]
    with pytest.raises(BadInput, match=r"^epoch 1: .* 3 trial.*train longer"):
        score_columns(trials, 1)
    assert_array_equal(score_columns(trials, 2)["easiness"], [1, 1])


def test_easiness_reads_epoch_m_alone_and_counts_trials_that_left_the_example_out() -> None:
    trials = [
        trial_of_right([[1, 1, 0], [0, 1, 0]], trained_on=[True, False, True]),
        trial_of_right([[1, 1, 0], [1, 1, 0]], trained_on=[False, True, True]),
    ]
    assert_allclose(score_columns(trials, 2)["easiness"], [0.5, 1, 0])
    assert_allclose(score_columns(trials, 1)["easiness"], [1, 1, 0])


def test_the_error_is_the_std_of_the_jeffreys_posterior_and_not_zero_at_the_ends() -> None:
    rights = [[1, 0, 1], [1, 0, 0], [1, 0, 0], [0, 0, 1]]
    columns = score_columns([trial_of_right([row]) for row in rights], 1)
    counts, N = np.array([3, 0, 2]), 4
    expected = stats.beta(counts + 0.5, N - counts + 0.5).std() * N / 3
    assert_allclose(columns["easiness_se"], expected)
    assert (columns["easiness_se"] > 0).all()
    low, high = easiness_interval(counts, N, 3)
    assert_allclose(columns["easiness_low"], low)
    assert_allclose(columns["easiness_high"], np.minimum(high, 1))


def test_interval_is_the_scaled_jeffreys_interval() -> None:
    low, high = easiness_interval(np.array([0, 2, 4]), 5, 4, level=0.9)
    posterior = stats.beta(np.array([0, 2, 4]) + 0.5, 5 - np.array([0, 2, 4]) + 0.5)
    assert low[0] == 0
    assert_allclose(low[1:], posterior.ppf(0.05)[1:] * 5 / 4)  # type: ignore[index]
    assert_allclose(high, posterior.ppf(0.95) * 5 / 4)
    # Jeffreys 95 % interval of 2 of 10 by Brown, Cai and DasGupta 2001: (0.044, 0.503)
    low, high = easiness_interval(2, 10, 10)
    assert_allclose([low, high], [0.044, 0.503], atol=5e-4)


@pytest.mark.parametrize(
    ("count", "num_trials", "max_count", "level", "named"),
    [
        ([1], 3, 3, 1.0, "level"),
        ([1], 3, 0, 0.95, "max_count"),
        ([1], 3, 4, 0.95, "max_count"),
        ([4], 3, 3, 0.95, "count"),
        ([-1], 3, 3, 0.95, "count"),
        ([np.nan], 3, 3, 0.95, "count"),
    ],
)
def test_interval_refuses_what_cannot_be(count, num_trials, max_count, level, named) -> None:
    with pytest.raises(BadInput, match=named):
        easiness_interval(count, num_trials, max_count, level)


def test_what_the_strongest_rival_takes_from_the_label_the_last_epoch_twice() -> None:
    p = np.array([[[0.5, 0.3, 0.2], [0.1, 0.6, 0.3]], [[0.8, 0.1, 0.1], [0.3, 0.3, 0.4]]])
    columns = score_columns([trial_of_logits(np.log(p), [0, 0])], 2)
    # rivals 0.3 and 0.1 of the first example, 0.6 and 0.4 of the second
    assert_allclose(columns["difficulty"], [(3 / 8 + 2 / 9) / 3, (6 / 7 + 8 / 7) / 3], rtol=1e-6)
    assert_allclose(score_columns([trial_of_logits(np.log(p), [0, 0])], 1)["difficulty"], [3 / 8, 6 / 7])


def test_the_error_is_that_of_a_mean_over_trials() -> None:
    columns = score_columns([trial_of_p([[0.1], [0.4]]), trial_of_p([[0.6], [0.6]])], 2)
    assert_allclose(columns["difficulty"], [0.55], rtol=1e-6)
    assert_allclose(columns["difficulty_se"], [0.15], rtol=1e-5)  # 0.7 and 0.4: std 0.15 sqrt(2)


def test_margins_without_bound_neither_overflow_nor_tie() -> None:
    logits = [[[-2000, 0], [2000, 0], [50, 0], [49, 0], [0, 0]]]
    difficulty = score_columns([trial_of_logits(logits, [0] * 5)], 1)["difficulty"]
    assert_allclose(difficulty, [1, 0, np.exp(-50), np.exp(-49), 0.5], rtol=1e-6)


def test_it_has_a_value_whichever_epochs_were_observed() -> None:
    thin = replace(trial_of_p([[0.6], [0.9]]), epochs=(3, 12))
    for m, expected in ((3, 0.4), (12, 0.2)):  # at 3 one of several alone
        assert_allclose(score_columns([thin, thin], m)["difficulty"], [expected], rtol=1e-6)


def test_of_heads_it_is_of_their_share_and_those_that_left_the_example_out() -> None:
    # heads on two shares, each a part of the next; the second trial was shown the first example
    heads = [trial_of_p([[0.4, 0.2], [0.8, 0.4]]), trial_of_p([[0.1, 0.6], [0.1, 0.8]])]
    shown = [np.zeros((2, 2), bool), np.array([[False, False], [True, False]])]
    trials = [replace(obs, trained_on=on) for obs, on in zip(heads, shown, strict=True)]
    columns = score_columns(trials, 2)
    # 0.2 of the first; 0.6, then 0.2, of the second
    assert_allclose(columns["difficulty"], [0.2, 0.4], rtol=1e-6)
    assert_array_equal(np.isnan(columns["difficulty_se"]), [True, False])


# columns: always right, never, learned late for good, learned and lost, flickering
TRIAL = np.array(
    [
        [1, 0, 0, 0, 1],
        [1, 0, 0, 1, 0],
        [1, 0, 1, 1, 1],
        [1, 0, 1, 0, 0],
        [1, 0, 1, 0, 1],
    ]
)
NAN = np.nan
DECLARED = {score.name: score for score in SCORES}


@pytest.mark.parametrize(
    ("name", "expected", "at_3", "ranked"),
    [
        ("forgetting_events", [0, NAN, 0, 1, 2], [0, NAN, 0, 0, 1], [0, 5, 0, 1, 2]),
        ("first_learned_epoch", [1, NAN, 3, 2, 1], [1, NAN, 3, 2, 1], [1, 6, 3, 2, 1]),
        # the fourth is wrong in the end, as the second
        ("iteration_learned", [1, NAN, 3, NAN, 5], [1, NAN, 3, 2, 3], [1, 6, 3, 6, 5]),
    ],
)
def test_one_trial(name, expected, at_3, ranked) -> None:
    """Later epochs do not count for an epoch, and a ranking puts the never learned last."""
    columns = score_columns([trial_of_right(TRIAL)], 5)
    assert_allclose(columns[name], expected)
    assert np.isnan(columns[f"{name}_se"]).all()
    assert_allclose(score_columns([trial_of_right(TRIAL)], 3)[name], at_3)
    assert_array_equal(DECLARED[name].for_ranking(columns, 5), ranked)
    assert_array_equal(columns[name], expected)  # the table keeps NaN


def test_one_epoch() -> None:
    columns = score_columns([trial_of_right([[1, 0]])], 1)
    for name, expected in (("forgetting_events", 0), ("first_learned_epoch", 1), ("iteration_learned", 1)):
        assert_allclose(columns[name], [expected, NAN])


def test_the_mean_is_over_the_trials_that_learned_it() -> None:
    trials = [
        trial_of_right([[1, 0], [1, 0], [1, 0], [1, 1]]),
        trial_of_right([[0, 0], [0, 0], [0, 0], [1, 0]]),
        trial_of_right([[0, 0], [0, 0], [0, 0], [0, 0]]),
    ]
    columns = score_columns(trials, 4)
    # first example: epochs 1 and 4 from the two that learned it; std(1, 4) / sqrt(2) = 1.5
    assert_allclose(columns["first_learned_epoch"], [2.5, 4])
    assert_allclose(columns["first_learned_epoch_se"], [1.5, NAN])
    assert_allclose(columns["iteration_learned"], [2.5, 4])
    assert_allclose(columns["forgetting_events"], [0, 0])


def test_never_learned_is_a_mask_and_not_the_easiest() -> None:
    trials = [trial_of_right([[1, 0, 0], [0, 0, 1]]), trial_of_right([[1, 0, 0], [1, 0, 0]])]
    columns = score_columns(trials, 2)
    assert_array_equal(columns["never_learned"], [False, True, False])
    assert_allclose(columns["never_learned_share"], [0, 1, 0.5])
    # Neither 0 (never forgotten) nor any large number stands for it.
    assert np.isnan(columns["forgetting_events"][1])
    assert np.isnan(columns["first_learned_epoch"][1])
    # Up to epoch 1 the last one was right in no trial either.
    assert_array_equal(score_columns(trials, 1)["never_learned"], [False, True, True])


def test_scores_are_computed_in_a_trial_and_then_averaged() -> None:
    # Two constant trials: the variability over epochs is 0, whatever the spread over trials.
    trials = [trial_of_p([[0.2], [0.2]]), trial_of_p([[0.8], [0.8]])]
    columns = score_columns(trials, 2)
    assert_allclose(columns["variability"], [0], atol=1e-12)
    assert_allclose(columns["confidence"], [0.5], atol=1e-6)
    assert_allclose(columns["confidence_se"], [0.3], atol=1e-6)  # std 0.6 / sqrt(2), over sqrt(2)
    assert_allclose(columns["correctness"], [0.5])
    assert_allclose(columns["correctness_se"], [0.5])


def test_aum_is_on_logits_over_all_epochs() -> None:
    logits = [[[5, 0, 1], [0, 3, 1]], [[9, 2, 0], [0, 3, 8]]]
    columns = score_columns([trial_of_logits(logits, [0, 1])], 2)
    # margins 4 and 7; 2 and -5: not the last alone, and far outside [-1, 1] where softmax would be
    assert_allclose(columns["aum"], [5.5, -1.5])


@pytest.mark.parametrize(
    ("p", "std", "dual"),
    [
        # two windows: nine at 0.5 and one at 0.9 are 9 * 0.04^2 + 0.36^2 = 0.144 around 0.54
        ([0.5] * 10 + [0.9], np.sqrt(0.144 / 9) / 2, np.sqrt(0.144 / 9) * 0.46 / 2),
        ([0.25] * 5 + [0.75] * 5, np.sqrt(10 * 0.0625 / 9), np.sqrt(10 * 0.0625 / 9) * 0.5),
    ],
)
def test_windows_by_hand(p, std, dual) -> None:
    """Up to the one that ends at the last epoch, with the sample std: divided by 9."""
    columns = score_columns([trial_of_p(np.array(p)[:, None])], len(p))
    assert_allclose(columns["dyn_unc"], [std], atol=1e-6)
    assert_allclose(columns["dual"], [dual], atol=1e-6)


@given(arrays(np.int32, st.tuples(st.integers(1, 7), st.integers(1, 5)), elements=st.integers(0, 3)))
def test_it_is_the_first_maximum_of_a_tally(predictions):
    before = predictions.copy()
    predicted, most = most_named(predictions)
    for column, one, times in zip(predictions.T, predicted, most, strict=True):
        tally = np.bincount(column)
        assert (one, times) == (tally.argmax(), tally.max())
    np.testing.assert_array_equal(predictions, before)


def test_what_names_nobody_is_never_named_most():
    said = np.array([[3, 5, 5, 0], [5, 5, 1, 5], [3, 5, 1, 5], [0, 5, 0, 5]])
    winner, most = most_named(said, nobody=5)
    assert winner.tolist() == [3, -1, 1, 0]
    assert most.tolist() == [2, 0, 2, 1]


ROOT = Path(__file__).parents[3]


def test_docs_hold_the_table_as_it_is_generated() -> None:
    table = runpy.run_path(str(ROOT / "tools" / "docs" / "scores.py"))["table"]()
    assert table in (ROOT / "docs" / "scores.md").read_text(encoding="utf-8")
