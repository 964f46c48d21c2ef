from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from easiness.errors import BadInput
from easiness.scoring import SCORES, score_columns
from easiness.scoring.held_out import off_the_diagonal
from recording import trial_of_logits, trial_of_p, trial_of_right

NAN = np.nan
# examples: trained on in trials 1-2, in none, in all, in trial 1 alone
TRAINED = np.array([[1, 0, 1, 1], [1, 0, 1, 0], [0, 0, 1, 0], [0, 0, 1, 0]])
RIGHT = np.array([[1, 1, 1, 1], [1, 0, 1, 0], [1, 1, 0, 0], [0, 0, 1, 0]])


@pytest.fixture
def trials():
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


def test_half_widths_of_both_groups_add_as_their_squares() -> None:
    groups = ((True, [1] * 5 + [0] * 5), (False, [1] * 2 + [0] * 8))
    trials = [trial_of_right([[r]], trained_on=[on]) for on, rights in groups for r in rights]
    columns = score_columns(trials, 1)
    away = 2.262157 * np.sqrt(0.25 / 9 + 0.16 / 9)  # Student's t with 9 degrees of freedom
    assert_allclose(columns["memorization_low"], [0.3 - away], rtol=1e-5)
    assert_allclose(columns["memorization_high"], [0.3 + away], rtol=1e-5)


def test_self_confidence_needs_no_logits() -> None:
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


def trial(p, labels, trained_on, keep=None):
    keep = np.ones(len(labels), bool) if keep is None else keep
    return trial_of_logits(np.log([p]), labels, trained_on=trained_on, keep=keep)


def test_margin_is_against_the_rival_of_the_averaged_probabilities() -> None:
    # The rival is class 1 in one trial, class 2 in the other, and class 2 in the mean.
    trials = [
        trial([[0.6, 0.3, 0.1], [0.6, 0.3, 0.1]], [0, 0], [False, False]),
        trial([[0.3, 0.1, 0.6], [0.6, 0.3, 0.1]], [0, 0], [False, True]),
    ]
    columns = score_columns(trials, 1)
    assert_allclose(columns["normalized_margin"], [0.45 - 0.35, 0.3], atol=1e-6)
    # p_y - p_2 is 0.5 and -0.3: std 0.8 / sqrt(2), over sqrt(2)
    assert_allclose(columns["normalized_margin_se"], [0.4, NAN], atol=1e-6)


def test_trials_that_trained_on_it_or_kept_no_logits_of_it_do_not_count() -> None:
    seen = [[0.01, 0.99], [0.3, 0.7]]
    unseen = [[0.8, 0.2], [0.4, 0.6]]
    trials = [
        trial(seen, [0, 1], [True, True]),
        trial(unseen, [0, 1], [False, False], keep=[True, False]),
    ]
    columns = score_columns(trials, 1)
    assert_allclose(columns["normalized_margin"], [0.6, NAN], atol=1e-6)
    assert_allclose(columns["confident_learning_flag"], [0, NAN])
    assert_allclose(columns["self_confidence"], [0.8, 0.6], atol=1e-6)


P = [  # of classes 0, 1, 2
    [0.9, 0.05, 0.05],
    [0.7, 0.2, 0.1],
    [0.1, 0.85, 0.05],
    [0.1, 0.8, 0.1],
    [0.2, 0.6, 0.2],
    [0.4, 0.35, 0.25],
    [0.1, 0.1, 0.8],
]
LABELS = [0, 0, 0, 1, 1, 1, 2]


def test_flag_is_off_the_diagonal_of_the_confident_joint() -> None:
    one = trial(P, LABELS, [False] * 7)
    columns = score_columns([one, one], 1)
    # t_0 = (0.9 + 0.7 + 0.1) / 3 = 0.567, t_1 = (0.8 + 0.6 + 0.35) / 3 = 0.583, t_2 = 0.8.
    # The third, labelled 0, is confidently 1. The sixth, labelled 1, is likelier 0, but 0.4 is below
    # t_0: it is no one's. The last equals its threshold, which counts as reaching it.
    assert_allclose(columns["confident_learning_flag"], [0, 0, 1, 0, 0, 0, 0])
    assert np.isnan(columns["confident_learning_flag_se"]).all()


def test_a_label_that_reaches_its_threshold_and_is_larger_is_not_suspect() -> None:
    # Both reach their thresholds for the first example (t_0 = 0.55, t_1 = 0.4): the larger decides.
    p = [[0.55, 0.45], [0.6, 0.4]]
    columns = score_columns([trial(p, [0, 1], [False, False])], 1)
    assert_allclose(columns["confident_learning_flag"], [0, 1])


def test_a_class_below_its_threshold_contests_nothing_be_it_the_likeliest() -> None:
    # t_0 = 0.9, t_1 = 0.3, t_2 = 0.2. The first is labelled 1: 1 and 2 reach theirs, and 1 is the likelier.
    # cleanlab 2.9.0 counts it for 0, the likeliest of all.
    q = np.array([[0.4, 0.35, 0.25], [0.9, 0.05, 0.05], [0.7, 0.25, 0.05], [0.6, 0.2, 0.2]])
    assert off_the_diagonal(q, np.array([1, 0, 1, 2])).tolist() == [False] * 4


def test_a_likeliest_label_below_its_threshold_is_contested_by_a_class_that_reaches_its_own() -> None:
    # t_0 = 0.75, t_1 = 0.3. The first is labelled 0, but only 1 reaches its threshold.
    # cleanlab's confident joint agrees; its filter drops it for being predicted as labelled.
    q = np.array([[0.6, 0.4], [0.9, 0.1], [0.7, 0.3]])
    assert off_the_diagonal(q, np.array([0, 0, 1])).tolist() == [True, False, False]


def test_a_class_without_out_of_sample_examples_contests_nothing() -> None:
    p = [[0.2, 0.8], [0.6, 0.4], [0.3, 0.7]]
    columns = score_columns([trial(p, [0, 0, 1], [False, False, True])], 1)
    assert_allclose(columns["confident_learning_flag"], [0, 0, NAN])


def test_examples_left_out_here_and_there_keep_their_places() -> None:
    # 0 and 2 left out at first, 1 and 2 then: once not side by side, once side by side
    p = [[0.9, 0.1], [0.7, 0.3], [0.6, 0.4]]
    trials = [
        trial(p, [0, 0, 0], [False, True, False]),
        trial(p, [0, 0, 0], [True, False, False]),
    ]
    assert_allclose(score_columns(trials, 1)["normalized_margin"], [0.8, 0.4, 0.2], atol=1e-6)


# columns: always right, never, learned late for good, learned and lost, flickering
SEEN = np.array(
    [
        [1, 0, 0, 0, 1],
        [1, 0, 0, 1, 0],
        [1, 0, 1, 0, 1],
    ]
)
EPOCHS = (2, 4, 5)


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
def test_epochs_are_true_numbers_among_those_observed(m, name, expected):
    columns = score_columns([trial_of_right(SEEN, epochs=EPOCHS)], m)
    assert_allclose(columns[name], expected)


def test_means_and_spreads_are_over_the_epochs_observed():
    p = np.array([[0.2], [0.6], [0.9]])
    columns = score_columns([trial_of_p(p, epochs=EPOCHS)], 5)
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
def test_of_one_epoch_of_several_only_scores_at_it_are_defined(epochs, m):
    rows = SEEN[-len(epochs) :]
    thin = [trial_of_right(rows, epochs=epochs) for _ in range(2)]
    alone = [trial_of_right(rows, epochs=tuple(range(1, len(epochs) + 1))) for _ in range(2)]
    columns, first = score_columns(thin, m), score_columns(alone, 1)
    for name in OVER_EPOCHS:
        assert np.isnan(columns[name]).all(), name
        assert np.isnan(columns[f"{name}_se"]).all(), name
    for name in ("easiness", "el2n", "loss", "entropy", "max_confidence", "never_learned"):
        assert_array_equal(columns[name], first[name], err_msg=name)
        assert not np.isnan(columns[name]).any()


@pytest.mark.parametrize(("epochs", "defined"), [(range(1, 13), True), (range(2, 14), False)])
def test_windows_need_every_epoch(epochs, defined):
    p = np.linspace(0.6, 0.8, 12)[:, None]  # right at the last, so that easiness is defined
    columns = score_columns([trial_of_p(p, epochs=tuple(epochs))], max(epochs))
    for name in ("dyn_unc", "dual"):
        assert np.isfinite(columns[name]).all() == defined


def test_a_later_gap_takes_nothing_away_and_from_it_on_only_the_never_learned_rank():
    whole = trial_of_right(SEEN, epochs=(1, 2, 4))
    assert_allclose(score_columns([whole], 2)["forgetting_events"], [0, NAN, NAN, 0, 1])
    columns = score_columns([whole], 4)
    assert np.isnan(columns["forgetting_events"]).all()
    (score,) = (score for score in SCORES if score.name == "forgetting_events")
    never = ~np.array(SEEN, bool).any(axis=0)
    assert 0 < never.sum() < len(never)  # type: ignore[arg-type]
    assert_array_equal(score.for_ranking(columns, 4), np.where(never, 4, NAN))


def test_an_epoch_that_was_not_observed_has_no_scores():
    for epoch in (3, 6):
        with pytest.raises(BadInput, match=rf"epoch {epoch}: .*observed .* 2, 4, 5"):
            score_columns([trial_of_right(SEEN, epochs=EPOCHS)], epoch)


def test_augmented_observations_are_scored_alike():
    clean = trial_of_right(SEEN)
    columns, augmented = score_columns([clean], 3), score_columns([replace(clean, augmented=True)], 3)
    for name, values in columns.items():
        assert_array_equal(augmented[name], values)
