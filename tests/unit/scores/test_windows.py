from __future__ import annotations

import numpy as np
from numpy.testing import assert_allclose

from easiness.scores import SCORES, score_columns

RISING = np.linspace(0.05, 0.95, 12)
P = np.stack([RISING, np.full(12, 0.7)], axis=1)  # [12 epochs, 2 examples]


def test_both_are_the_mean_over_the_windows_of_ten(trial_of_p) -> None:
    columns = score_columns([trial_of_p(P)], 12)
    stds = [RISING[i : i + 10].std(ddof=1) for i in range(3)]
    means = [RISING[i : i + 10].mean() for i in range(3)]
    assert_allclose(columns["dyn_unc"], [np.mean(stds), 0], atol=1e-6)
    assert_allclose(columns["dual"], [np.mean(np.array(stds) * (1 - np.array(means))), 0], atol=1e-6)


def test_the_window_that_ends_at_m_counts(trial_of_p) -> None:
    p = np.array([[0.5]] * 10 + [[0.9]])
    columns = score_columns([trial_of_p(p)], 11)
    last = np.sqrt(0.144 / 9)  # nine at 0.5 and one at 0.9: 9 * 0.04^2 + 0.36^2 = 0.144 around 0.54
    assert_allclose(columns["dyn_unc"], [(0 + last) / 2], atol=1e-6)
    assert_allclose(columns["dual"], [(0 + last * 0.46) / 2], atol=1e-6)


def test_a_single_window_by_hand(trial_of_p) -> None:
    p = np.array([[0.25]] * 5 + [[0.75]] * 5)
    columns = score_columns([trial_of_p(p)], 10)
    std = np.sqrt(10 * 0.0625 / 9)  # sample std: divided by 9
    assert_allclose(columns["dyn_unc"], [std], atol=1e-6)
    assert_allclose(columns["dual"], [std * 0.5], atol=1e-6)


def test_shorter_than_a_window_is_undefined(trial_of_p) -> None:
    columns = score_columns([trial_of_p(P), trial_of_p(P)], 9)
    for name in ("dyn_unc", "dual", "dyn_unc_se", "dual_se"):
        assert np.isnan(columns[name]).all()


def test_later_epochs_do_not_count(trial_of_p) -> None:
    whole = score_columns([trial_of_p(P)], 10)
    cut = score_columns([trial_of_p(P[:10])], 10)
    assert_allclose(whole["dual"], cut["dual"], rtol=0)


def test_what_is_never_learned_scores_as_the_easiest_does(trial_of_p) -> None:
    right, wrong, border = [0.98] * 10, [0.02] * 10, [0.25, 0.75] * 5
    columns = score_columns([trial_of_p(np.array([right, wrong, border]).T)], 10)
    assert_allclose(columns["dual"][:2], 0, atol=1e-7)
    assert columns["dual"][2] > 0.1
    (declared,) = (score.high_means for score in SCORES if score.name == "dual")
    assert declared == "ambiguous"


def test_learning_late_scores_more_than_learning_early(trial_of_p) -> None:
    early = [0.1] + [0.9] * 9
    late = [0.1] * 9 + [0.9]
    columns = score_columns([trial_of_p(np.array([early, late]).T)], 10)
    assert columns["dual"][1] > columns["dual"][0]
    assert_allclose(columns["dyn_unc"][0], columns["dyn_unc"][1], rtol=1e-6)
