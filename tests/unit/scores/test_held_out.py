from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from easiness.scores import score_columns

NAN = np.nan
# examples: trained on in trials 1-2, in none, in all, in trial 1 alone
TRAINED = np.array([[1, 0, 1, 1], [1, 0, 1, 0], [0, 0, 1, 0], [0, 0, 1, 0]])
RIGHT = np.array([[1, 1, 1, 1], [1, 0, 1, 0], [1, 1, 0, 0], [0, 0, 1, 0]])


@pytest.fixture
def trials(trial_of_right):
    return [
        trial_of_right([1 - right, right], trained_on=trained)
        for right, trained in zip(RIGHT, TRAINED, strict=True)
    ]


def test_consistency_is_accuracy_over_the_trials_without_the_example(trials) -> None:
    columns = score_columns(trials, 2)
    assert_allclose(columns["consistency"], [0.5, 0.5, NAN, 0])
    # std([1, 0]) / sqrt(2); std([1, 0, 1, 0]) / 2 = sqrt(1/3) / 2
    assert_allclose(columns["consistency_se"], [0.5, np.sqrt(1 / 12), NAN, 0])


def test_memorization_is_the_difference_of_the_two_groups(trials) -> None:
    columns = score_columns(trials, 2)
    assert_allclose(columns["memorization"], [0.5, NAN, NAN, 1])
    # s1 = 0 over two trials, s0 = std([1, 0]); the last has one trial with it, so no error
    assert_allclose(columns["memorization_se"], [0.5, NAN, NAN, NAN])


def test_both_groups_add_to_the_error(trial_of_right) -> None:
    rights, trained = [1, 0, 1, 1, 0], [1, 1, 0, 0, 0]
    trials = [trial_of_right([[r]], trained_on=[t]) for r, t in zip(rights, trained, strict=True)]
    columns = score_columns(trials, 1)
    assert_allclose(columns["memorization"], [0.5 - 2 / 3])
    assert_allclose(columns["memorization_se"], [np.sqrt(0.5 / 2 + (1 / 3) / 3)])


def test_half_widths_of_both_groups_add_as_their_squares(trial_of_right) -> None:
    groups = ((True, [1] * 5 + [0] * 5), (False, [1] * 2 + [0] * 8))
    trials = [trial_of_right([[r]], trained_on=[on]) for on, rights in groups for r in rights]
    columns = score_columns(trials, 1)
    away = 2.262157 * np.sqrt(0.25 / 9 + 0.16 / 9)  # Student's t with 9 degrees of freedom
    assert_allclose(columns["memorization_low"], [0.3 - away], rtol=1e-5)
    assert_allclose(columns["memorization_high"], [0.3 + away], rtol=1e-5)


def test_they_read_epoch_m(trials) -> None:
    assert_allclose(score_columns(trials, 1)["consistency"], [0.5, 0.5, NAN, 1])


def test_self_confidence_needs_no_logits(trial_of_p) -> None:
    trials = [
        trial_of_p([[0.9, 0.2]], trained_on=[True, False]),
        trial_of_p([[0.6, 0.4]], trained_on=[False, False]),
        trial_of_p([[0.6, 0.9]], trained_on=[True, True]),
    ]
    columns = score_columns(trials, 1)
    assert_allclose(columns["self_confidence"], [0.6, 0.3], atol=1e-6)
    assert_allclose(columns["self_confidence_se"], [NAN, 0.1], atol=1e-6)
    assert np.isnan(columns["normalized_margin"]).all()
    assert np.isnan(columns["confident_learning_flag"]).all()


def test_without_left_out_trials_everything_here_is_undefined(trial_of_right) -> None:
    columns = score_columns([trial_of_right([[1, 0]], keep=[True, True])], 1)
    for name in (
        "consistency",
        "memorization",
        "self_confidence",
        "normalized_margin",
        "confident_learning_flag",
    ):
        assert np.isnan(columns[name]).all(), name
