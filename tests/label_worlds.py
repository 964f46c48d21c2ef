"""Probabilities of wrong labels where the truth is known: ridge regression on features of simulated classes.

The regression is on the labels as given, and what it says of an example is said without it. Classes are
normal, have heavy tails, or are hard in one part of the examples. Labels that are confused are drawn from
what another network might say: one that sees other features, and is often wrong.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq
from scipy.special import softmax
from sklearn.metrics import average_precision_score

Values = npt.NDArray[np.float64]
Positions = npt.NDArray[np.int64]

NUM = 1500
STRENGTH = 10.0


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
