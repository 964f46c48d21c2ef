"""Wrong labels by which labels are expected, where the truth is known: small classes, and rare ones.

A ridge regression on the labels as given says of each example what it says without it. Classes have kinds
inside, tails, and sizes that are alike, follow a power law, or are one rare class beside large ones.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from scipy.special import log_softmax, softmax
from sklearn.metrics import average_precision_score

from easiness.analysis import FEWEST, LabelNoise, label_noise_of_heads, pulled_to_prior, too_small
from easiness.analysis.labels import left_out
from easiness.analysis.labels.channel import label_noise_of_outputs
from label_worlds import calibration_error, held_out, world
from lengths import long_but

Values = npt.NDArray[np.float64]

DIMENSIONS = 64
SHAPES = [(5, 100), (10, 20), (25, 20), (25, 100), (50, 10), (50, 20), (100, 10), (100, 20)]


def classes(
    num: int, size: int, kinds: int = 1, seed: int = 0, power: float = 0.0, tail: float = np.inf
) -> tuple[Values, npt.NDArray[np.int64]]:
    """Features [K, D] around the places of classes, or of ``kinds`` in them, and the classes [K]."""
    rng = np.random.default_rng([seed, num, size, kinds])
    parts = np.arange(1, num + 1.0) ** -power
    true = np.repeat(np.arange(num), np.maximum(num * size * parts / parts.sum(), 4).round().astype(int))
    places = rng.normal(size=(num, 1, DIMENSIONS)) + (kinds > 1) * rng.normal(size=(num, kinds, DIMENSIONS))
    noise = rng.normal(size=(len(true), DIMENSIONS)) * (1.2 if kinds == 1 else 0.8)
    if np.isfinite(tail):
        noise *= 0.8 * np.sqrt(tail / rng.chisquare(tail, size=(len(true), 1)))
    return places[true, rng.integers(kinds, size=len(true))] + noise, true


def planted(true: npt.NDArray[np.int64], x: Values, kind: str, share: float) -> npt.NDArray[np.int64]:
    """Labels of which a share goes to any class, or to the one whose mean is nearest."""
    rng = np.random.default_rng([1, len(true)])
    num, labels = int(true.max()) + 1, true.copy()
    at = rng.choice(len(true), round(share * len(true)), replace=False)
    if kind == "uniform":
        labels[at] = (true[at] + rng.integers(1, num, len(at))) % num
        return labels
    means = np.stack([x[true == one].mean(axis=0) for one in range(num)])
    apart = np.square(means[:, None] - means).sum(axis=2)
    np.fill_diagonal(apart, np.inf)
    labels[at] = apart.argmin(axis=1)[true[at]]
    return labels


def said(x: Values, labels: npt.NDArray[np.int64]) -> Values:
    """Log probabilities [K, C] of each example by a regression without it."""
    return log_softmax(8 * held_out(x, np.eye(int(labels.max()) + 1)[labels]), axis=1)


@pytest.mark.parametrize("kinds", [1, 4])
@pytest.mark.parametrize(("num", "size"), long_but(SHAPES, [(25, 20), (100, 20)]))
@pytest.mark.parametrize("form", long_but(["alike", "power", "tails"], ["alike"]))
def test_sound_labels_of_small_classes_are_not_called_wrong(num, size, kinds, form):
    x, true = classes(
        num, size, kinds, power=0.7 * (form == "power"), tail=5.0 if form == "tails" else np.inf
    )
    found = label_noise_of_heads([said(x, true)], true)
    assert found.share <= 0.01
    assert (found.p_wrong >= 0.9).mean() <= 0.002


def test_densities_of_classes_are_asked_of_large_classes_alone():
    """In small ones they take kinds for wrong labels."""
    for num, size, asked in ((5, 40, True), (5, 39, False), (21, 200, False)):
        x, true = classes(num, size)
        assert ("classes" in label_noise_of_heads([said(x, true)], true).by) == asked


def judged(num: int, size: int, kinds: int, kind: str, share: float) -> tuple[bool, bool, bool]:
    """Are the number, the calibration and the order of a simulated cell as good as they have to be?"""
    x, true = classes(num, size, kinds)
    labels = planted(true, x, kind, share)
    log_p = said(x, labels)
    found, wrong = label_noise_of_heads([log_p], labels), labels != true
    assert (np.diff(found.p_wrong[found.suspicion.argsort(kind="stable")]) >= 0).all()
    others, rows = log_p.copy(), np.arange(len(labels))
    others[rows, labels] = -np.inf
    margin = log_p[rows, labels] - others.max(axis=1)
    return (
        abs(found.share - wrong.mean()) <= max(wrong.mean() / 4, 0.02),
        calibration_error(found.p_wrong, wrong) <= 0.03,
        average_precision_score(wrong, found.suspicion) >= average_precision_score(wrong, -margin) - 0.01,
    )


@pytest.mark.parametrize(("kind", "share"), [("uniform", 0.05), ("uniform", 0.3), ("alike", 0.1)])
@pytest.mark.parametrize("kinds", [1, 4])
@pytest.mark.parametrize(("num", "size"), [(25, 20), (100, 20)])
def test_wrong_labels_of_small_classes_are_counted_and_found(num, size, kinds, kind, share):
    assert judged(num, size, kinds, kind, share) == (True, True, True)


@pytest.mark.long
def test_in_nine_of_ten_cells_numbers_hold():
    kinds = [("uniform", 0.05), ("uniform", 0.1), ("uniform", 0.3), ("alike", 0.05), ("alike", 0.1)]
    shapes = [(num, size, parts) for num, size in SHAPES if num * size >= 500 for parts in (1, 4)]
    held = np.mean([judged(*shape, *kind) for shape in shapes for kind in kinds], axis=0)
    assert (held >= 0.9).all()


@pytest.mark.parametrize("size", [10, 25])
@pytest.mark.parametrize("bad", [0.0, 0.4])
def test_a_rare_class_is_not_condemned(size, bad):
    """Ten draws each: among 2,000 others a class of which none, or two fifths, are of others in truth."""
    condemned, held, num_sound = 0, 0, 0
    for seed in range(10):
        rng = np.random.default_rng([seed, size])
        x, true = classes(10, 200, 2, seed)
        own = rng.permutation(np.flatnonzero(true == 3))
        sound = own[: round(size * (1 - bad))]
        rows = np.concatenate([sound, np.flatnonzero(true != 3)])
        labels = true[rows].copy()
        labels[len(sound) + rng.choice(len(rows) - len(sound), size - len(sound), replace=False)] = 3
        wrong = labels != true[rows]
        found, (less, more) = pulled_to_prior(label_noise_of_heads([said(x[rows], labels)], labels), labels)
        condemned += int((found.p_wrong[: len(sound)] > 0.5).sum())
        num_sound += len(sound)
        low, high = found.share / 1.35 - 0.02 + less, found.share * 1.35 + 0.02 + more
        held += low <= wrong.mean() <= high
        assert too_small(labels).tolist() == ([3] if size == 10 else [])
    assert condemned <= 0.1 * num_sound
    assert held >= 9


def test_what_is_too_small_is_pulled_to_the_usual_share_and_makes_the_range_wide():
    """By the square of its size over the least one that is judged: a quarter of 10 of 20."""
    labels = np.repeat([0, 1, 2], [500, 490, 10])
    suspicion = np.arange(1000.0)
    noise = LabelNoise(np.r_[np.zeros(900), np.ones(100)], suspicion)
    found, (less, more) = pulled_to_prior(noise, labels)
    np.testing.assert_allclose(found.p_wrong[-10:], 0.1 + 0.25 * 0.9)
    assert np.array_equal(found.p_wrong[:990], noise.p_wrong[:990])
    assert (found.suspicion[-10:] < suspicion[900]).all()
    assert (less, more) == pytest.approx((-0.01 * 0.325, 0.01 * 0.675))
    assert pulled_to_prior(noise, np.repeat([0, 1, 2], [500, 480, 20]))[0] is noise
    assert FEWEST == 20


def test_classes_that_are_all_small_are_judged():
    assert too_small(np.repeat(np.arange(50), 5)).tolist() == []
    assert too_small(np.repeat([0, 1, 2], [500, 500, 19])).tolist() == [2]
    assert too_small(np.repeat([0, 1, 2], [500, 500, 20])).tolist() == []
    assert too_small(np.repeat([0, 1, 2], [500, 180, 19])).tolist() == []


def test_the_range_reaches_to_labels_that_are_mixed_up_where_heads_know_little():
    """Flips into the nearest of small classes that overlap are hardly to be told from hard examples."""
    x, true = classes(50, 10, 4)
    labels = planted(true, x, "alike", 0.3)
    found, share = label_noise_of_heads([said(x, labels)], labels), float((labels != true).mean())
    assert found.mixed_up > found.share
    assert (
        min(found.share, found.mixed_up) / 1.35 - 0.02
        <= share
        <= max(found.share, found.mixed_up) * 1.35 + 0.02
    )


def test_large_classes_are_judged_by_densities_as_well():
    """These find labels that are mixed up as another network would, which heads come to expect."""
    told = world("normal", "confused", 0.2)
    found = label_noise_of_heads([told.outputs], told.labels)
    assert set(found.by) == {"expected", "classes"}
    assert abs(found.share - told.wrong.mean()) < 0.05


def test_an_order_needs_no_channel():
    """Which pairs of classes a channel mixes up counts for little where it has found next to none of any."""
    table = np.log([[0.999, 1e-6, 1e-3], [1e-6, 1, 1e-6], [1e-6, 1e-6, 1]])
    channel = left_out._Channel(np.ones(1), table, np.full(3, np.log(1e-9)))
    log_q = np.log([[[0.9, 0.09, 0.01], [0.1, 0.01, 0.89]]])
    p_wrong, odds = channel.judge(log_q, np.array([1, 2]))
    assert p_wrong[0] < p_wrong[1] < 1e-3
    assert odds[0] > odds[1]


def test_of_two_classes_densities_take_no_part_in_the_order():
    x, true = classes(2, 100)
    labels = planted(true, x, "uniform", 0.1)
    log_p = said(x, labels)
    found = label_noise_of_heads([log_p], labels)
    assert (set(found.by), found.apart) == ({"expected", "classes"}, 0)
    assert np.array_equal(found.suspicion, left_out.label_noise_left_out([log_p], labels).suspicion)


def test_a_class_that_takes_in_a_part_of_another_is_not_believed(monkeypatch):
    """From more than three times its labels and five on."""
    told = world("normal", "confused", 0.2)
    found = label_noise_of_outputs(told.outputs, told.labels)
    most = 3 * np.bincount(told.labels) + 5
    for sizes, names in ((most, {"expected", "classes"}), (most + 1, {"expected"})):
        monkeypatch.setattr(
            left_out, "label_noise_of_outputs", lambda *_, own=sizes: replace(found, sizes=own)
        )
        assert set(label_noise_of_heads([told.outputs], told.labels).by) == names


def test_whatever_the_order_the_scale_and_a_constant_of_each_row():
    x, true = classes(25, 20, 4)
    labels = planted(true, x, "uniform", 0.1)
    log_p = said(x, labels)
    found = label_noise_of_heads([log_p], labels)
    rng = np.random.default_rng(0)
    shuffled = rng.permutation(len(labels))
    moved = label_noise_of_heads(
        [(3 * log_p + rng.normal(size=(len(labels), 1)))[shuffled]], labels[shuffled]
    )
    np.testing.assert_allclose(moved.p_wrong, found.p_wrong[shuffled], atol=1e-3)


def test_learned_from_some_and_said_of_all(monkeypatch):
    x, true = classes(25, 100)
    labels = planted(true, x, "uniform", 0.2)
    monkeypatch.setattr(left_out, "_MOST_VALUES", 25_000)
    monkeypatch.setattr(left_out, "_AT_ONCE", 5_000)
    found = label_noise_of_heads([said(x, labels)], labels)
    assert len(found.p_wrong) == len(labels)
    assert found.share == pytest.approx(0.2, abs=0.02)


def test_several_runs_are_voices_of_one_estimate():
    """Each sees other features, and both together know more than either."""
    x, true = classes(25, 40, seed=3)
    labels = planted(true, x, "uniform", 0.1)
    wrong = labels != true
    halves = [said(x[:, :10], labels), said(x[:, 10:20], labels)]
    alone = [label_noise_of_heads([half], labels).suspicion for half in halves]
    one, other = (average_precision_score(wrong, order) for order in alone)
    both = label_noise_of_heads(halves, labels)
    assert average_precision_score(wrong, both.suspicion) > max(one, other) + 0.02
    assert calibration_error(both.p_wrong, wrong) <= 0.03


@pytest.mark.parametrize("labels", [np.arange(60) % 4, np.arange(60) % 3, np.zeros(60, np.int64)])
def test_outputs_that_are_all_alike_tell_nothing(labels):
    """So it is where a class has no label, or one has all."""
    found = label_noise_of_heads([np.zeros((60, 4))], labels)
    assert np.isfinite(found.suspicion).all()
    assert found.share < 0.02
    for label in np.unique(labels):
        assert np.ptp(found.p_wrong[labels == label]) < 1e-6


def test_probabilities_add_up_by_hand():
    """One channel, one voice: q (0.9, 0.1), a twentieth of each class gets the other label."""
    table = np.log([[0.95, 0.05], [0.05, 0.95]])
    channel = left_out._Channel(np.ones(1), table, np.full(2, np.log(0.01)))
    log_q = np.log([[[0.9, 0.1], [0.9, 0.1]]])
    p_wrong, odds = channel.judge(log_q, np.array([0, 1]))
    right, wrong = np.array([0.9 * 0.95, 0.1 * 0.95]), np.array([0.1 * 0.05, 0.9 * 0.05])
    np.testing.assert_allclose(p_wrong, wrong / (right + wrong + 0.01))
    floored = np.array([0.1, 0.9]) * 0.06, np.array([0.9, 0.1]) * 0.96
    np.testing.assert_allclose(odds, np.log(floored[0] / floored[1]))


def test_powers_step_towards_calibrated_voices():
    """A voice that is twice too timid ends near the power of two."""
    rng = np.random.default_rng(0)
    log_q = log_softmax(rng.normal(0, 2, (4000, 5)), axis=1)
    labels = (softmax(log_q, axis=1).cumsum(axis=1) > rng.random((4000, 1))).argmax(axis=1)
    said_twice = (log_q / 2)[None]
    channel = left_out._Channel.learned(said_twice, labels, np.full(5, 0.2), 1.0, 0.02)
    assert channel.powers[0] == pytest.approx(2, rel=0.1)
