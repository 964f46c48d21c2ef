from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.testing import assert_allclose, assert_array_equal

from easiness.scores import score_columns


def test_what_the_strongest_rival_takes_from_the_label_the_last_epoch_twice(
    trial_of_logits,
) -> None:
    p = np.array([[[0.5, 0.3, 0.2], [0.1, 0.6, 0.3]], [[0.8, 0.1, 0.1], [0.3, 0.3, 0.4]]])
    columns = score_columns([trial_of_logits(np.log(p), [0, 0])], 2)
    # rivals 0.3 and 0.1 of the first example, 0.6 and 0.4 of the second
    assert_allclose(columns["difficulty"], [(3 / 8 + 2 / 9) / 3, (6 / 7 + 8 / 7) / 3], rtol=1e-6)
    assert_allclose(score_columns([trial_of_logits(np.log(p), [0, 0])], 1)["difficulty"], [3 / 8, 6 / 7])


def test_the_error_is_that_of_a_mean_over_trials(trial_of_p) -> None:
    columns = score_columns([trial_of_p([[0.1], [0.4]]), trial_of_p([[0.6], [0.6]])], 2)
    assert_allclose(columns["difficulty"], [0.55], rtol=1e-6)
    assert_allclose(columns["difficulty_se"], [0.15], rtol=1e-5)  # 0.7 and 0.4: std 0.15 sqrt(2)


def test_margins_without_bound_neither_overflow_nor_tie(trial_of_logits) -> None:
    logits = [[[-2000, 0], [2000, 0], [50, 0], [49, 0], [0, 0]]]
    difficulty = score_columns([trial_of_logits(logits, [0] * 5)], 1)["difficulty"]
    assert_allclose(difficulty, [1, 0, np.exp(-50), np.exp(-49), 0.5], rtol=1e-6)


def test_it_has_a_value_whichever_epochs_were_observed(trial_of_p) -> None:
    thin = replace(trial_of_p([[0.6], [0.9]]), epochs=(3, 12))
    for m, expected in ((3, 0.4), (12, 0.2)):  # at 3 one of several alone
        assert_allclose(score_columns([thin, thin], m)["difficulty"], [expected], rtol=1e-6)


def test_of_heads_it_is_of_their_share_and_those_that_left_the_example_out(trial_of_p) -> None:
    # heads on two shares, each a part of the next; the second trial was shown the first example
    heads = [trial_of_p([[0.4, 0.2], [0.8, 0.4]]), trial_of_p([[0.1, 0.6], [0.1, 0.8]])]
    shown = [np.zeros((2, 2), bool), np.array([[False, False], [True, False]])]
    trials = [replace(obs, trained_on=on) for obs, on in zip(heads, shown, strict=True)]
    columns = score_columns(trials, 2)
    # 0.2 of the first; 0.6, then 0.2, of the second
    assert_allclose(columns["difficulty"], [0.2, 0.4], rtol=1e-6)
    assert_array_equal(np.isnan(columns["difficulty_se"]), [True, False])
