"""What is gathered from three trials of two epochs, worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from easiness.errors import BadInput
from easiness.records import KeptLogits
from easiness.store import Row, Run
from easiness.studies.suspects.evidence import (
    SummedProbabilities,
    TrialCourse,
    gather,
    glance,
    statements,
)
from easiness.studies.suspects.kinds import reason, reasons
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


def test_three_trials_of_two_epochs(run):
    """Of the first example 1 is named three times and 2 twice; of the last, always right, none ever is."""
    found = gather(run, "train")
    assert (found.rows, found.num_epochs) == ((Row(1), Row(2)), 2)
    assert found["id"].tolist() == [0, 1, 2, 3]
    # trials that left an example out are heard of it
    assert found["left_out"].tolist() == [False, False, True, True]
    assert found.judges.astype(int).tolist() == [[1, 1, 0, 1], [1, 1, 0, 0], [1, 1, 1, 0]]
    # the rival is the most probable other class, the first of equals
    assert found["rival"].tolist() == [1, 0, 0, 1]
    np.testing.assert_allclose(found["rival_share"], [3 / 6, 2 / 6, 1 / 2, 0])
    np.testing.assert_allclose(found["other_share"], [5 / 6, 4 / 6, 1 / 2, 0])
    np.testing.assert_array_equal(found["first_right"], [np.nan, np.nan, 2, 1])
    np.testing.assert_allclose(found["p_label"], [1.3 / 6, 2 / 6, 0.45, 0.8], rtol=1e-5)
    np.testing.assert_allclose(found["p_rival"], [(5 * 0.8 + 0.1) / 6, 3.4 / 6, 0.45, 0.1], rtol=1e-5)
    margin = [-4 / 6 * LOG_8, -2 / 6 * LOG_8, 0, LOG_8]
    of_labels = found.course.last.of_labels
    np.testing.assert_allclose(of_labels.margin, margin, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(of_labels.lead, LOG_8, rtol=1e-5)  # 0.8 to a mean of 0.1
    assert of_labels.p_predicted == pytest.approx(0.8)
    assert of_labels.num_classes == 3


def test_three_epochs_at_the_end_count(tmp_path):
    """Five epochs: wrong in the first two, right from then on."""
    wrong, right = [1, 2, 0, 1], LABELS
    run = made(tmp_path / "five", [[wrong, wrong, right, right, right]] * 2, [[0, 1, 2, 3]] * 2)
    found = gather(run, "train")
    assert (len(found.rows), found.num_epochs) == (5, 3)
    assert found["rival"].tolist() == [1, 0, 0, 1]  # what comes next to the label, the first of equals
    assert found["rival_share"].tolist() == [0] * 4
    assert found["first_right"].tolist() == [3] * 4


@pytest.mark.parametrize(("apart", "num_classes"), [(10.0, 3), (60.0, 50), (40.0, 2)])
def test_the_lead_of_networks_that_are_nearly_certain(tmp_path, apart, num_classes):
    """Right or wrong, the predicted class is ``apart`` nats above each other one, however near p is to 1."""
    labels = np.arange(num_classes)
    said = np.where(labels == 0, 1, labels)  # the first is taken for the second
    run = recorded(tmp_path / "run", [apart * np.eye(num_classes)[said]] * 2, labels)
    found = gather(run, "train").course.last.of_labels
    np.testing.assert_allclose(found.lead, apart, rtol=0.02)
    np.testing.assert_allclose(found.margin, np.where(labels == 0, -apart, apart), rtol=1e-5)


def test_what_is_refused(run, record):
    with pytest.raises(BadInput, match="trial is finished"):
        gather(record([], [0, 1], name="none"), "train")
    with pytest.raises(BadInput, match="no held-out split"):
        gather(run, "held_out")


def test_networks_that_are_certain_of_another_class(tmp_path):
    """A margin of -10,000 nats overflows as an exponent of its own."""
    found = gather(recorded(tmp_path / "run", [[[0.0, 1e4], [0.0, 1e4]]] * 2, [0, 1]), "train")
    assert found["p_label"].tolist() == [0, 1]
    assert found["p_rival"].tolist() == [1, 0]
    assert np.isfinite(found.course.last.of_labels.lead).all()


@pytest.mark.long
def test_a_glance_takes_few_of_everything(tmp_path):
    """5 of 7 trials; of 9 epochs the fourth and the last three; every second of 10,002 labels."""
    num = 10_002
    ids = np.arange(num)
    run = recorded(tmp_path / "run", [[3 * np.eye(2)[ids % 2]] * 9] * 7, ids % 2)
    found = gather(run, "train", few=True)
    assert ([row.number for row in found.rows], found.num_epochs) == ([4, 7, 8, 9], 3)
    assert found.judges.shape == (5, 5001)
    assert found["id"].tolist() == list(range(0, num, 2))
    seen = glance(run)
    assert (seen.num, seen.num_wrong, seen.known, seen.num_unsaid) == (num, 0, 1, 0)


CLASSES = ("dog", "cat")


@pytest.mark.parametrize(
    ("num", "options", "named", "said"),
    [
        (10, {}, [2, 5, 6, 9], "9 of 10 say cat, from epoch 4 on"),
        (10, {}, [10, 10, 10, 10], "all 10 say cat, from epoch 1 on"),
        (10, {}, [9, 9, 9, 1], "1 of 10 says cat"),
        (10, {}, [9, 9, 9, 0], "none of 10 say cat in the end"),
        (4, {"left_out": True, "some": 1}, [0, 4, 4, 3], "3 of 4 that left it out say cat, from epoch 2 on"),
        (1, {"left_out": True}, [0, 0, 0, 1], "the one asked says cat, from epoch 8 on"),
        (1, {"left_out": True}, [0, 0, 1, 0], "the one asked no longer says cat in the end"),
        (10, {"rival": -1}, [0, 0, 0, 0], "all 10 have it right"),
        (1, {"rival": -1, "left_out": True}, [0] * 4, "the one asked has it right"),
    ],
)  # fmt: skip
def test_what_the_networks_say(num, options, named, said):
    """Of one example with the label dog, after epochs 1, 2, 4 and 8."""
    rival, some = options.get("rival", 1), options.get("some", False)
    one = {"num_heard": num, "left_out": options.get("left_out", False), "other_share": float(rival >= 0)}
    rows = [Row(epoch) for epoch in (1, 2, 4, 8)]
    assert reason(one | {"rival": rival}, np.array(named), rows, CLASSES, not some) == said


def test_who_names_the_rival_is_counted_and_the_kind_is_added(record):
    """Three trials of two epochs; the last example is taken for 1 by one, then by two of them."""
    said = np.array([[[0, 1, 0], [0, 1, 1]], [[0, 1, 1], [0, 1, 1]], [[0, 1, 0], [0, 1, 0]]])
    run = record(np.eye(2)[said], [0, 1, 0], classes=CLASSES)
    evidence = gather(run, "train")
    evidence.table["rival"] = [-1, -1, 1]
    table = evidence.table.assign(p_label=0.3, p_rival=0.4, kind=["", "", "between two classes"])
    assert reasons(run, "train", evidence, table, np.array([2, 0])) == [
        "2 of 3 say cat, from epoch 2 on; between dog (0.30) and cat (0.40)",
        "all 3 have it right",
    ]
    deaf = replace(evidence, judges=np.array([[0, 0, 0], [1, 1, 1], [1, 1, 1]], np.bool_))
    assert reasons(run, "train", deaf, table, np.array([2]))[0].startswith("1 of 3 says cat")


OWN = np.array([0, 1, 2])
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


def hear(told: SummedProbabilities, heard, seen, logits=None) -> None:
    told.add(heard, seen, statements(seen["loss"], seen["margin"], 4), logits)


@pytest.fixture
def told() -> SummedProbabilities:
    return SummedProbabilities(OWN, 4)


def test_mean_probabilities_with_known_rivals_and_without(told):
    hear(told, ALL, SEEN)
    left = 0.1 / 3, 0.2 / 3, 0.3 / 3  # of each class but the label
    expected = [
        [0.6, left[0], 0.3 + left[0], left[0]],
        [left[1], 0.1, left[1], 0.7 + left[1]],
        [left[2], left[2], 0.7, left[2]],
    ]
    np.testing.assert_allclose(told.p(1.0), expected, atol=1e-6)
    np.testing.assert_allclose(told.p(1.0, np.array([1])), expected[1:2], atol=1e-6)
    half = (1 - 0.6 - 0.15) / 3  # where half of the class next to the label is told
    np.testing.assert_allclose(told.p(0.5)[0], [0.6, half, 0.15 + half, half], atol=1e-6)
    np.testing.assert_allclose(told.log_p()[0], np.log(told.p(0.5)[0] + 1e-4), atol=1e-6)


def test_only_trials_that_are_heard_count(told):
    """The second trial is heard of the first example alone, and takes it for the class 3 with .8."""
    hear(told, ALL, SEEN)
    hear(told, np.array([True, False, False]), _taken_for_the_last())
    left = 0.2 / 2 / 3  # .1 in each trial, whose mean is shared by three classes
    np.testing.assert_allclose(told.p(1.0)[0], [0.35, left, 0.15 + left, 0.4 + left], atol=1e-6)
    assert told.p(1.0)[2, 2] == pytest.approx(0.7)
    assert told.of_all
    assert told.next_class().tolist() == [3, 3, -1]


def test_kept_logits_tell_all(told):
    p = np.array([[0.1, 0.2, 0.3, 0.4]])
    hear(told, ALL, SEEN, KeptLogits(np.array([2]), np.log(p)[None].astype(np.float32)))
    np.testing.assert_allclose(told.p(1.0)[2], p[0], atol=1e-6)
    np.testing.assert_allclose(told.log_p()[2], np.log(p[0]), atol=1e-6)
    assert told.p(1.0)[0, 0] == pytest.approx(0.6)


def _taken_for_the_last() -> dict[str, np.ndarray]:
    """The same but for the first example, of which the last class has .8 and the label .1."""
    first = {"loss": -np.log(0.1), "margin": np.log(0.1 / 0.8), "prediction": 3, "rival": 3}
    return {name: np.concatenate([[first[name]], values[1:]]) for name, values in SEEN.items()}


def course(num_epochs: int, **options: bool) -> TrialCourse:
    return TrialCourse(OWN, 4, np.ones((2, 3), np.bool_), 1, num_epochs, **options)


def test_the_epochs_that_a_course_is_followed_at():
    """At most nine, in about equal ratios; of heads the end alone."""
    assert course(4).stages == (0, 1, 2, 3)
    assert course(30).stages == (0, 1, 3, 4, 7, 12, 19, 29)
    assert course(5, of_heads=True).stages == (4,)


def test_a_course_of_two_epochs():
    """In the first both trials take one of three for another class, in the second one takes two."""
    followed = course(2)
    for seen in [(SEEN, SEEN), (SEEN, _taken_for_the_last())]:
        for trial, one in enumerate(seen):
            followed.add(trial, one, None)
        followed.end_epoch()
    found, end = followed.end()
    first, last = found.stages
    assert (first.wrong, last.wrong) == pytest.approx((2 / 6, 3 / 6))
    assert first.p is not None
    assert last.p is not None
    np.testing.assert_allclose(first.p[0, 0], 0.6, atol=1e-6)
    np.testing.assert_allclose(last.p[0, 0], (3 * 0.6 + 0.1) / 4, atol=1e-6)
    np.testing.assert_allclose(end["p_label"], [0.35, 0.1, 0.7], atol=1e-6)
    assert end["rival"].tolist() == [3, 3, -1]  # of the last epoch alone
    assert (end["rival_share"].tolist(), end["other_share"].tolist()) == ([1 / 2, 1, 0], [1 / 2, 1, 0])
    assert [len(half.of_labels.labels) for half in found.halves] == [3, 3]
    assert not found.left_out
