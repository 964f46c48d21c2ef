from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats

from easiness.errors import BadInput
from easiness.scores import easiness, easiness_interval, score_columns


def test_eq_1_divides_by_the_largest_count_and_not_by_the_number_of_trials() -> None:
    correct = np.array([[1, 0, 1, 0], [1, 0, 0, 0], [0, 0, 1, 1], [1, 0, 1, 0]], bool)
    assert_allclose(easiness(correct), [1, 0, 1, 1 / 3])


def test_one_trial_gives_two_levels() -> None:
    assert_array_equal(easiness(np.array([[True, False]])), [1.0, 0.0])


def test_nothing_right_is_an_error_that_names_epoch_and_trials(trial_of_right) -> None:
    trials = [trial_of_right([[0, 0], [1, 1]]) for _ in range(3)]
    with pytest.raises(BadInput, match=r"^epoch 1: .* 3 trial.*train longer"):
        score_columns(trials, 1)
    assert_array_equal(score_columns(trials, 2)["easiness"], [1, 1])
    with pytest.raises(BadInput, match="undefined"):
        easiness(np.zeros((3, 2), bool))


def test_easiness_reads_epoch_m_alone_and_counts_trials_that_left_the_example_out(trial_of_right) -> None:
    trials = [
        trial_of_right([[1, 1, 0], [0, 1, 0]], trained_on=[True, False, True]),
        trial_of_right([[1, 1, 0], [1, 1, 0]], trained_on=[False, True, True]),
    ]
    assert_allclose(score_columns(trials, 2)["easiness"], [0.5, 1, 0])
    assert_allclose(score_columns(trials, 1)["easiness"], [1, 1, 0])


def test_the_error_is_the_std_of_the_jeffreys_posterior_and_not_zero_at_the_ends(trial_of_right) -> None:
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


def test_interval_by_the_book() -> None:
    # Jeffreys 95 % interval of 2 of 10 by Brown, Cai and DasGupta 2001: (0.044, 0.503)
    low, high = easiness_interval(2, 10, 10)
    assert_allclose([low, high], [0.044, 0.503], atol=5e-4)


def test_interval_ends_at_the_convention_where_all_trials_are_right() -> None:
    low, high = easiness_interval([0, 3], 3, 3)
    assert low[0] == 0
    assert high[1] == 1


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
