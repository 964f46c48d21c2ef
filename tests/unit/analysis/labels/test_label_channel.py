"""Probabilities of wrong labels where the truth is known: ridge regression on features of simulated classes.

The regression is on the labels as given, and what it says of an example is said without it. Classes are
normal, have heavy tails, or are hard in one part of the examples. Labels that are confused are drawn from
what another network might say: one that sees other features, and is often wrong.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pytest
from scipy.optimize import brentq
from scipy.special import softmax
from sklearn.metrics import average_precision_score

from easiness.analysis import LabelNoise, label_noise_of_outputs
from easiness.analysis.labels import channel as label_channel
from lengths import long_but

Values = npt.NDArray[np.float64]
Positions = npt.NDArray[np.int64]

NUM = 1500
STRENGTH = 10.0
SHAPES = ("normal", "heavy", "groups")


@dataclass(frozen=True)
class World:
    """What heads say of each class [NUM, C], the labels, and which are wrong."""

    outputs: Values
    labels: Positions
    wrong: npt.NDArray[np.bool_]

    def average_precision(self, suspicion: Values) -> float:
        return float(average_precision_score(self.wrong, suspicion))

    def margin(self) -> Values:
        others = self.outputs.copy()
        others[np.arange(NUM), self.labels] = -np.inf
        margin: Values = self.outputs[np.arange(NUM), self.labels] - others.max(axis=1)
        return margin


def world(shape: str, kind: str, share: float, num_classes: int = 10) -> World:
    rng = np.random.default_rng(num_classes)
    true = rng.integers(num_classes, size=NUM)
    features = _around(shape, rng, true, num_classes)
    labels = _mislabelled(kind, share, rng, true, num_classes)
    return World(held_out(features, np.eye(num_classes)[labels]), labels, labels != true)


def _around(shape: str, rng: np.random.Generator, true: Positions, num_classes: int) -> Values:
    noise = rng.normal(size=(NUM, 2 * num_classes))
    if shape == "normal":
        noise *= 0.8
    elif shape == "heavy":
        noise *= 0.5 / np.sqrt(rng.chisquare(3, size=(NUM, 1)) / 3)
    else:
        noise *= np.where(rng.random((NUM, 1)) < 0.3, 1.6, 0.4)
    features: Values = rng.normal(size=(num_classes, 2 * num_classes))[true] + noise
    return features


def _mislabelled(
    kind: str, share: float, rng: np.random.Generator, true: Positions, num_classes: int
) -> Positions:
    if kind != "confused":
        step = 1 if kind == "pair" else rng.integers(1, num_classes, size=NUM)
        return np.where(rng.random(NUM) < share, (true + step) % num_classes, true)
    rows = np.arange(NUM)
    said = rng.normal(size=(NUM, num_classes))  # of what the features do not show
    alike = rng.normal(size=(num_classes, num_classes))
    said += (alike + alike.T)[true] / 2
    said[rows, true] = rng.normal(size=NUM)

    def given(favour: float) -> Values:
        chance: Values = softmax(said + favour * np.eye(num_classes)[true], axis=1)
        return chance

    favour = brentq(lambda one: (1 - given(one)[rows, true]).mean() - share, -20, 40)
    return (given(favour).cumsum(axis=1) > rng.random((NUM, 1))).argmax(axis=1)


def held_out(features: Values, targets: Values) -> Values:
    """What ridge regression says of each example that it did not see, in closed form."""
    points = features - features.mean(axis=0)
    inverse = np.linalg.inv(points.T @ points + STRENGTH * np.eye(points.shape[1]))
    own = np.einsum("nd,de,ne->n", points, inverse, points) + 1 / len(points)
    fitted = points @ (inverse @ (points.T @ targets)) + targets.mean(axis=0)
    without: Values = targets - (targets - fitted) / (1 - own)[:, None]
    return without


def calibration_error(p_wrong: Values, wrong: npt.NDArray[np.bool_]) -> float:
    bins = np.minimum((p_wrong * 10).astype(int), 9)
    return float(np.abs(np.bincount(bins, p_wrong - wrong, 10)).sum() / len(wrong))


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
