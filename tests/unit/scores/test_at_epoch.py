from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from easiness.scores import score_columns

LOGITS = np.log([[[0.2, 0.3, 0.5], [0.1, 0.8, 0.1]], [[0.7, 0.2, 0.1], [0.5, 0.25, 0.25]]])
LABELS = [0, 1]


@pytest.mark.parametrize(
    ("name", "first", "second"),
    [
        # not squared, which would give 0.98 and 0.06
        ("el2n", [np.sqrt(0.64 + 0.09 + 0.25), np.sqrt(0.06)], [np.sqrt(0.14), np.sqrt(0.875)]),
        ("loss", [-np.log(0.2), -np.log(0.8)], [-np.log(0.7), -np.log(0.25)]),
        ("max_confidence", [0.5, 0.8], [0.7, 0.5]),
        ("entropy", [1.029653, 0.639032], [0.801819, 1.039721]),
    ],
)
def test_reads_the_row_of_epoch_m(trial_of_logits, name, first, second) -> None:
    trial = trial_of_logits(LOGITS, LABELS)
    assert_allclose(score_columns([trial], 1)[name], first, atol=1e-6)
    assert_allclose(score_columns([trial], 2)[name], second, atol=1e-6)


def test_two_trials_give_a_standard_error(trial_of_p) -> None:
    columns = score_columns([trial_of_p([[0.6]]), trial_of_p([[0.9]])], 1)
    assert_allclose(columns["max_confidence"], [0.75], atol=1e-6)
    assert_allclose(columns["max_confidence_se"], [0.15], atol=1e-6)
    assert_allclose(columns["loss_se"], [(np.log(0.9) - np.log(0.6)) / 2], atol=1e-6)


def test_extreme_logits_neither_overflow_nor_pass_one(trial_of_logits) -> None:
    trial = trial_of_logits([[[0.0, 5000.0], [5000.0, 0.0]]], [0, 0])
    columns = score_columns([trial], 1)
    assert_allclose(columns["max_confidence"], [1, 1])
    assert_allclose(columns["loss"], [5000, 0])
    assert_allclose(columns["confidence"], [0, 1])
