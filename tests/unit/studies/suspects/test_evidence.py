"""What is gathered from three trials of two epochs, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from easiness.errors import BadInput
from easiness.store import Run
from easiness.studies.suspects.evidence import gather, glance
from recording import recorded

LABELS = [0, 1, 2, 0]
# of each trial the predictions after epochs 1 and 2; a network gives 0.8 to its class and 0.1 to others
PREDICTED = [
    [[0, 0, 0, 0], [1, 2, 0, 0]],
    [[1, 2, 0, 1], [1, 0, 0, 1]],
    [[2, 1, 0, 1], [2, 1, 2, 1]],
]
TRAINED_ON = [[0, 1, 2], [0, 1, 2, 3], [0, 1, 3]]  # the last leaves out 2, the first 3
LOG_8 = np.log(8)


def made(path, predicted=PREDICTED, trained_on=TRAINED_ON, labels=LABELS) -> Run:
    said = np.eye(max(labels) + 1)
    logits = [np.log(np.where(said[np.array(epochs)], 0.8, 0.1)) for epochs in predicted]
    return recorded(path, logits, labels, trained_on=trained_on)


@pytest.fixture
def run(tmp_path) -> Run:
    return made(tmp_path / "run")


def test_trials_that_left_an_example_out_are_heard_of_it(run):
    found = gather(run, "train")
    assert found.left_out.tolist() == [False, False, True, True]
    assert found.heard.astype(int).tolist() == [[1, 1, 0, 1], [1, 1, 0, 0], [1, 1, 1, 0]]
    assert (found.epochs, found.num_epochs) == ((1, 2), 2)
    assert found.ids.tolist() == [0, 1, 2, 3]


def test_the_rival_is_the_most_probable_other_class_and_the_first_of_equals(run):
    """Of the first example 1 is named three times and 2 twice; of the last, always right, none ever is."""
    found = gather(run, "train")
    assert found.rival.tolist() == [1, 0, 0, 1]
    np.testing.assert_allclose(found.rival_share, [3 / 6, 2 / 6, 1 / 2, 0])
    np.testing.assert_allclose(found.other_share, [5 / 6, 4 / 6, 1 / 2, 0])


def test_from_when_on_most_are_right(run):
    found = gather(run, "train")
    np.testing.assert_allclose(found.right, [[1 / 3, 1 / 3, 0, 1], [0, 1 / 3, 1, 1]])
    np.testing.assert_array_equal(found.first_right, [np.nan, np.nan, 2, 1])


def test_means_over_those_heard(run):
    found = gather(run, "train")
    np.testing.assert_allclose(found.p_label, [1.3 / 6, 2 / 6, 0.45, 0.8], rtol=1e-5)
    np.testing.assert_allclose(found.p_rival, [(5 * 0.8 + 0.1) / 6, 3.4 / 6, 0.45, 0.1], rtol=1e-5)
    margin = [-4 / 6 * LOG_8, -2 / 6 * LOG_8, 0, LOG_8]
    np.testing.assert_allclose(found.of_labels.margin, margin, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found.of_labels.lead, LOG_8, rtol=1e-5)  # 0.8 to a mean of 0.1
    assert found.of_labels.p_predicted == pytest.approx(0.8)
    assert found.of_labels.num_classes == 3


def test_an_epoch_asked_for_is_the_last_that_counts(run):
    found = gather(run, "train", 1)
    assert (found.epochs, found.num_epochs) == ((1,), 1)
    assert found.rival.tolist() == [1, 0, 0, 1]
    np.testing.assert_allclose(found.rival_share, [1 / 3, 1 / 3, 1, 0])


def test_three_epochs_at_the_end_count(tmp_path):
    """Five epochs: wrong in the first two, right from then on."""
    wrong, right = [1, 2, 0, 1], LABELS
    run = made(tmp_path / "five", [[wrong, wrong, right, right, right]] * 2, [[0, 1, 2, 3]] * 2)
    found = gather(run, "train")
    assert (found.epochs, found.num_epochs) == ((1, 2, 3, 4, 5), 3)
    assert found.rival.tolist() == [1, 0, 0, 1]  # what comes next to the label, the first of equals
    assert found.rival_share.tolist() == [0] * 4
    assert found.first_right.tolist() == [3] * 4


@pytest.mark.parametrize(("apart", "num_classes"), [(10.0, 3), (40.0, 3), (60.0, 50), (40.0, 2)])
def test_the_lead_of_networks_that_are_nearly_certain(tmp_path, apart, num_classes):
    """Right or wrong, the predicted class is ``apart`` nats above each other one, however near p is to 1."""
    labels = np.arange(num_classes)
    said = np.where(labels == 0, 1, labels)  # the first is taken for the second
    run = recorded(tmp_path / "run", [apart * np.eye(num_classes)[said]] * 2, labels)
    found = gather(run, "train").of_labels
    np.testing.assert_allclose(found.lead, apart, rtol=0.02)
    np.testing.assert_allclose(found.margin, np.where(labels == 0, -apart, apart), rtol=1e-5)


def test_what_is_refused(tmp_path, record):
    with pytest.raises(BadInput, match="trial is finished"):
        gather(record([], [0, 1], name="none"), "train")
    with pytest.raises(BadInput, match="no held-out split"):
        gather(made(tmp_path / "run"), "held_out")
    with pytest.raises(BadInput, match=r"epoch 3 .*recorded; choose 1 to 2"):
        gather(made(tmp_path / "more"), "train", 3)


def test_networks_that_are_certain_of_another_class(tmp_path):
    """A margin of -10,000 nats overflows as an exponent of its own."""
    found = gather(recorded(tmp_path / "run", [[[0.0, 1e4], [0.0, 1e4]]] * 2, [0, 1]), "train")
    assert found.p_label.tolist() == [0, 1]
    assert found.p_rival.tolist() == [1, 0]
    assert np.isfinite(found.of_labels.lead).all()


@pytest.mark.long
def test_a_glance_takes_few_of_everything(tmp_path):
    """5 of 7 trials; of 9 epochs the fourth and the last three; every second of 10,002 labels."""
    num = 10_002
    ids = np.arange(num)
    run = recorded(tmp_path / "run", [[3 * np.eye(2)[ids % 2]] * 9] * 7, ids % 2)
    found = gather(run, "train", few=True)
    assert (found.epochs, found.num_epochs) == ((4, 7, 8, 9), 3)
    assert found.heard.shape == (5, 5001)
    assert found.ids.tolist() == list(range(0, num, 2))
    seen = glance(run)
    assert (seen.num, seen.num_wrong, seen.known, seen.num_unsaid) == (num, 0, 1, 0)
