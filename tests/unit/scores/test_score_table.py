from __future__ import annotations

import weakref
from typing import Any

import numpy as np
import pytest

from easiness.errors import BadInput
from easiness.scores import SCORES, score_columns

NAMES = [
    "easiness",
    "difficulty",
    "cumulative_accuracy",
    "cumulative_confidence",
    "forgetting_events",
    "first_learned_epoch",
    "iteration_learned",
    "el2n",
    "aum",
    "confidence",
    "variability",
    "correctness",
    "aleatoric",
    "dyn_unc",
    "dual",
    "loss",
    "entropy",
    "max_confidence",
    "consistency",
    "memorization",
    "self_confidence",
    "normalized_margin",
    "confident_learning_flag",
]


def test_columns_come_in_order_with_errors_and_masks(trial_of_right) -> None:
    columns = score_columns([trial_of_right([[1, 0], [1, 1]])], 2)
    expected = [f"{score}{end}" for score in NAMES for end in ("", "_se", "_low", "_high")]
    assert list(columns) == [*expected, "never_learned", "never_learned_share"]
    assert [score.name for score in SCORES] == NAMES
    for name, values in columns.items():
        assert values.shape == (2,), name
        assert values.dtype == (np.bool_ if name == "never_learned" else np.float64), name


def test_declared_directions_hold(trial_of_logits) -> None:
    # The first example is right from the start and surely, the second rarely and barely; it is wrong
    # at the end where it was left out, in half of the trials.
    rng = np.random.default_rng(0)
    epochs = np.arange(12)[:, None]
    strength = np.concatenate([4 + 0 * epochs, np.where(epochs % 5 == 3, 2.0, -2.0)], axis=1)
    strength[11, 1] = 0.1
    trials = []
    for i in range(4):
        margin = strength + 0.05 * rng.random(strength.shape)
        margin[:, 1] -= 0.5 * (i % 2)
        logits = np.stack([margin, np.zeros_like(margin)], axis=2)
        out = np.full(2, i % 2 == 1)
        trials.append(trial_of_logits(logits, [0, 0], trained_on=~out, keep=[True, True]))
    columns = score_columns(trials, 12)
    for score in SCORES:
        easy, hard = columns[score.name]
        if score.high_means in ("easy", "sound label"):
            assert easy > hard, score.name
        elif score.name != "confident_learning_flag":  # two examples of one class cannot contest a label
            assert easy < hard, score.name


def test_trials_are_streamed(trial_of_right) -> None:
    alive: list[weakref.ref[Any]] = []

    def stream():
        for _ in range(3):
            assert all(ref() is None for ref in alive), "an earlier trial is still in memory"
            trial = trial_of_right([[1, 0], [1, 1]])
            alive.append(weakref.ref(trial))
            yield trial
            del trial

    score_columns(stream(), 2)
    assert len(alive) == 3


def test_no_trial_is_an_error() -> None:
    with pytest.raises(BadInput, match="none is finished"):
        score_columns([], 1)


@pytest.mark.parametrize("epoch", [0, 3])
def test_epoch_outside_the_record_is_an_error(trial_of_right, epoch) -> None:
    with pytest.raises(BadInput, match=rf"epoch {epoch}: .*1\.\.2"):
        score_columns([trial_of_right([[1], [1]])], epoch)
