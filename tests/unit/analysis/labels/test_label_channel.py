"""Probabilities of wrong labels by densities of classes, by transitions, and of those that hide."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from easiness import analysis
from easiness.analysis.labels import channel as label_channel
from easiness.analysis.labels.estimate import BETWEEN
from easiness.analysis.labels.left_out import confident_joint, without_transition, wrong_by_transition
from label_worlds import NUM, World, calibration_error, world
from lengths import long_but

SHAPES = ("normal", "heavy", "groups")


def checked(told: World) -> analysis.LabelNoise:
    found = analysis.label_noise_of_outputs(told.outputs, told.labels)
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
    moved = analysis.label_noise_of_outputs(30 * told.outputs[shuffled] + 7, told.labels[shuffled])
    np.testing.assert_allclose(moved.p_wrong, found.p_wrong[shuffled], atol=1e-3)


@pytest.mark.parametrize("labels", [np.arange(40) % 4, np.arange(40) % 3])
def test_outputs_that_are_all_alike_have_probabilities_by_class_alone(labels):
    found = analysis.label_noise_of_outputs(np.zeros((40, 4)), labels)
    assert np.isfinite(found.suspicion).all()
    for label in np.unique(labels):
        assert np.ptp(found.p_wrong[labels == label]) < 1e-6


MANY, CLASSES, TRIALS = 2000, 5, 5
CELLS = Path(__file__).parents[4] / "docs/results/people/cells.csv"


def hidden_world(seed: int, *, hard: float, lead_of_hard: float, plausible: float, plain: float):
    """What is told of labels, and the share of them that is wrong."""
    rng = np.random.default_rng(seed)
    rows, true = np.arange(MANY), rng.integers(CLASSES, size=MANY)
    other = (true + rng.integers(1, CLASSES, MANY)) % CLASSES
    kind = rng.choice(4, MANY, p=[1 - hard - plausible - plain, hard, plausible, plain])
    labels = np.where(kind >= 2, other, true)
    spread = np.choose(kind, [1.0, 1.5, 1.2, 1.0])
    draws = 0.6 * rng.normal(size=(TRIALS, MANY)) + 0.8 * rng.normal(size=MANY)
    lead = np.choose(kind, [5, lead_of_hard, 1, 5]) + spread * draws  # nats, of the class over the other
    logits = np.zeros((TRIALS, MANY, CLASSES))
    logits[:, rows, true] = 3 + lead / 2
    logits[:, rows, other] = np.where((kind == 0) | (kind == 3), 0, 3 - lead / 2)
    log_p = logits - np.log(np.exp(logits).sum(axis=2, keepdims=True))
    of_label, of_others = log_p[:, rows, labels], log_p.copy()
    of_others[:, rows, labels] = -np.inf
    top, said = np.exp(log_p).max(axis=2), log_p.argmax(axis=2)
    named = np.stack([(said == one) & (labels != one) for one in range(CLASSES)], axis=-1).sum(axis=0)
    evidence = analysis.LabelEvidence(
        labels,
        (of_label - of_others.max(axis=2)).mean(axis=0),
        (np.log(top) - np.log((1 - top) / (CLASSES - 1))).mean(axis=0),
        np.where(named.any(axis=1), named.argmax(axis=1), -1),
        float(top.mean()),
        CLASSES,
    )
    others = (said != labels).mean(axis=0)
    last = analysis.Stage(evidence, np.exp(log_p).mean(axis=0), float(others.mean()))
    course = analysis.LabelCourse(last, [last], [], None, of_heads=False, left_out=False, others=others)
    return course, float((kind >= 2).mean())


@pytest.mark.parametrize("seed", [0, 1])
def test_plausible_mistakes_hide(seed):
    """What stands out is less than half of them: 0.062 of 0.14."""
    course, wrong = hidden_world(seed, hard=0.4, lead_of_hard=0.5, plausible=0.1, plain=0.05)
    found = analysis.estimate_noise(course)
    assert found.by == "transition"
    assert wrong / 2 < found.share < wrong
    assert found.low <= wrong <= found.high
    assert found.p_wrong.mean() == pytest.approx(found.share)


@pytest.mark.parametrize("seed", [0, 1])
def test_hard_examples_are_counted_less_than_by_the_transition_alone(seed):
    """It counts 0.19 and 0.21 where 0.14 and 0.15 are wrong."""
    course, wrong = hidden_world(seed, hard=0.5, lead_of_hard=0, plausible=0.1, plain=0.05)
    found = analysis.estimate_noise(course)
    assert wrong < found.share < 1.25 * wrong
    assert found.low <= wrong <= found.high


def test_sound_labels_may_all_be_sound():
    course, _ = hidden_world(0, hard=0.4, lead_of_hard=0.5, plausible=0, plain=0)
    found = analysis.estimate_noise(course)
    assert found.share < 0.01
    assert found.low == 0


def test_the_factor_is_the_median_of_the_cells_that_chose_it():
    def share(cell: dict[str, str], name: str) -> float:
        return float(cell[name].rstrip("%")) / 100

    with CELLS.open(encoding="utf-8") as file:
        cells = [one for one in csv.DictReader(file) if one["cell"] == "chose"]
    ways = []
    for cell in cells:
        wrong, stand_out, counted = (share(cell, name) for name in ("wrong", "stand out", "counted"))
        if wrong and counted > stand_out:
            ways.append(np.log(wrong / stand_out) / np.log(counted / stand_out))
    assert len(ways) >= 20
    assert np.median(ways) == pytest.approx(BETWEEN, abs=0.05)


T = np.array([[0.7, 0.3, 0.0], [0.0, 0.9, 0.1], [0.1, 0.1, 0.8]])


def test_the_confident_joint_of_four_examples():
    """Sure is .8 for the first class and .55 for the second; the second example is neither.

    The first counts twice, as two labels are of its class.
    """
    p = np.array([[0.9, 0.1], [0.7, 0.3], [0.85, 0.15], [0.05, 0.95]])
    joint = confident_joint(p, np.array([0, 0, 1, 1]))
    np.testing.assert_allclose(joint, [[2, 1], [0, 1]], atol=1e-8)


def test_probabilities_without_a_known_transition():
    q = np.random.default_rng(0).dirichlet([5, 5, 5], 200)
    np.testing.assert_allclose(without_transition(q @ T, T), q, atol=0.001)


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


def told(wrong, knows: float, draw) -> analysis.LabelNoise:
    """What somebody says of labels who sees each through noise, with calibrated probabilities."""
    seen = np.where(wrong, knows, -knows) + draw.standard_normal(len(wrong))
    odds = 2 * knows * seen + np.log(wrong.mean() / (1 - wrong.mean()))
    return analysis.LabelNoise(1 / (1 + np.exp(-odds)), odds)


def test_information_is_the_entropy_that_is_gone():
    assert analysis.information(np.full(7, 0.2)) == pytest.approx(0)
    known = np.repeat([0.0, 1.0], [3, 1])
    assert analysis.information(known) == pytest.approx(-(0.25 * np.log(0.25) + 0.75 * np.log(0.75)))


def test_the_one_that_knows_most_counts_one_and_the_others_less():
    half = np.repeat([0.0, 1.0], 2)  # log 2 nats an example
    less = np.repeat([0.25, 0.75], 2)
    entropy = -(0.25 * np.log(0.25) + 0.75 * np.log(0.75))
    noises = [analysis.LabelNoise(p, p) for p in (less, half, np.full(4, 0.5))]
    assert analysis.weights_together(noises) == pytest.approx([(1 - entropy / np.log(2)) ** 2, 1, 0])
    assert analysis.weights_together(noises[2:]).tolist() == [1]


def test_who_knows_nothing_changes_nothing():
    draw = np.random.default_rng(0)
    noise = told(draw.random(1000) < 0.1, 1.5, draw)
    nothing = analysis.LabelNoise(np.full(1000, 0.1), draw.standard_normal(1000))
    both = analysis.label_noise_together([nothing, noise])
    assert np.array_equal(both.p_wrong.argsort(), noise.p_wrong.argsort())
    assert both.share == pytest.approx(noise.share)


@pytest.mark.parametrize("weaker", [0.5, 1.0, 1.5])
@pytest.mark.parametrize("share", [0.05, 0.2, 0.4])
def test_two_together_are_no_worse_than_the_better_one(weaker, share):
    draw = np.random.default_rng(1)
    wrong = draw.random(4000) < share
    strong, weak = told(wrong, 1.5, draw), told(wrong, weaker, draw)
    both = analysis.label_noise_together([weak, strong])
    alone = average_precision_score(wrong, strong.suspicion)
    assert average_precision_score(wrong, both.suspicion) > alone - 0.002
    assert abs(both.share - share) < 0.02
    # the better run alone is less sure than both together can be: two that are equally good most of all
    assert calibration_error(both.p_wrong, wrong) < 0.08


def test_an_equal_second_one_adds_as_much_as_it_knows():
    draw = np.random.default_rng(2)
    wrong = draw.random(4000) < 0.1
    one, other = told(wrong, 1.2, draw), told(wrong, 1.2, draw)
    both = average_precision_score(wrong, analysis.label_noise_together([one, other]).suspicion)
    assert both > average_precision_score(wrong, one.suspicion) + 0.05
