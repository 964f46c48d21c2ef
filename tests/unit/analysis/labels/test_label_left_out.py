"""Wrong labels by which labels are expected, where the truth is known: small classes, and rare ones.

A ridge regression on the labels as given says of each example what it says without it. Classes have kinds
inside, tails, and sizes that are alike, follow a power law, or are one rare class beside large ones.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from scipy.special import expit, log_softmax
from sklearn.metrics import average_precision_score

from easiness import analysis
from easiness.analysis.labels import estimate, left_out
from easiness.analysis.labels.channel import label_noise_of_outputs
from easiness.analysis.labels.left_out import HeadNoise
from easiness.analysis.labels.mixture import EstimatedNoise, LabelEvidence
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
    found = analysis.label_noise_of_heads([said(x, true)], true)
    assert found.share <= 0.01
    assert (found.p_wrong >= 0.9).mean() <= 0.002


def test_densities_of_classes_are_asked_of_large_classes_alone():
    """In small ones they take kinds for wrong labels."""
    for num, size, asked in ((5, 40, True), (5, 39, False), (21, 200, False)):
        x, true = classes(num, size)
        assert ("classes" in analysis.label_noise_of_heads([said(x, true)], true).by) == asked


def judged(num: int, size: int, kinds: int, kind: str, share: float) -> tuple[bool, bool, bool]:
    """Are the number, the calibration and the order of a simulated cell as good as they have to be?"""
    x, true = classes(num, size, kinds)
    labels = planted(true, x, kind, share)
    log_p = said(x, labels)
    found, wrong = analysis.label_noise_of_heads([log_p], labels), labels != true
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
        found, (less, more) = analysis.pulled_to_prior(
            analysis.label_noise_of_heads([said(x[rows], labels)], labels), labels
        )
        condemned += int((found.p_wrong[: len(sound)] > 0.5).sum())
        num_sound += len(sound)
        low, high = found.share / 1.35 - 0.02 + less, found.share * 1.35 + 0.02 + more
        held += low <= wrong.mean() <= high
        assert analysis.too_small(labels).tolist() == ([3] if size == 10 else [])
    assert condemned <= 0.1 * num_sound
    assert held >= 9


def test_what_is_too_small_is_pulled_to_the_usual_share_and_makes_the_range_wide():
    """By the square of its size over the least one that is judged: a quarter of 10 of 20."""
    labels = np.repeat([0, 1, 2], [500, 490, 10])
    suspicion = np.arange(1000.0)
    noise = analysis.LabelNoise(np.r_[np.zeros(900), np.ones(100)], suspicion)
    found, (less, more) = analysis.pulled_to_prior(noise, labels)
    np.testing.assert_allclose(found.p_wrong[-10:], 0.1 + 0.25 * 0.9)
    assert np.array_equal(found.p_wrong[:990], noise.p_wrong[:990])
    assert (found.suspicion[-10:] < suspicion[900]).all()
    assert (less, more) == pytest.approx((-0.01 * 0.325, 0.01 * 0.675))
    assert analysis.pulled_to_prior(noise, np.repeat([0, 1, 2], [500, 480, 20]))[0] is noise
    assert analysis.FEWEST == 20


@pytest.mark.parametrize(
    ("sizes", "small"),
    [([5] * 50, []), ([500, 500, 19], [2]), ([500, 500, 20], []), ([500, 180, 19], [])],
)
def test_classes_that_are_too_small_are_so_beside_large_ones(sizes, small):
    assert analysis.too_small(np.repeat(np.arange(len(sizes)), sizes)).tolist() == small


def test_the_range_reaches_to_labels_that_are_mixed_up_where_heads_know_little():
    """Flips into the nearest of small classes that overlap are hardly to be told from hard examples."""
    x, true = classes(50, 10, 4)
    labels = planted(true, x, "alike", 0.3)
    found, share = analysis.label_noise_of_heads([said(x, labels)], labels), float((labels != true).mean())
    assert found.mixed_up > found.share
    assert (
        min(found.share, found.mixed_up) / 1.35 - 0.02
        <= share
        <= max(found.share, found.mixed_up) * 1.35 + 0.02
    )


def test_of_two_classes_densities_take_no_part_in_the_order():
    x, true = classes(2, 100)
    labels = planted(true, x, "uniform", 0.1)
    log_p = said(x, labels)
    found = analysis.label_noise_of_heads([log_p], labels)
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
        assert set(analysis.label_noise_of_heads([told.outputs], told.labels).by) == names


def test_learned_from_some_and_said_of_all(monkeypatch):
    x, true = classes(25, 100)
    labels = planted(true, x, "uniform", 0.2)
    monkeypatch.setattr(left_out, "_MOST_VALUES", 25_000)
    monkeypatch.setattr(left_out, "_AT_ONCE", 5_000)
    found = analysis.label_noise_of_heads([said(x, labels)], labels)
    assert len(found.p_wrong) == len(labels)
    assert found.share == pytest.approx(0.2, abs=0.02)


def test_several_runs_are_voices_of_one_estimate():
    """Each sees other features, and both together know more than either."""
    x, true = classes(25, 40, seed=3)
    labels = planted(true, x, "uniform", 0.1)
    wrong = labels != true
    halves = [said(x[:, :10], labels), said(x[:, 10:20], labels)]
    alone = [analysis.label_noise_of_heads([half], labels).suspicion for half in halves]
    one, other = (average_precision_score(wrong, order) for order in alone)
    both = analysis.label_noise_of_heads(halves, labels)
    assert average_precision_score(wrong, both.suspicion) > max(one, other) + 0.02
    assert calibration_error(both.p_wrong, wrong) <= 0.03


@pytest.mark.parametrize("labels", [np.arange(60) % 4, np.arange(60) % 3, np.zeros(60, np.int64)])
def test_outputs_that_are_all_alike_tell_nothing(labels):
    found = analysis.label_noise_of_heads([np.zeros((60, 4))], labels)
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


NUM = 1000
ONE_CLASS = np.zeros(NUM, np.int64)


def learn(p, at, wrong, labels=ONE_CLASS, low=0.0, high=0.5) -> analysis.Calibration:
    pairs = labels * 3 + (labels + 1) % 3
    return analysis.calibrate(
        p, (labels, pairs), np.asarray(at, np.int64), np.asarray(wrong, np.bool_), low, high
    )


def test_without_decisions_nothing_changes():
    p = np.linspace(0, 1, NUM)
    found = learn(p, [], [])
    assert found.p_wrong is p
    assert (found.low, found.high, found.factor) == (0.0, 0.5, 1.0)


def test_what_is_decided_is_certain_and_what_is_alike_follows():
    p = np.where(np.arange(NUM) < 400, 0.8, 0.001)
    at = np.arange(100)
    found = learn(p, at, at < 40)
    assert (found.p_wrong[:100] == (at < 40)).all()
    assert found.p_wrong[100:400] == pytest.approx(0.4, abs=0.05)
    assert found.factor == pytest.approx((0.4 / 0.6) / 4, rel=0.25)
    # far below the odds change by less, and in the same direction
    assert 0.001 / 6 < found.p_wrong[-1] < 0.001
    assert found.low <= found.p_wrong.mean() <= found.high
    # as foretold: nothing to learn
    same = learn(p, at, at < 80)
    assert same.p_wrong[100:] == pytest.approx(p[100:], rel=0.05)
    assert same.high - same.low < 0.5


def test_a_class_of_its_own_is_learned_and_others_share_it_a_little():
    labels = np.arange(NUM, dtype=np.int64) % 3
    p = np.full(NUM, 0.5)
    at = np.arange(120)
    found = learn(p, at, labels[at] == 0, labels)  # of the first all are wrong, of the others none
    rest = np.arange(NUM) >= 120
    means = [float(found.p_wrong[rest & (labels == one)].mean()) for one in range(3)]
    assert means[0] > 0.85
    assert max(means[1:]) < 0.15
    # of a class that nobody has looked at the common part says what it can
    new = learn(p, at[labels[at] < 2], np.zeros((labels[at] < 2).sum()), labels)
    assert new.p_wrong[-2:][labels[-2:] == 2] < 0.35


def drawn(seed: int, kind: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Probabilities, labels, classes suggested, and which are wrong: log odds are off by what is known."""
    rng = np.random.default_rng(seed)
    odds = np.where(rng.random(2000) < 0.15, rng.normal(1.5, 2, 2000), rng.normal(-5, 2, 2000))
    labels, rival = rng.integers(10, size=(2, 2000))
    shift = {"foretold": 0.0, "fewer": -2.0, "classes": rng.normal(0, 2, 10)[labels]}[kind]
    return expit(odds), labels, rival, rng.random(2000) < expit(odds + shift)


def looked_at(p, labels, rival, wrong, looks: int, every: int) -> tuple[int, analysis.Calibration]:
    """How many wrong labels are found where the list is read again after so many looks."""
    at, found = np.zeros(0, np.int64), None
    low, high = max(p.mean() / 1.35 - 0.02, 0), p.mean() * 1.35 + 0.02
    while len(at) < looks:
        now = p if found is None else found.p_wrong
        order = np.argsort(-np.minimum(now, analysis.ALL_BUT_CERTAIN), kind="stable")
        at = np.concatenate([at, order[~np.isin(order, at)][:every]])
        found = analysis.calibrate(p, (labels, labels * 10 + rival), at, wrong[at], low, high)
    assert found is not None
    return int(wrong[at].sum()), found


@pytest.mark.parametrize("kind", ["foretold", "fewer", "classes"])
def test_reading_again_finds_no_fewer_and_the_number_is_closer(kind: str):
    """Small form of benchmarks/science/decided.py."""
    gain, before, after = [], [], []
    for seed in range(3):
        p, labels, rival, wrong = drawn(seed, kind)
        num, found = looked_at(p, labels, rival, wrong, 100, 20)
        fixed = np.argsort(-np.minimum(p, analysis.ALL_BUT_CERTAIN), kind="stable")[:100]
        gain.append(num - int(wrong[fixed].sum()))
        seen = np.isin(found.p_wrong, (0, 1))
        before.append(abs(float(np.where(seen, wrong, p).mean() - wrong.mean())))
        after.append(abs(found.p_wrong.mean() - float(wrong.mean())))
        assert kind != "foretold" or found.low <= wrong.mean() <= found.high
    assert sum(gain) >= -2
    if kind == "classes":
        assert sum(gain) > 2
    if kind == "fewer":
        assert np.mean(after) < 0.8 * np.mean(before)
    else:
        assert np.mean(after) < np.mean(before) + 0.01


OFF = {
    "as said": lambda odds: odds,
    "middle sound": lambda odds: np.where(odds < 2.5, odds - 2.5, odds),
    "half the slope": lambda odds: odds / 2,
}


def of_three_parts(kind: str, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Probabilities of 2,000 labels in the order of the list, groups of 20 classes, and which are wrong."""
    rng = np.random.default_rng([seed, list(OFF).index(kind)])
    part = rng.choice(3, 2000, p=(0.08, 0.14, 0.78))
    odds = np.sort(rng.normal(np.array([5.0, -0.5, -6.0])[part], 1.5))[::-1]
    return expit(odds), rng.integers(20, size=2000), rng.random(2000) < expit(OFF[kind](odds))


@pytest.mark.parametrize("kind", OFF)
def test_looks_at_the_top_alone_say_little_of_the_middle_and_an_audit_does(kind: str):
    top, audit, holds = np.arange(100), [], []
    for seed in range(6):
        p, labels, wrong = of_three_parts(kind, seed)
        low, high = max(p.mean() / 1.35 - 0.02, 0), p.mean() * 1.35 + 0.02
        found = analysis.calibrate(p, (labels, labels * 20), top, wrong[top], low, high)
        # what is said of the rest stays as it was, within a tenth, and its range about as wide
        assert found.p_wrong[100:].sum() == pytest.approx(p[100:].sum(), rel=0.1)
        assert found.high - found.low > 0.9 * (high - low)
        spread = np.append(top[:50], np.random.default_rng(seed).choice(np.arange(50, 2000), 150, False))
        known = analysis.calibrate(p, (labels, labels * 20), spread, wrong[spread], low, high)
        few = np.append(top, 1999)  # one look far below does not tell of what is between
        also = analysis.calibrate(p, (labels, labels * 20), few, wrong[few], low, high)
        assert also.high - also.low > 0.9 * (high - low)
        rest = np.setdiff1d(np.arange(2000), spread)
        audit.append((p[rest].sum() - wrong[rest].sum(), known.p_wrong[rest].sum() - wrong[rest].sum()))
        holds += [found.low <= wrong.mean() <= found.high, known.low <= wrong.mean() <= known.high]
    assert np.mean(holds) >= 0.9
    before, after = np.abs(audit).mean(axis=0)
    assert kind == "as said" or after < 0.7 * before


@pytest.mark.parametrize(
    ("transition", "share"),
    [
        (0.05, 0.1),  # it counts no more than stands out
        (0.1, 0.1),
        (0.1 * 1.5**3, 0.225),  # two thirds of the way
        (0.9, 0.3),  # three times what stands out
    ],
)
def test_the_share_between_two_models(transition, share):
    assert estimate.share_between(0.1, transition) == pytest.approx(share)


@pytest.mark.parametrize("margins", [0.001, 0.4])
def test_the_share_rises_with_what_transition_counts_and_nowhere_jumps(margins):
    shares = np.array([estimate.share_between(margins, one) for one in np.linspace(0, 1, 5001)])
    steps = np.diff(shares)
    assert ((steps >= 0) & (steps < 0.003)).all()
    assert shares[0] == pytest.approx(margins)


@pytest.mark.parametrize(
    ("shares", "wrong", "to_read"),
    [
        # by heart: of what is wrong, .67 and then .86 are wrong labels, and half of these are learned
        ([0.05, 0.2, 0.19, 0.1], [0.6, 0.3, 0.22, 0.12], 2),
        # the first that is nearly the largest part
        ([0.05, 0.2, 0.19, 0.1], [0.6, 0.24, 0.22, 0.12], 1),
        # not learned: nothing falls
        ([0.05, 0.2, 0.2, 0.2], [0.6, 0.3, 0.22, 0.21], None),
        # clean: what falls is hardly a part of what is wrong
        ([0.01, 0.002, 0.001, 0.0], [0.5, 0.1, 0.05, 0.02], None),
        # hard: fewer stand out, but networks do not get them right
        ([0.3, 0.25, 0.18], [0.6, 0.5, 0.45], None),
        # hard: what stood out at first stood out of networks that had hardly begun
        ([0.16, 0.38, 0.30, 0.17, 0.06], [0.85, 0.73, 0.64, 0.5, 0.46], None),
        # nothing was ever wrong
        ([0.0, 0.0], [0.0, 0.0], None),
        ([0.2], [0.25], None),
    ],
)
def test_the_epoch_to_read(shares, wrong, to_read):
    assert estimate.epoch_to_read(shares, wrong) == to_read


def course(num: int = 60, wrong: int = 6) -> estimate.LabelCourse:
    draw = np.random.default_rng(0)
    labels = np.arange(num) % 3
    margin = np.where(np.arange(num) < wrong, -3.0, 3.0) + draw.normal(size=num)
    evidence = LabelEvidence(labels, margin, np.abs(margin), (labels + 1) % 3, 0.9, 3)
    last = estimate.Stage(evidence, None, wrong / num)
    return estimate.LabelCourse(last, [last], [], None, False, False, (margin < 0).astype(float))


def test_what_is_asked_again_is_not_fitted_again(monkeypatch):
    def fit(course: estimate.LabelCourse) -> EstimatedNoise:
        fitted.append(len(course.others))
        p_wrong = (course.last.of_labels.margin < 0).astype(float)
        return EstimatedNoise(p_wrong, p_wrong.copy(), "margins", 0.0, 1.0, (0.1,), None)

    fitted: list[int] = []
    monkeypatch.setattr(estimate, "_answers", {})
    monkeypatch.setattr(estimate, "_by_model", fit)
    first = estimate.estimate_noise(course())
    assert estimate.estimate_noise(course()) is first
    with pytest.raises(ValueError, match="read-only"):
        first.p_wrong[0] = 1  # others have it too
    assert estimate.estimate_noise(course(wrong=12)).share > first.share
    for num in range(61, 61 + 8):
        estimate.estimate_noise(course(num))
    assert len(estimate._answers) == 8
    assert estimate.estimate_noise(course()) is not first  # the oldest went
    assert fitted == [60, 60, *range(61, 69), 60]


@pytest.mark.parametrize(
    ("apart", "high"),
    [
        (None, 0.1 * 1.35 + 0.02),  # small classes, by what is expected alone
        (estimate.APART, 0.1 * 1.35 + 0.02),
        (estimate.APART - 0.01, 0.3 * 1.35 + 0.02),  # all that heads do not say may be wrong
        (0.0, 0.3 * 1.35 + 0.02),
    ],
)
def test_where_classes_lie_apart_heads_leave_less_open(monkeypatch, apart, high):
    said = HeadNoise(np.full(60, 0.1), np.zeros(60), {"expected": 0.1}, 0.1, apart)
    monkeypatch.setattr(estimate, "_answers", {})
    monkeypatch.setattr(estimate, "label_noise_of_heads", lambda *_: said)
    of_heads = replace(course(), log_p=np.zeros((60, 2)), of_heads=True, others=np.full(60, 0.3))
    assert estimate.estimate_noise(of_heads).high == pytest.approx(high)
