"""Which class is labelled as which other, by hand and where it is known."""

from __future__ import annotations

import numpy as np
import pytest

from easiness.analysis.labels.transition import confident_joint, without_transition, wrong_by_transition

T = np.array([[0.7, 0.3, 0.0], [0.0, 0.9, 0.1], [0.1, 0.1, 0.8]])


def test_the_confident_joint_of_four_examples():
    """Sure is .8 for the first class and .55 for the second; the second example is neither.

    The first counts twice, as two labels are of its class.
    """
    p = np.array([[0.9, 0.1], [0.7, 0.3], [0.85, 0.15], [0.05, 0.95]])
    joint = confident_joint(p, np.array([0, 0, 1, 1]))
    np.testing.assert_allclose(joint, [[2, 1], [0, 1]], atol=1e-8)


def test_a_class_without_a_label_has_no_examples():
    p = np.array([[0.9, 0.05, 0.05], [0.1, 0.85, 0.05]])
    np.testing.assert_allclose(confident_joint(p, np.array([0, 1])), np.diag([1, 1, 0]), atol=1e-8)


def test_probabilities_without_a_known_transition():
    q = np.random.default_rng(0).dirichlet([5, 5, 5], 200)
    np.testing.assert_allclose(without_transition(q @ T, T), q, atol=0.001)


def test_no_transition_changes_nothing():
    p = np.array([[0.5, 0.3, 0.2], [1, 0, 0]])
    np.testing.assert_allclose(without_transition(p, np.eye(3)), p, atol=1e-6)
    np.testing.assert_allclose(wrong_by_transition(np.eye(3), np.arange(3)), 0, atol=1e-6)


@pytest.mark.parametrize("transition", [T, np.eye(3), 0.7 * np.eye(3) + 0.1])
def test_the_number_of_wrong_labels_where_networks_say_how_labels_are_given(transition):
    """Labels are drawn by p = q T: the number that is wrong is known, and not who."""
    rng = np.random.default_rng(0)
    q = rng.dirichlet([0.05] * 3, 20_000)
    true = (q.cumsum(axis=1) < rng.random((len(q), 1))).sum(axis=1)
    labels = (transition[true].cumsum(axis=1) < rng.random((len(q), 1))).sum(axis=1)
    wrong = wrong_by_transition(q @ transition, labels)
    assert ((wrong >= 0) & (wrong <= 1)).all()
    assert wrong.mean() == pytest.approx((labels != true).mean(), abs=0.02)
