"""Tags that are missing or too many: a channel by hand, and questions where little is said."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit, logit

from easiness.analysis import tag_noise
from easiness.analysis.labels.tags import _Cells, _Channels

RATES = {"m": 0.2, "d": 0.01}


def questions(present, num, tags=1, seed=0, forgets=RATES["m"], adds=RATES["d"]):
    """Log odds that are right, labels of which some are wrong, tags and truth [Q], so many present each."""
    draw = np.random.default_rng(seed)
    truth = np.zeros((num, tags), np.int64)
    for tag, some in enumerate(np.broadcast_to(present, tags)):
        truth[:some, tag] = 1
    score = 4 * (truth - 0.5) + draw.normal(size=truth.shape)
    labels = np.where(truth == 1, draw.random(truth.shape) >= forgets, draw.random(truth.shape) < adds)
    log_odds = 4 * score + logit(np.clip(truth.mean(axis=0), 1e-4, 0.5))
    order = np.random.default_rng(seed + 1).permutation(truth.size)
    of = np.tile(np.arange(tags), num)
    return [one.ravel()[order] for one in (log_odds, labels.astype(np.int64), of, truth)]


def test_log_odds_of_a_channel_are_those_by_hand():
    values = np.array([[0.0, 0.0, logit(0.2), logit(0.01)], [1.0, np.log(2), logit(0.1), logit(0.05)]])
    channels = _Channels(values, np.zeros(2), 0.0, np.tile(np.eye(4), (2, 1, 1)))
    odds = channels.log_odds_wrong(np.array([0.0, 0.0, 1.0]), np.array([0, 1, 0]), np.array([0, 0, 1]))
    # one is as probably there as not: 0.2 are missing among 0.2 + 0.99, 0.01 too many among 0.01 + 0.8
    assert expit(odds[:2]) == pytest.approx([0.2 / 1.19, 0.01 / 0.81])
    q = expit(1 + 2 * 1.0)
    assert expit(odds[2]) == pytest.approx(q * 0.1 / (q * 0.1 + (1 - q) * 0.95))
    least = replace(channels, floor=np.array([0.5, 0.0]))
    q = 0.5 + 0.5 * expit(-3)
    there = expit(least.log_odds_wrong(np.array([-3.0]), np.array([1]), np.array([0])))
    assert there == pytest.approx((1 - q) * 0.01 / ((1 - q) * 0.01 + q * 0.8))
    fades = replace(channels, fade=0.5)
    missing = fades.log_odds_wrong(np.array([-1.0, -9.0]), np.array([0, 0]), np.array([0, 0]))
    forgotten = missing - np.array([-1.0, -9.0]) + np.log(0.99)  # less the log odds that it is there
    # log odds 0.5 * 1 above those at 0, and no more than 0.5 * 2 above
    assert forgotten == pytest.approx(np.log(expit(logit(0.2) + np.array([0.5, 1]))))


def test_slopes_are_those_of_the_likelihood():
    z, labels, tags, _ = questions(60, 200, tags=2)
    cells = _Cells.of(np.clip(z, -20, 20), labels, tags, 2)
    assert cells.by_tag(cells.num).tolist() == [200, 200]
    assert cells.by_tag(cells.ones).tolist() == np.bincount(tags, labels).tolist()
    values = np.array([[0.1, 0.2, -2.0, -4.0], [-0.3, 0.0, -1.0, -3.0]])
    now = _Channels(values, np.array([0.01, 0.02]), 0.1, np.zeros((2, 4, 4)))
    slope, information = now._slopes(cells)
    for at in range(4):
        step = 1e-5 * np.eye(4)[at]
        far = np.full(4, 1e9)  # a prior that says nothing
        ends = [
            replace(now, values=values + sign * step).log_likelihood(cells, values, far) for sign in (1, -1)
        ]
        assert slope[:, at] == pytest.approx((ends[0] - ends[1]) / 2e-5, rel=1e-5, abs=1e-5)
    assert (np.linalg.eigvalsh(information) > -1e-9).all()


def test_neither_the_order_of_questions_nor_that_of_tags_matters():
    z, labels, tags, _ = questions([50, 200, 500], 1000, tags=3)
    noise = tag_noise(z, labels, tags, 3)
    assert noise.by == "tags"
    assert np.array_equal(
        np.argsort(noise.p_wrong, kind="stable"), np.argsort(noise.suspicion, kind="stable")
    )
    backwards = tag_noise(z[::-1], labels[::-1], 2 - tags[::-1], 3)
    assert backwards.p_wrong[::-1] == pytest.approx(noise.p_wrong, abs=1e-6)
    assert (backwards.low, backwards.high) == pytest.approx((noise.low, noise.high), rel=0.1)


def test_rates_of_both_kinds_are_told_apart():
    z, labels, tags, truth = questions(800, 4000, tags=4)
    noise = tag_noise(z, labels, tags, 4)
    for label in (0, 1):
        wrong = (truth != labels)[labels == label].sum()
        assert noise.p_wrong[labels == label].sum() == pytest.approx(wrong, rel=0.15)
    assert noise.low <= (truth != labels).mean() <= noise.high
    # one among the surest of either kind is looked at first
    surest = [np.where(labels == label, noise.suspicion, -np.inf).argmax() for label in (0, 1)]
    assert (truth != labels)[surest].all()


def test_a_rare_tag_borrows_from_the_others():
    """Twenty or so among ten thousand tell little of how often people forget: the others tell it."""
    own = questions(20, 10_000, forgets=0.2, adds=0.0005)
    missing = own[1] < own[3]
    suspicion = []
    for forgets in (0.02, 0.3):
        others = questions(1500, 10_000, tags=8, forgets=forgets, adds=0.0005)
        others[2] += 1
        z, labels, tags, _ = (np.concatenate(both) for both in zip(own, others, strict=True))
        suspicion.append(tag_noise(z, labels, tags, 9).suspicion[: len(missing)][missing])
    assert missing.sum() == 3
    assert (suspicion[1] - suspicion[0] > 1).all()


@pytest.mark.parametrize(
    ("log_odds", "labels", "tags"),
    [
        ([1.0], [0], [0]),
        ([-np.inf, np.inf, 0.0, 3.0], [1, 0, 1, 1], [0, 0, 2, 2]),  # one is asked of no example
        ([-4.0] * 50 + [4.0] * 50, [0] * 50 + [1] * 50, [0] * 100),
        ([-5.0] * 500, [0] * 500, [1] * 500),  # nobody has it
        ([0.0] * 500, [1] * 500, [1] * 500),  # all do
    ],
)
def test_little_said_of_tags_is_no_error(log_odds, labels, tags):
    noise = tag_noise(np.array(log_odds), np.array(labels), np.array(tags), 3)
    assert np.isfinite(noise.suspicion).all()
    assert ((noise.p_wrong >= 0) & (noise.p_wrong <= 1)).all()
    assert 0 <= noise.low <= noise.share <= noise.high <= 1


def test_tags_that_heads_know_are_sound():
    z, labels, tags, _ = questions(300, 1000, tags=3, forgets=0, adds=0)
    noise = tag_noise(z, labels, tags, 3)
    assert noise.share < 0.003
    assert noise.low == 0
