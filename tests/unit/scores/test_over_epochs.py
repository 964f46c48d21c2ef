from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from easiness.scores import score_columns

P = np.array([[0.2, 0.9, 0.1], [0.6, 0.9, 0.1], [0.7, 0.9, 0.1]])  # learned, always right, never


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("cumulative_accuracy", [2 / 3, 1, 0]),
        ("correctness", [2 / 3, 1, 0]),
        ("cumulative_confidence", [0.5, 0.9, 0.1]),
        ("confidence", [0.5, 0.9, 0.1]),
        # population: sqrt((0.09 + 0.01 + 0.04) / 3); not 0, as it is where sums restart every epoch
        ("variability", [np.sqrt(0.14 / 3), 0, 0]),
        ("aleatoric", [(0.16 + 0.24 + 0.21) / 3, 0.09, 0.09]),
    ],
)
def test_one_trial(trial_of_p, name, expected) -> None:
    columns = score_columns([trial_of_p(P)], 3)
    assert_allclose(columns[name], expected, atol=1e-6)
    assert np.isnan(columns[f"{name}_se"]).all()


def test_one_epoch_has_no_variability_but_a_value(trial_of_p) -> None:
    columns = score_columns([trial_of_p(P)], 1)
    assert_allclose(columns["variability"], [0, 0, 0])
    assert_allclose(columns["confidence"], P[0], atol=1e-6)


def test_scores_are_computed_in_a_trial_and_then_averaged(trial_of_p) -> None:
    # Two constant trials: the variability over epochs is 0, whatever the spread over trials.
    trials = [trial_of_p([[0.2], [0.2]]), trial_of_p([[0.8], [0.8]])]
    columns = score_columns(trials, 2)
    assert_allclose(columns["variability"], [0], atol=1e-12)
    assert_allclose(columns["confidence"], [0.5], atol=1e-6)
    assert_allclose(columns["confidence_se"], [0.3], atol=1e-6)  # std 0.6 / sqrt(2), over sqrt(2)
    assert_allclose(columns["correctness"], [0.5])
    assert_allclose(columns["correctness_se"], [0.5])


def test_aum_is_on_logits_over_all_epochs(trial_of_logits) -> None:
    logits = [[[5, 0, 1], [0, 3, 1]], [[9, 2, 0], [0, 3, 8]]]
    columns = score_columns([trial_of_logits(logits, [0, 1])], 2)
    # margins 4 and 7; 2 and -5: not the last alone, and far outside [-1, 1] where softmax would be
    assert_allclose(columns["aum"], [5.5, -1.5])
