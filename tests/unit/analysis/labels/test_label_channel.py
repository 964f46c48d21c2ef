"""Probabilities of wrong labels by densities of classes, in the worlds of `label_worlds`."""

from __future__ import annotations

import numpy as np
import pytest

from easiness.analysis import LabelNoise, label_noise_of_outputs
from easiness.analysis.labels import channel as label_channel
from label_worlds import NUM, World, calibration_error, world
from lengths import long_but

SHAPES = ("normal", "heavy", "groups")


def checked(told: World) -> LabelNoise:
    found = label_noise_of_outputs(told.outputs, told.labels)
    assert np.isfinite(found.suspicion).all()
    assert ((found.p_wrong >= 0) & (found.p_wrong <= 1)).all()
    assert (np.diff(found.p_wrong[found.suspicion.argsort()]) >= 0).all()
    return found


@pytest.mark.parametrize("share", [0.05, 0.2, 0.4])
@pytest.mark.parametrize("kind", ["uniform", "pair", "confused"])
@pytest.mark.parametrize("shape", long_but(SHAPES, ["groups"]))
def test_wrong_labels_of_all_kinds(shape, kind, share):
    told = world(shape, kind, share)
    found = checked(told)
    assert calibration_error(found.p_wrong, told.wrong) <= 0.05
    assert found.share == pytest.approx(told.wrong.mean(), abs=0.03)
    assert told.average_precision(found.suspicion) >= told.average_precision(-told.margin()) - 0.01


@pytest.mark.parametrize("num_classes", [2, 3, 10])
@pytest.mark.parametrize("shape", SHAPES)
def test_sound_labels_of_hard_examples(shape, num_classes):
    told = world(shape, "uniform", 0.0, num_classes)
    assert checked(told).share <= 0.03


def test_a_label_taken_for_one_other_nearly_as_often_as_not():
    """Heads are pulled halfway to the other class, so that the margin knows little."""
    told = world("normal", "pair", 0.4, num_classes=3)
    assert told.average_precision(-told.margin()) < 0.85
    assert told.average_precision(checked(told).suspicion) > 0.98


def test_learned_from_some_and_said_of_all(monkeypatch):
    told = world("normal", "uniform", 0.2)
    monkeypatch.setattr(label_channel, "_MOST_OF_CLASS", 50)
    monkeypatch.setattr(label_channel, "_AT_ONCE", 1000)
    found = checked(told)
    assert len(found.p_wrong) == NUM
    assert found.share == pytest.approx(0.2, abs=0.03)


def test_whatever_the_order_and_the_scale():
    told = world("heavy", "pair", 0.2)
    found = checked(told)
    shuffled = np.random.default_rng(0).permutation(NUM)
    moved = label_noise_of_outputs(30 * told.outputs[shuffled] + 7, told.labels[shuffled])
    np.testing.assert_allclose(moved.p_wrong, found.p_wrong[shuffled], atol=1e-3)


@pytest.mark.parametrize("labels", [np.arange(40) % 4, np.arange(40) % 3])
def test_outputs_that_are_all_alike_have_probabilities_by_class_alone(labels):
    """So has a class that no label names."""
    found = label_noise_of_outputs(np.zeros((40, 4)), labels)
    assert np.isfinite(found.suspicion).all()
    for label in np.unique(labels):
        assert np.ptp(found.p_wrong[labels == label]) < 1e-6


def test_two_classes_far_apart_and_one_label_wrong():
    outputs = np.repeat([[1.0, 0.0], [0.0, 1.0]], 20, axis=0) + np.random.default_rng(0).normal(
        0, 0.1, (40, 2)
    )
    labels = np.repeat([0, 1], 20)
    labels[3] = 1
    found = label_noise_of_outputs(outputs, labels)
    assert found.suspicion.argmax() == 3
    assert found.p_wrong[3] > 0.5
    assert found.share < 0.1
