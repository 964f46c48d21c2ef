from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from easiness.scores import SCORES, score_columns

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
    ("name", "expected"),
    [
        ("forgetting_events", [0, NAN, 0, 1, 2]),
        ("first_learned_epoch", [1, NAN, 3, 2, 1]),
        ("iteration_learned", [1, NAN, 3, NAN, 5]),
    ],
)
def test_one_trial(trial_of_right, name, expected) -> None:
    columns = score_columns([trial_of_right(TRIAL)], 5)
    assert_allclose(columns[name], expected)
    assert np.isnan(columns[f"{name}_se"]).all()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("forgetting_events", [0, NAN, 0, 0, 1]),
        ("first_learned_epoch", [1, NAN, 3, 2, 1]),
        ("iteration_learned", [1, NAN, 3, 2, 3]),
    ],
)
def test_what_comes_after_m_does_not_count(trial_of_right, name, expected) -> None:
    assert_allclose(score_columns([trial_of_right(TRIAL)], 3)[name], expected)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("forgetting_events", [0, 5, 0, 1, 2]),
        ("first_learned_epoch", [1, 6, 3, 2, 1]),
        ("iteration_learned", [1, 6, 3, 6, 5]),  # the fourth is wrong in the end, as the second
    ],
)
def test_a_ranking_puts_the_never_learned_last(trial_of_right, name, expected) -> None:
    columns = score_columns([trial_of_right(TRIAL)], 5)
    before = columns[name].copy()
    assert_array_equal(DECLARED[name].ranked(columns, 5), expected)
    assert_array_equal(columns[name], before)  # the table keeps NaN


def test_only_what_no_trial_learned_is_given_a_rank(trial_of_right) -> None:
    # the second example: forgotten once in the one trial that learned it; the third: learned in none
    trials = [trial_of_right([[1, 1, 0], [1, 0, 0]]), trial_of_right([[1, 0, 0], [1, 0, 0]])]
    columns = score_columns(trials, 2)
    assert_array_equal(DECLARED["forgetting_events"].ranked(columns, 2), [0, 1, 2])
    assert_array_equal(DECLARED["first_learned_epoch"].ranked(columns, 2), [1, 1, 3])
    assert_array_equal(DECLARED["iteration_learned"].ranked(columns, 2), [1, 3, 3])


def test_one_epoch(trial_of_right) -> None:
    columns = score_columns([trial_of_right([[1, 0]])], 1)
    for name, expected in (("forgetting_events", 0), ("first_learned_epoch", 1), ("iteration_learned", 1)):
        assert_allclose(columns[name], [expected, NAN])


def test_the_mean_is_over_the_trials_that_learned_it(trial_of_right) -> None:
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


def test_never_learned_is_a_mask_and_not_the_easiest(trial_of_right) -> None:
    trials = [trial_of_right([[1, 0, 0], [0, 0, 1]]), trial_of_right([[1, 0, 0], [1, 0, 0]])]
    columns = score_columns(trials, 2)
    assert_array_equal(columns["never_learned"], [False, True, False])
    assert_allclose(columns["never_learned_share"], [0, 1, 0.5])
    # Neither 0 (never forgotten) nor any large number stands for it.
    assert np.isnan(columns["forgetting_events"][1])
    assert np.isnan(columns["first_learned_epoch"][1])
    # Up to epoch 1 the last one was right in no trial either.
    assert_array_equal(score_columns(trials, 1)["never_learned"], [False, True, True])
