"""What decisions on some labels say of all others, in worlds whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from easiness.analysis import ALL_BUT_CERTAIN, Relearned, relearned

NUM = 1000
ONE_CLASS = np.zeros(NUM, np.int64)


def learn(p, at, wrong, labels=ONE_CLASS, low=0.0, high=0.5) -> Relearned:
    pairs = labels * 3 + (labels + 1) % 3
    return relearned(p, (labels, pairs), np.asarray(at, np.int64), np.asarray(wrong, np.bool_), low, high)


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
    assert found.low <= found.share <= found.high
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


def test_everything_decided_leaves_no_range():
    p = np.full(NUM, 0.3)
    wrong = np.arange(NUM) < 250
    found = learn(p, np.arange(NUM), wrong)
    assert (found.low, found.share, found.high) == (0.25, 0.25, 0.25)


def test_the_order_in_which_examples_were_decided_is_nothing():
    rng = np.random.default_rng(0)
    p = expit(rng.normal(-2, 2, NUM))
    at = np.argsort(-p)[:150]
    wrong = rng.random(150) < 0.5
    other = rng.permutation(150)
    one, two = learn(p, at, wrong), learn(p, at[other], wrong[other])
    assert one.p_wrong == pytest.approx(two.p_wrong, abs=1e-6)


def drawn(seed: int, kind: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Probabilities, labels, classes suggested, and which are wrong: log odds are off by what is known."""
    rng = np.random.default_rng(seed)
    odds = np.where(rng.random(2000) < 0.15, rng.normal(1.5, 2, 2000), rng.normal(-5, 2, 2000))
    labels, rival = rng.integers(10, size=(2, 2000))
    shift = {"foretold": 0.0, "fewer": -2.0, "classes": rng.normal(0, 2, 10)[labels]}[kind]
    return expit(odds), labels, rival, rng.random(2000) < expit(odds + shift)


def looked_at(p, labels, rival, wrong, looks: int, every: int) -> tuple[int, Relearned]:
    """How many wrong labels are found where the list is read again after so many looks."""
    at, found = np.zeros(0, np.int64), None
    low, high = max(p.mean() / 1.35 - 0.02, 0), p.mean() * 1.35 + 0.02
    while len(at) < looks:
        now = p if found is None else found.p_wrong
        order = np.argsort(-np.minimum(now, ALL_BUT_CERTAIN), kind="stable")
        at = np.concatenate([at, order[~np.isin(order, at)][:every]])
        found = relearned(p, (labels, labels * 10 + rival), at, wrong[at], low, high)
    assert found is not None
    return int(wrong[at].sum()), found


@pytest.mark.parametrize("kind", ["foretold", "fewer", "classes"])
def test_reading_again_finds_no_fewer_and_the_number_is_closer(kind: str):
    """Small form of benchmarks/science/decided.py."""
    gain, before, after = [], [], []
    for seed in range(3):
        p, labels, rival, wrong = drawn(seed, kind)
        num, found = looked_at(p, labels, rival, wrong, 100, 20)
        fixed = np.argsort(-np.minimum(p, ALL_BUT_CERTAIN), kind="stable")[:100]
        gain.append(num - int(wrong[fixed].sum()))
        seen = np.isin(found.p_wrong, (0, 1))
        before.append(abs(float(np.where(seen, wrong, p).mean() - wrong.mean())))
        after.append(abs(found.share - float(wrong.mean())))
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
        found = relearned(p, (labels, labels * 20), top, wrong[top], low, high)
        # what is said of the rest stays as it was, within a tenth, and its range about as wide
        assert found.p_wrong[100:].sum() == pytest.approx(p[100:].sum(), rel=0.1)
        assert found.high - found.low > 0.9 * (high - low)
        spread = np.append(top[:50], np.random.default_rng(seed).choice(np.arange(50, 2000), 150, False))
        known = relearned(p, (labels, labels * 20), spread, wrong[spread], low, high)
        few = np.append(top, 1999)  # one look far below does not tell of what is between
        also = relearned(p, (labels, labels * 20), few, wrong[few], low, high)
        assert also.high - also.low > 0.9 * (high - low)
        rest = np.setdiff1d(np.arange(2000), spread)
        audit.append((p[rest].sum() - wrong[rest].sum(), known.p_wrong[rest].sum() - wrong[rest].sum()))
        holds += [found.low <= wrong.mean() <= found.high, known.low <= wrong.mean() <= known.high]
    assert np.mean(holds) >= 0.9
    before, after = np.abs(audit).mean(axis=0)
    assert kind == "as said" or after < 0.7 * before
