"""Scores of records with epochs that were not observed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from easiness.errors import BadInput
from easiness.record import KeptLogits
from easiness.scores import SCORES, score_columns

NAN = np.nan

# columns: always right, never, learned late for good, learned and lost, flickering
SEEN = np.array(
    [
        [1, 0, 0, 0, 1],
        [1, 0, 0, 1, 0],
        [1, 0, 1, 0, 1],
    ]
)
EPOCHS = (2, 4, 5)


def at_epochs(obs, epochs):
    return replace(obs, epochs=epochs)


@pytest.mark.parametrize(
    ("m", "name", "expected"),
    [
        (5, "first_learned_epoch", [2, NAN, 5, 4, 2]),
        (5, "iteration_learned", [2, NAN, 5, NAN, 5]),
        (4, "first_learned_epoch", [2, NAN, NAN, 4, 2]),
        (4, "iteration_learned", [2, NAN, NAN, 4, NAN]),
        (5, "cumulative_accuracy", [1, 0, 1 / 3, 1 / 3, 2 / 3]),
        (4, "cumulative_accuracy", [1, 0, 0, 1 / 2, 1 / 2]),
        (5, "forgetting_events", [NAN] * 5),
        (5, "easiness", [1, 0, 1, 0, 1]),
        (4, "easiness", [1, 0, 0, 1, 0]),
        (5, "never_learned", [False, True, False, False, False]),
        (4, "never_learned", [False, True, True, False, False]),
    ],
)
def test_epochs_are_true_numbers_among_those_observed(trial_of_right, m, name, expected):
    columns = score_columns([at_epochs(trial_of_right(SEEN), EPOCHS)], m)
    assert_allclose(columns[name], expected)


def test_means_and_spreads_are_over_the_epochs_observed(trial_of_p):
    p = np.array([[0.2], [0.6], [0.9]])
    columns = score_columns([at_epochs(trial_of_p(p), EPOCHS)], 5)
    assert_allclose(columns["confidence"], p.mean(), rtol=1e-6)
    assert_allclose(columns["variability"], p.std(), rtol=1e-6)
    assert_allclose(columns["aleatoric"], (p * (1 - p)).mean(), rtol=1e-6)
    assert_allclose(columns["aum"], np.log(p / (1 - p)).mean(), rtol=1e-5)
    assert_allclose(columns["loss"], -np.log(0.9), rtol=1e-5)
    assert_allclose(columns["max_confidence"], 0.9, rtol=1e-6)


OVER_EPOCHS = (
    "cumulative_accuracy",
    "cumulative_confidence",
    "forgetting_events",
    "first_learned_epoch",
    "iteration_learned",
    "aum",
    "confidence",
    "variability",
    "correctness",
    "aleatoric",
    "dyn_unc",
    "dual",
)


@pytest.mark.parametrize(("epochs", "m"), [((12,), 12), ((2, 12), 2)])
def test_of_one_epoch_of_several_only_scores_at_it_are_defined(trial_of_right, epochs, m):
    rows = SEEN[-len(epochs) :]
    thin = [at_epochs(trial_of_right(rows), epochs) for _ in range(2)]
    alone = [at_epochs(trial_of_right(rows), tuple(range(1, len(epochs) + 1))) for _ in range(2)]
    columns, first = score_columns(thin, m), score_columns(alone, 1)
    for name in OVER_EPOCHS:
        assert np.isnan(columns[name]).all(), name
        assert np.isnan(columns[f"{name}_se"]).all(), name
    for name in ("easiness", "el2n", "loss", "entropy", "max_confidence", "never_learned"):
        assert_array_equal(columns[name], first[name], err_msg=name)
        assert not np.isnan(columns[name]).any()


def test_after_the_only_epoch_there_was_all_is_known(trial_of_right):
    columns = score_columns([trial_of_right(SEEN[:1])], 1)
    assert_array_equal(columns["cumulative_accuracy"], SEEN[0])
    assert_array_equal(columns["variability"], [0] * 5)
    assert_array_equal(columns["iteration_learned"], [1, NAN, NAN, NAN, 1])


@pytest.mark.parametrize(("epochs", "defined"), [(range(1, 13), True), (range(2, 14), False)])
def test_windows_need_every_epoch(trial_of_p, epochs, defined):
    p = np.linspace(0.6, 0.8, 12)[:, None]  # right at the last, so that easiness is defined
    columns = score_columns([at_epochs(trial_of_p(p), tuple(epochs))], max(epochs))
    for name in ("dyn_unc", "dual"):
        assert np.isfinite(columns[name]).all() == defined


def test_a_later_gap_takes_nothing_away(trial_of_right):
    whole = at_epochs(trial_of_right(SEEN), (1, 2, 4))
    assert_allclose(score_columns([whole], 2)["forgetting_events"], [0, NAN, NAN, 0, 1])
    assert np.isnan(score_columns([whole], 4)["forgetting_events"]).all()


def test_only_the_never_learned_rank_where_an_epoch_is_missing(trial_of_right):
    columns = score_columns([at_epochs(trial_of_right(SEEN), (1, 2, 4))], 4)
    (score,) = (score for score in SCORES if score.name == "forgetting_events")
    never = ~np.array(SEEN, bool).any(axis=0)
    assert 0 < never.sum() < len(never)  # type: ignore[arg-type]
    assert_array_equal(score.ranked(columns, 4), np.where(never, 4, NAN))


def test_logits_are_those_of_the_epoch(trial_of_logits):
    logits = np.array([[[3.0, 0], [0, 3]], [[0, 1], [0, 1]]])
    obs = trial_of_logits(logits, [0, 1], trained_on=[False, False], keep=[True, True])
    assert isinstance(obs.logits, KeptLogits)
    columns = score_columns([at_epochs(obs, (2, 4))], 4)
    p = 1 / (1 + np.exp(-1))
    assert_allclose(columns["normalized_margin"], [1 - 2 * p, 2 * p - 1], rtol=1e-6)


def test_an_epoch_that_was_not_observed_has_no_scores(trial_of_right):
    with pytest.raises(BadInput, match=r"epoch 3: .*observed .* 2, 4, 5"):
        score_columns([at_epochs(trial_of_right(SEEN), EPOCHS)], 3)
    with pytest.raises(BadInput, match=r"epoch 6: a trial has 5 epoch\(s\)"):
        score_columns([at_epochs(trial_of_right(SEEN), EPOCHS)], 6)


def test_augmented_observations_are_scored_alike(trial_of_right):
    clean = trial_of_right(SEEN)
    columns, augmented = score_columns([clean], 3), score_columns([replace(clean, augmented=True)], 3)
    for name, values in columns.items():
        assert_array_equal(augmented[name], values)
