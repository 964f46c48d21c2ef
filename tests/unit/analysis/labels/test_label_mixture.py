from __future__ import annotations

import numpy as np
import pytest

from easiness.analysis import LabelEvidence, LabelNoise, label_noise


def evidence(margin, lead=None, *, rival=None, num_classes=4, p_predicted=0.9) -> LabelEvidence:
    """Labels go round; what is not right (a margin below 0) is taken for the next class."""
    margin = np.asarray(margin, np.float64)
    labels = np.arange(len(margin)) % num_classes
    if rival is None:
        rival = np.where(margin < 0, (labels + 1) % num_classes, -1)
    lead = np.abs(margin) if lead is None else np.broadcast_to(np.asarray(lead, float), margin.shape)
    return LabelEvidence(labels, margin, lead, np.asarray(rival), p_predicted, num_classes)


def checked(told: LabelEvidence) -> LabelNoise:
    found = label_noise(told)
    assert np.isfinite(found.p_wrong).all()
    assert np.isfinite(found.suspicion).all()
    assert ((found.p_wrong >= 0) & (found.p_wrong <= 1)).all()
    assert found.share == pytest.approx(found.p_wrong.mean())
    return found


def test_labels_that_all_networks_have_right_are_sound():
    assert checked(evidence(np.linspace(6, 8, 40))).p_wrong.max() < 0.01


@pytest.mark.parametrize("num_classes", [2, 4, 20])
def test_a_few_far_off_where_wrong_labels_are_expected(num_classes):
    margin = [*np.linspace(-6.5, -5.5, 10), *np.linspace(4, 7, 190)]
    found = checked(evidence(margin, num_classes=num_classes))
    assert found.p_wrong[:10].min() > 0.9
    assert found.p_wrong[10:].max() < 0.1
    assert found.share == pytest.approx(0.05, abs=0.01)


def test_two_margins_alone():
    """Not even a spread tells how far off a wrong label may be."""
    found = checked(evidence([*[-6] * 5, *[6] * 35]))
    assert found.p_wrong[:5].min() > 0.9
    assert found.p_wrong[5:].max() < 0.1


def test_one_of_many():
    found = checked(evidence([-6, *np.linspace(4, 7, 399)]))
    assert found.p_wrong[0] > 0.5
    assert found.share < 0.01
    assert found.suspicion.argmax() == 0


def test_nearly_right_is_not_wrong():
    """Sure networks would be far off a wrong label; here they waver."""
    found = checked(evidence([*np.linspace(-0.5, 0.5, 10), *np.linspace(4, 7, 190)], lead=5.5))
    assert found.p_wrong.max() < 0.2


@pytest.mark.parametrize("margin", [[3, 3], [5, -5], [-5, -5], [0, 0], [1e-12, -1e-12]])
@pytest.mark.parametrize("num_classes", [2, 3])
def test_two_examples(margin, num_classes):
    checked(evidence(margin, num_classes=num_classes))


@pytest.mark.parametrize("margin", [-2.0, 0.0, 2.0, 1e5])
@pytest.mark.parametrize("p_predicted", [0.25, 1.0])
def test_all_margins_equal_say_nothing_of_one(margin, p_predicted):
    found = checked(evidence(np.full(40, margin), p_predicted=p_predicted))
    assert np.ptp(found.p_wrong) < 1e-6


def test_no_rivals():
    """The last epochs' margins may be below 0 on average although every prediction is right."""
    found = checked(evidence(np.linspace(-3, 6, 60), rival=np.full(60, -1)))
    assert found.p_wrong.argmax() == 0


def test_margins_far_apart():
    assert checked(evidence([*[-1e4] * 5, *[1e4] * 35])).p_wrong[:5].min() > 0.9


def test_more_classes_than_examples():
    checked(evidence([4, 5, -5, 6, 7], num_classes=1000))
