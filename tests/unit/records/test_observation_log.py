from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import log_softmax
from scipy.stats import entropy

from easiness.records import (
    ObservationLog,
    Observations,
    TrialRecord,
    example_statistics,
    known_rival,
)
from recording import trial_of_logits

IDS = np.array([10, 11, 12, 13])
LABELS = np.array([0, 1, 2, 0])


def logits(seed: int, num: int = 4) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 2, (num, 3)).astype(np.float32)


def at(*positions: int) -> np.ndarray:
    return np.array(positions, np.int64)


def test_only_some_epochs_may_be_observed():
    log = ObservationLog(IDS, LABELS, 3, epochs=(2, 5), augmented=True)
    asked = []
    for epoch in range(1, 6):
        asked.append(log.next_epoch)
        if log.next_epoch == epoch:
            log.update(at(0, 1, 2, 3), logits(epoch))
            log.end_epoch()
    assert asked == [2, 2, 5, 5, 5]
    assert log.next_epoch == 0
    seen = log.observations()
    assert (seen.epochs, seen.num_epochs, seen.augmented) == ((2, 5), 2, True)
    assert seen.prediction.tolist() == [logits(e).argmax(1).tolist() for e in (2, 5)]
    assert [seen.row(2), seen.row(5)] == [0, 1]
    assert [seen.num_until(m) for m in range(1, 6)] == [0, 1, 1, 1, 2]


# few classes and many are laid out differently; 300 examples of 300 classes are more than a block
@pytest.mark.parametrize("num_classes", [2, 7, 64, 65, 300])
def test_against_scipy(num_classes):
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 5, (300, num_classes)).astype(np.float32)
    labels = rng.integers(0, num_classes, 300)
    rows = np.arange(300)
    seen = example_statistics(logits, labels)
    log_p = log_softmax(logits.astype(np.float64), axis=1)
    p = np.exp(log_p)
    others = logits.copy()
    others[rows, labels] = -np.inf
    np.testing.assert_array_equal(seen.prediction, logits.argmax(1))
    np.testing.assert_array_equal(seen.rival, others.argmax(1))
    np.testing.assert_allclose(seen.loss, -log_p[rows, labels], rtol=1e-6, atol=1e-12)
    np.testing.assert_allclose(seen.margin, logits[rows, labels] - others.max(1), rtol=1e-6)
    np.testing.assert_allclose(
        seen.error_norm, np.linalg.norm(p - np.eye(num_classes)[labels], axis=1), rtol=1e-6, atol=1e-12
    )
    np.testing.assert_allclose(seen.entropy, entropy(p, axis=1), rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("num_classes", [7, 64, 65, 300])
@pytest.mark.parametrize("batch", [1, 2, 219])
def test_an_example_has_the_same_bits_in_any_batch(num_classes, batch):
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 5, (438, num_classes)).astype(np.float32)
    labels = rng.integers(0, num_classes, 438)
    together = example_statistics(logits, labels)
    parts = [example_statistics(logits[i : i + batch], labels[i : i + batch]) for i in range(0, 438, batch)]
    for name, expected in together._asdict().items():
        np.testing.assert_array_equal(np.concatenate([getattr(part, name) for part in parts]), expected)


# columns beyond the fifth are below the others
@pytest.mark.parametrize("num_classes", [5, 100])
def test_the_rival_is_the_largest_other_the_first_of_equals(num_classes):
    logits = np.full((6, num_classes), -9, np.float32)
    logits[:, :5] = [
        [5, 3, 4, 1, 0],
        [1, 3, 3, 5, 3],
        [5, 5, 2, 5, 1],
        [5, 5, 2, 5, 1],
        [0, 0, 0, 0, 0],
        [2, 1, 0, 0, 1],
    ]
    seen = example_statistics(logits, np.array([0, 3, 0, 2, 0, 1]))
    assert seen.prediction.tolist() == [0, 3, 0, 0, 0, 0]
    assert seen.rival.tolist() == [2, 1, 1, 0, 1, 0]
    assert seen.margin.tolist() == [1, 2, 0, -3, 0, -1]


def test_predictions_tell_a_part_of_the_rivals():
    prediction = np.array([[1, 0, 2], [0, 0, 1]], np.int32)
    rival = known_rival(prediction, np.array([0, 0, 1]))
    assert rival.tolist() == [[1, -1, 2], [-1, -1, -1]]
    assert rival.dtype == np.int32


def test_a_loss_near_zero_keeps_its_digits():
    # -log(1 / (1 + exp(-20))); 1 - p is below what float32 resolves beside 1
    seen = example_statistics(np.array([[20.0, 0.0]], np.float32), np.array([0]))
    np.testing.assert_allclose(seen.loss, np.log1p(np.exp(-20.0)), rtol=1e-6)
    np.testing.assert_allclose(seen.error_norm, np.sqrt(2) * np.exp(-20.0), rtol=1e-6)


@pytest.fixture
def train() -> Observations:
    # right: [yes, no, no, yes], then [yes, yes, no, yes]
    said = [[0, 0, 0, 2], [0, 1, 0, 2]]
    return trial_of_logits(np.eye(3)[said], [0, 1, 2, 2], trained_on=[True, True, True, False])


def test_accuracy_by_part(train):
    held_out = trial_of_logits(np.eye(3)[[[0], [1]]], [1], trained_on=[False])
    record = TrialRecord({"train": train, "held_out": held_out})
    assert record.num_epochs == 2
    assert record.accuracy() == {
        "train": [pytest.approx(1 / 3), pytest.approx(2 / 3)],
        "left_out": [1.0, 1.0],
        "held_out": [0.0, 1.0],
    }


def test_parts_that_are_not_there_are_left_out_of_the_accuracy(train):
    everything = replace(train, trained_on=np.ones(4, np.bool_))
    assert TrialRecord({"train": everything}).accuracy() == {"train": [0.5, 0.75]}
    told = TrialRecord({"train": everything}, held_out_accuracy=[0.1, 0.2])
    assert told.accuracy() == {"train": [0.5, 0.75], "held_out": [0.1, 0.2]}
