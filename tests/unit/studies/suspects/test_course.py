"""What is told of each class, epoch by epoch, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from easiness.record import KeptLogits
from easiness.studies.suspects.course import Course, Told

LABELS = np.array([0, 1, 2])
P_LABEL, P_RIVAL = np.array([0.6, 0.1, 0.7]), np.array([0.3, 0.7, 0.2])
# the first has its label right and a known rival, the second is taken for the last class, the third is right
# and nobody knows whom it beats
SEEN = {
    "loss": -np.log(P_LABEL).astype(np.float32),
    "margin": np.log(P_LABEL / P_RIVAL).astype(np.float32),
    "prediction": np.array([0, 3, 2]),
    "rival": np.array([2, 3, -1]),
}
ALL = np.ones(3, np.bool_)


@pytest.fixture
def told() -> Told:
    return Told(LABELS, 4)


def test_mean_probabilities_with_known_rivals_and_without(told):
    told.add(ALL, SEEN, None)
    left = 0.1 / 3, 0.2 / 3, 0.3 / 3  # of each class but the label
    expected = [
        [0.6, left[0], 0.3 + left[0], left[0]],
        [left[1], 0.1, left[1], 0.7 + left[1]],
        [left[2], left[2], 0.7, left[2]],
    ]
    np.testing.assert_allclose(told.p(1.0), expected, atol=1e-6)
    np.testing.assert_allclose(told.p(1.0, np.array([1])), expected[1:2], atol=1e-6)


def test_so_much_of_the_class_next_to_the_label_is_told(told):
    told.add(ALL, SEEN, None)
    left = (1 - 0.6 - 0.15) / 3
    np.testing.assert_allclose(told.p(0.5)[0], [0.6, left, 0.15 + left, left], atol=1e-6)
    np.testing.assert_allclose(told.log_p()[0], np.log(told.p(0.5)[0] + 1e-4), atol=1e-6)


def test_only_trials_that_are_heard_count(told):
    """The second trial is heard of the first example alone, and takes it for the class 3 with .8."""
    told.add(ALL, SEEN, None)
    told.add(np.array([True, False, False]), _taken_for_the_last(), None)
    left = 0.2 / 2 / 3  # .1 in each trial, whose mean is shared by three classes
    np.testing.assert_allclose(told.p(1.0)[0], [0.35, left, 0.15 + left, 0.4 + left], atol=1e-6)
    assert told.p(1.0)[2, 2] == pytest.approx(0.7)
    assert told.of_all


def test_kept_logits_tell_all(told):
    p = np.array([[0.1, 0.2, 0.3, 0.4]])
    told.add(ALL, SEEN, KeptLogits(np.array([2]), np.log(p)[None].astype(np.float32)))
    np.testing.assert_allclose(told.p(1.0)[2], p[0], atol=1e-6)
    np.testing.assert_allclose(told.log_p()[2], np.log(p[0]), atol=1e-6)
    assert told.p(1.0)[0, 0] == pytest.approx(0.6)


def test_the_class_that_comes_next(told):
    told.add(ALL, SEEN, None)
    assert told.next_class().tolist() == [2, 3, -1]
    told.add(np.array([True, False, False]), _taken_for_the_last(), None)
    assert told.next_class().tolist() == [3, 3, -1]


def _taken_for_the_last() -> dict[str, np.ndarray]:
    """The same but for the first example, of which the last class has .8 and the label .1."""
    first = {"loss": -np.log(0.1), "margin": np.log(0.1 / 0.8), "prediction": 3, "rival": 3}
    return {name: np.concatenate([[first[name]], values[1:]]) for name, values in SEEN.items()}


def course(num_epochs: int, **options: bool) -> Course:
    heard = np.ones((2, 3), np.bool_)
    return Course(LABELS, 4, heard, 1, num_epochs, **{"left_out": False, "of_heads": False} | options)


def test_the_epochs_that_a_course_is_followed_at():
    """At most nine, in about equal ratios; of heads the end alone."""
    assert course(1).stages == (0,)
    assert course(4).stages == (0, 1, 2, 3)
    assert course(30).stages == (0, 1, 3, 4, 7, 12, 19, 29)
    assert course(5, of_heads=True).stages == (4,)


def test_a_course_of_two_epochs():
    """In the first both trials take one of three for another class, in the second one takes two."""
    followed = course(2)
    for row, seen in enumerate([(SEEN, SEEN), (SEEN, _taken_for_the_last())]):
        for trial, one in enumerate(seen):
            followed.add(trial, one, None)
        followed.end_epoch(row)
    end = followed.end()
    first, last = end.course.stages
    assert (first.wrong, last.wrong) == pytest.approx((2 / 6, 3 / 6))
    assert first.p is not None
    assert last.p is not None
    np.testing.assert_allclose(first.p[0, 0], 0.6, atol=1e-6)
    np.testing.assert_allclose(last.p[0, 0], (3 * 0.6 + 0.1) / 4, atol=1e-6)
    np.testing.assert_allclose(end.means["p_label"], [0.35, 0.1, 0.7], atol=1e-6)
    assert end.suggested.tolist() == [3, 3, -1]  # of the last epoch alone
    assert (end.named.tolist(), end.others.tolist()) == ([1, 2, 0], [1, 2, 0])
    assert [len(half.of_labels.labels) for half in end.course.halves] == [3, 3]
    assert not end.course.left_out
