"""Whom to ask about what: by hand, and the errors left in simulations with known truth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from easiness.analysis import LabelPosterior, label_posterior, useful_questions

NOBODY = np.zeros(0, np.int64)
SKILLS = [0.9, 0.9, 0.6, 0.6, 0.6, 0.6, 0.25]  # skilled, lazy, and one who guesses
NUM, CLASSES = 1000, 4


def by_hand(alike: float = 0.0) -> LabelPosterior:
    """Two items, the second of which is nearly sure, and two voices, right in 0.8 and 0.95."""
    of = label_posterior(NOBODY, NOBODY, NOBODY, shape=(2, 2, 2))
    p, right = np.array([[0.6, 0.4], [0.9, 0.1]]), np.array([0.8, 0.95])
    channels = np.array([[[one, 1 - one], [1 - one, one]] for one in right])
    return replace(of, p=p, p_best=p.max(axis=1), accuracy=right, channels=channels, alike=alike)


def test_the_answers_come_first_that_make_the_likeliest_label_likelier():
    # of item 0: .8 and .95, less .6; of item 1 the first voice changes nothing: .72 + .18 - .9
    # a second answer finds its share of the .05 that the first leaves: .2 * .05 / .4
    item, by, gain = useful_questions(by_hand(), NOBODY, NOBODY, np.zeros(2), 9)
    assert (item.tolist(), by.tolist()) == ([0, 1, 0], [1, 1, 0])
    assert gain == pytest.approx([0.35, 0.05, 0.025])
    assert len(useful_questions(by_hand(), NOBODY, NOBODY, np.zeros(2), 2)[0]) == 2


def test_nobody_is_asked_again_and_voices_that_err_alike_tell_less():
    votes = np.array([0]), np.array([1]), np.array([1.0, 0.0])
    for alike in (0.5, 1.0):
        item, by, gain = useful_questions(by_hand(alike), *votes, 2)
        right, wrong = np.array([0.8, 0.2]) ** (1 / (1 + alike))  # each of two such voices
        assert (item.tolist(), by.tolist()) == ([0, 1], [0, 1])
        assert gain == pytest.approx([right / (right + wrong) - 0.6, 0.05])
    sure = replace(by_hand(), p=np.eye(2), p_best=np.ones(2))
    assert not len(useful_questions(sure, *votes, 9)[0])


def test_ties_go_to_fewer_votes_and_open_answers_to_the_better_voice():
    of = replace(by_hand(), channels=None, p_best=np.array([0.5, 0.5]))
    item, by, gain = useful_questions(of, NOBODY, NOBODY, np.array([2.0, 1.0]), 2)
    assert (item.tolist(), by.tolist()) == ([1, 0], [1, 1])
    assert gain == pytest.approx([0.475, 0.475])


def test_a_part_of_the_items_gives_the_same_questions_as_all():
    # those of which little is left to find are not looked at
    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.ones(2) / 3, 9000)
    of = replace(by_hand(0.1), p=p, p_best=p.max(axis=1))
    item, by, num = rng.integers(0, 9000, 4000), rng.integers(0, 2, 4000), np.ones(9000)
    few, many = (useful_questions(of, item, by, num, most) for most in (300, 10**6))
    assert len(many[0]) > 5000
    for one, other in zip(few, many, strict=True):
        assert (one == other[:300]).all()


def errors_left(seed: int) -> list[int]:
    """After a tenth as many answers more: by usefulness; the least sure items, and any, of people by lot."""
    rng = np.random.default_rng(seed)
    true = rng.integers(0, CLASSES, NUM)
    right = rng.random((NUM, len(SKILLS))) < SKILLS
    said = np.where(right, true[:, None], (true[:, None] + rng.integers(1, CLASSES, right.shape)) % CLASSES)
    order = rng.permuted(np.tile(np.arange(len(SKILLS)), (NUM, 1)), axis=1)
    item, by = np.repeat(np.arange(NUM), 2), order[:, :2].ravel()

    def labels_with(items: np.ndarray, people: np.ndarray) -> LabelPosterior:
        every, who = np.append(item, items), np.append(by, people)
        return label_posterior(every, who, said[every, who], shape=(NUM, len(SKILLS), CLASSES))

    before, some = labels_with(NOBODY, NOBODY), NUM // 10
    useful = useful_questions(before, item, by, np.full(NUM, 2.0), some)[:2]
    unsure, lot = np.argsort(before.p_best, kind="stable")[:some], rng.permutation(NUM)[:some]
    pairs = [useful, (unsure, order[unsure, 2]), (lot, order[lot, 2])]
    return [int((labels_with(*pair).best != true).sum()) for pair in pairs]


def test_fewer_errors_are_left_than_by_the_least_sure_items_or_by_lot():
    ours, unsure, lot = np.array([errors_left(seed) for seed in range(10)]).T
    for more in (unsure - ours, lot - unsure):
        assert more.mean() - 2.26 * more.std(ddof=1) / np.sqrt(len(more)) > 0
    assert ours.mean() < 0.9 * unsure.mean()
