"""Labels from votes: what can be computed by hand, what must not matter, and what nobody can know."""

import numpy as np
import pytest
from scipy.sparse import issparse

from easiness.analysis import label_posterior
from easiness.analysis.labels.decisions import share_of_wrong

ITEMS, PEOPLE, CLASSES = 300, 5, 3


def votes(seed=0, votes_each=3, accuracy=0.8):
    draw = np.random.default_rng(seed)
    truth = draw.integers(0, CLASSES, ITEMS)
    item = np.repeat(np.arange(ITEMS), votes_each)
    by = np.concatenate([draw.permutation(PEOPLE)[:votes_each] for _ in range(ITEMS)])
    other = (truth[item] + draw.integers(1, CLASSES, len(item))) % CLASSES
    label = np.where(draw.random(len(item)) < accuracy, truth[item], other)
    return truth, item, by, label


def posterior(item, by, label, **more):
    return label_posterior(item, by, label, shape=(ITEMS, PEOPLE, CLASSES), **more)


def test_independent_voices_multiply():
    """Where voices do not err alike, it is Dawid's and Skene's product of channels."""
    _, item, by, label = votes()
    result = posterior(item, by, label)
    assert result.alike == 0
    product = np.ones((ITEMS, CLASSES))
    for i, j, c in zip(item, by, label, strict=True):
        product[i] *= result.channels[j, :, c]
    expected = product / product.sum(axis=1, keepdims=True)
    assert result.p == pytest.approx(expected, abs=1e-6)
    assert result.worth == pytest.approx(3)


def test_the_order_of_votes_and_the_numbers_of_people_do_not_matter():
    _, item, by, label = votes()
    draw = np.random.default_rng(1)
    order, people = draw.permutation(len(item)), draw.permutation(PEOPLE)
    one, other = posterior(item, by, label), posterior(item[order], people[by[order]], label[order])
    assert other.p == pytest.approx(one.p, abs=1e-9)
    assert other.accuracy[people] == pytest.approx(one.accuracy, abs=1e-9)


def test_answers_for_no_class_are_no_votes():
    _, item, by, label = votes()
    unsure = np.concatenate([label, np.full(50, -1)])
    more = posterior(np.concatenate([item, item[:50]]), np.concatenate([by, (by[:50] + 1) % PEOPLE]), unsure)
    assert more.p == pytest.approx(posterior(item, by, label).p)


def test_a_vote_for_two_classes_counts_half_for_each():
    item, by = np.repeat(np.arange(ITEMS), 3), np.tile([0, 1, 1], ITEMS)
    label = np.tile([0, 0, 1], ITEMS)
    shares = np.tile([1, 0.5, 0.5], ITEMS)
    result = posterior(item, by, label, share=shares)
    assert result.num_votes.tolist() == [ITEMS, 2 * ITEMS, 0, 0, 0]
    assert result.say[0, 0] > result.say[0, 1] > result.say[0, 2]


def test_channels_tell_who_takes_what_for_what():
    truth, item, by, label = votes(votes_each=5, accuracy=0.9)
    confuses = (by == 0) & (truth[item] == 1)
    label = np.where(confuses, 2, label)
    result = posterior(item, by, label)
    assert result.channels[0, 1, 2] > 0.8
    assert result.channels[1:, 1, 2].max() < 0.2
    assert result.accuracy[0] < 0.7 < result.accuracy[1:].min()
    assert (result.low < result.accuracy).all()
    assert (result.accuracy < result.high).all()


def test_few_votes_say_little_of_a_person():
    truth, item, by, label = votes(votes_each=3)
    more = posterior(np.r_[item, 0, 1], np.r_[by * 0 + by % 4, 4, 4], np.r_[label, truth[0], truth[1]])
    assert more.num_votes[4] == 2 < more.num_votes[0]
    assert (more.high - more.low)[4] > 2 * (more.high - more.low)[0]


def test_heads_judge_items_without_votes_and_say_how_often_people_err_together():
    truth, item, by, label = votes(votes_each=5, accuracy=0.95)
    draw = np.random.default_rng(2)
    misleads = draw.random(ITEMS) < 0.15  # all see the same wrong class
    label = np.where(misleads[item], (truth[item] + 1) % CLASSES, label)
    heads = np.full((ITEMS, CLASSES), 0.05)
    heads[np.arange(ITEMS), truth] = 0.9
    heads[draw.random(ITEMS) < 0.1] = 1 / CLASSES
    heads[:10] = np.nan
    is_voted = item >= 20
    alone = posterior(item[is_voted], by[is_voted], label[is_voted])
    both = posterior(item[is_voted], by[is_voted], label[is_voted], heads=heads)
    assert (alone.best[:20] == -1).all()
    assert (both.best[:10] == -1).all()
    knows = ~np.isclose(heads[10:20].max(axis=1), 1 / CLASSES)
    assert (both.best[10:20] == truth[10:20])[knows].all()
    errors = [(one.best != truth)[20:].sum() for one in (alone, both)]
    assert errors[1] < errors[0] / 2
    assert (1 - both.p_best)[20:].sum() == pytest.approx(errors[1], rel=0.5, abs=5)
    assert (1 - alone.p_best)[20:].sum() < errors[0] / 3  # people alone look sure


def test_a_key_is_a_voice_and_looks_are_the_truth():
    truth, item, by, label = votes(votes_each=3, accuracy=0.9)
    key = truth.copy()
    key[:30], key[-1] = (truth[:30] + 1) % CLASSES, -1
    before = posterior(item, by, label, key=key)
    assert np.isnan(before.p_wrong[-1])
    assert before.p_wrong[:30].mean() > 0.8 > 0.1 > before.p_wrong[30:-1].mean()
    assert before.share is None
    assert "nobody has looked" in before.doubt
    at = np.r_[0:5, 100:150]
    after = posterior(item, by, label, key=key, looks=(at, truth[at]))
    assert (after.best[at] == truth[at]).all()
    assert (after.p_best[at] == 1).all()
    assert after.p_wrong[at].tolist() == (key[at] != truth[at]).tolist()
    assert after.share_low < 30 / (ITEMS - 1) < after.share_high
    assert after.doubt == ""


def test_open_answers_are_judged_item_by_item():
    """300 answers, of which each item has its own; most models are right, and keys agree with them or not."""
    draw = np.random.default_rng(0)
    truth = np.arange(ITEMS)
    item, by = np.repeat(truth, PEOPLE), np.tile(np.arange(PEOPLE), ITEMS)
    label = np.where(draw.random(len(item)) < 0.7, truth[item], ITEMS + draw.integers(0, 100, len(item)))
    key = truth.copy()
    key[:20] = ITEMS + draw.integers(0, 100, 20)
    shape = ITEMS, PEOPLE, ITEMS + 100
    result = label_posterior(item, by, label, shape=shape, key=key)
    assert issparse(result.p)
    assert result.channels is None
    assert (result.best == truth).mean() > 0.97
    assert result.p_wrong[:20].min() > np.quantile(result.p_wrong[20:], 0.95)
    assert np.ptp(np.asarray(result.say.sum(axis=1))) < 1
    looks = np.arange(10), truth[:10]
    after = label_posterior(item, by, label, shape=shape, key=key, looks=looks)
    assert (after.best[:10] == truth[:10]).all()
    assert np.asarray(after.p[np.arange(10), truth[:10]]).ravel() == pytest.approx(1)


@pytest.mark.parametrize(
    ("rows", "doubt"),
    [
        (([0, 1, 2], [0, 0, 0], [0, 1, 1]), "no item has answers of two voices"),
        (([0, 1, 2], [0, 1, 2], [0, 1, 1]), "no item has answers of two voices"),
        (([0, 0, 1, 1], [0, 1, 0, 1], [0, 0, 1, 1]), "all voices agree"),
        (([0, 0, 1, 1], [0, 1, 0, 1], [0, 0, 1, 0]), "nobody has looked"),
        (([], [], []), "no item has answers of two voices"),
    ],
    ids=["alone", "no overlap", "all agree", "no looks", "no votes"],
)
def test_it_says_why_nobody_can_know(rows, doubt):
    result = posterior(*(np.array(one, np.int64) for one in rows))
    assert doubt in result.doubt
    assert result.share is None
    assert (result.best[3:] == -1).all()


def test_share_of_wrong_by_hand():
    """In one stratum: a mean probability of 0.2, and looks that found 3 of 10 where 2 were foretold."""
    p_wrong = np.full(100, 0.2)
    at, wrong = np.arange(10), np.arange(10) < 3
    share, low, high = share_of_wrong(p_wrong, at, wrong)
    assert share == pytest.approx((3 + 90 * 0.2 + 90 * (0.3 - 0.2)) / 100)
    assert 0.03 < low < 0.15
    assert 0.5 < high < 0.93


@pytest.mark.parametrize("kind", ["true", "worthless", "reversed"])
def test_share_of_wrong_has_no_bias_whatever_probabilities_are_worth(kind):
    from easiness.analysis import draw_fixed, stratify

    draw = np.random.default_rng(0)
    true = draw.beta(0.3, 1.5, 1000)
    wrong = draw.random(1000) < true
    p_wrong = {"true": true, "worthless": draw.permutation(true), "reversed": 1 - true}[kind]
    order = np.argsort(-p_wrong, kind="stable")
    strata = stratify(p_wrong[order], 100)
    results = []
    for _ in range(300):
        at = order[draw_fixed(strata, 100, draw)]
        results.append(share_of_wrong(p_wrong, at, wrong[at]))
    share, low, high = np.array(results).T
    assert abs(share.mean() - wrong.mean()) < 3 * share.std() / np.sqrt(300)
    assert ((low <= wrong.mean()) & (wrong.mean() <= high)).mean() > 0.92


def test_looks_that_find_nothing_leave_room_for_wrong_labels():
    """200 clean looks of 800: up to a rate of three in 200 may be wrong, as far as looks tell."""
    p_wrong = np.full(800, 1e-6)
    at = np.random.default_rng(0).permutation(800)[:200]
    share, low, high = share_of_wrong(p_wrong, at, np.zeros(200, bool))
    assert (share, low) == (0, 0)
    assert 0.008 < high < 0.018
    assert share_of_wrong(p_wrong[:3], np.arange(1), np.zeros(1, bool))[2] > 0.6


def test_an_item_of_no_class_is_a_wrong_label():
    truth, item, by, label = votes(votes_each=3, accuracy=0.95)
    at = np.arange(60)
    looks = at, np.where(at < 20, -1, truth[at])
    result = posterior(item, by, label, looks=looks)
    assert result.share > 20 / ITEMS
    assert result.share == pytest.approx(1 / 3, abs=0.12)


def test_voices_of_open_answers_are_independent_until_looks_say_otherwise():
    draw = np.random.default_rng(0)
    item, by = np.repeat(np.arange(ITEMS), 4), np.tile(np.arange(4), ITEMS)
    label = np.where(draw.random(len(item)) < 0.6, item, ITEMS + draw.integers(0, 50, len(item)))
    result = label_posterior(item, by, label, shape=(ITEMS, 4, ITEMS + 50))
    assert result.alike == 0
    assert (1 - result.p_best).mean() == pytest.approx((result.best != np.arange(ITEMS)).mean(), abs=0.08)


def test_two_who_differ_do_not_tell_who_is_right():
    _, item, by, label = votes()
    two = posterior(item[by < 2], by[by < 2], label[by < 2])
    assert (two.low[:2].tolist(), two.high[:2].tolist()) == ([0, 0], [1, 1])
