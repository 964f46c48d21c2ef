from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from easiness.record import Observations, TrialRecord


def observations(prediction: list[list[int]], labels: list[int], trained_on: list[bool]) -> Observations:
    shape = np.shape(prediction)
    zeros = np.zeros(shape, np.float32)
    return Observations(
        labels=np.array(labels),
        num_classes=3,
        trained_on=np.array(trained_on),
        prediction=np.array(prediction, np.int32),
        loss=zeros,
        margin=zeros,
        error_norm=zeros,
        entropy=zeros,
        rival=np.zeros(shape, np.int32),
    )


@pytest.fixture
def train() -> Observations:
    # right: [yes, no, no, yes], then [yes, yes, no, yes]
    return observations([[0, 0, 0, 2], [0, 1, 0, 2]], [0, 1, 2, 2], [True, True, True, False])


def test_accuracy_over_all_and_over_a_mask(train):
    assert train.correct.tolist() == [[True, False, False, True], [True, True, False, True]]
    assert train.accuracy() == [0.5, 0.75]
    assert train.accuracy(np.array([True, True, False, False])) == [0.5, 1.0]
    assert train.accuracy(np.zeros(4, np.bool_)) is None


def test_p_label_is_exp_of_minus_the_loss(train):
    loss = np.log(np.array([[1, 2, 4, 8], [1, 2, 4, 8]])).astype(np.float32)
    p = replace(train, loss=loss).p_label
    assert p.dtype == np.float64
    np.testing.assert_allclose(p[0], [1, 0.5, 0.25, 0.125], rtol=1e-6)


def test_accuracy_by_part(train):
    held_out = observations([[0], [1]], [1], [False])
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


def test_a_trial_may_have_observed_the_held_out_split_alone():
    record = TrialRecord({"held_out": observations([[0], [1], [1]], [1], [False])})
    assert record.num_epochs == 3
    assert record.accuracy() == {"held_out": [0.0, 1.0, 1.0]}
