"""Votes of simulated people: what is said of labels, people and the number of wrong ones, held to truth."""

from typing import NamedTuple

import numpy as np
import pytest

from easiness.analysis import draw_fixed, label_posterior, stratify, wrong_in_strata

PEOPLE, DRAWS, FEW_DRAWS = 12, 25, 10


class Shape(NamedTuple):
    """Truth, and how people err: each class's share, accuracies, and items where all see one wrong class."""

    num: int = 1600
    classes: tuple[float, ...] = (1 / 6,) * 6
    accuracies: tuple[float, ...] = (0.9,) * 5 + (0.65,) * 6 + (1 / 6,)
    votes: int = 3
    misleads: float = 0.0  # items
    difficulty: float = 0.0  # standard deviation of the log odds to err, by item
    confusion: float = 0.0  # of the first class with the second, by everybody


SHAPES = {
    "independent": Shape(),
    "two votes": Shape(votes=2),
    "two unequal classes": Shape(classes=(0.85, 0.15), accuracies=(0.92,) * 6 + (0.75,) * 6, votes=5),
    "classes of twenty": Shape(num=800, classes=(1 / 40,) * 40, votes=5),
    "together": Shape(misleads=0.1, votes=5),
    "heavy tails": Shape(difficulty=2.0, votes=5),
    "like people": Shape(confusion=0.3, difficulty=1.0, misleads=0.03, votes=5),
}


def simulated(shape, seed):
    draw = np.random.default_rng(seed)
    num_classes = len(shape.classes)
    truth = draw.choice(num_classes, shape.num, p=np.array(shape.classes) / sum(shape.classes))
    misleads = draw.random(shape.num) < shape.misleads
    seen = np.where(misleads, (truth + draw.integers(1, num_classes, shape.num)) % num_classes, truth)
    item = np.repeat(np.arange(shape.num), shape.votes)
    by = np.concatenate([draw.permutation(PEOPLE)[: shape.votes] for _ in range(shape.num)])
    accuracy = np.array(shape.accuracies)[by]
    odds = (1 - accuracy) / accuracy * np.exp(shape.difficulty * draw.normal(size=shape.num))[item]
    errs = draw.random(len(item)) < odds / (1 + odds)
    other = (seen[item] + draw.integers(1, num_classes, len(item))) % num_classes
    confuses = (seen[item] == 0) & (draw.random(len(item)) < shape.confusion)
    label = np.where(confuses, 1, np.where(errs, other, seen[item]))
    return truth, (item, by, label), (shape.num, PEOPLE, num_classes)


def off(p, came, seed=0):
    """How far probabilities are off, in ten bins of equal size, less what chance alone makes."""

    def raw(true):
        return sum(abs(part.sum()) for part in np.array_split((true - p)[np.argsort(p)], 10)) / len(p)

    draw = np.random.default_rng(seed)
    return raw(came) - np.mean([raw(draw.random(len(p)) < p) for _ in range(20)])


def heads_of(truth, num_classes, draw):
    """Probabilities of heads that are right in four of five, and do not err with people."""
    says = np.where(draw.random(len(truth)) < 0.8, truth, draw.integers(0, num_classes, len(truth)))
    p = np.full((len(truth), num_classes), 0.2 / num_classes)
    p[np.arange(len(truth)), says] += 0.8
    return p


@pytest.mark.parametrize("name", ["independent", "two votes", "two unequal classes", "classes of twenty"])
def test_independent_voices_are_calibrated_without_looks(name):
    for seed in range(3):
        truth, votes, shape = simulated(SHAPES[name], seed)
        result = label_posterior(*votes, shape=shape)
        assert off(result.p_best, result.best == truth) <= 0.05
        item, by, label = votes
        rate = np.bincount(by, label == truth[item]) / np.bincount(by)
        assert ((result.low <= rate) & (rate <= result.high)).mean() >= 0.75
        assert np.corrcoef(result.accuracy, rate)[0, 1] > 0.9
        assert result.share is None


@pytest.mark.parametrize("name", ["independent", "together", "like people"])
def test_heads_tell_how_often_people_err_together(name):
    truth, votes, shape = simulated(SHAPES[name], 1)
    alone = label_posterior(*votes, shape=shape)
    heads = heads_of(truth, shape[2], np.random.default_rng(2))
    both = label_posterior(*votes, shape=shape, heads=heads)
    assert (both.best == truth).mean() >= (alone.best == truth).mean() - 0.002
    assert off(both.p_best, both.best == truth) <= 0.03


@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "with_key"),
    [
        *((name, False) for name in SHAPES),
        *((name, True) for name in ("two votes", "together", "heavy tails")),
    ],
)
def test_looks_count_wrong_labels_and_calibrate_the_rest(name, with_key):
    """After 200 looks that an audit drew: bias, range, spread beside the stratified estimate, calibration."""
    truth, votes, shape = simulated(SHAPES[name], 3)
    draw = np.random.default_rng(4)
    key = np.where(draw.random(len(truth)) < 0.2, (truth + 1) % shape[2], truth) if with_key else None
    before = label_posterior(*votes, shape=shape, key=key)
    wrong = (before.best if key is None else key) != truth
    order = np.argsort(-before.p_wrong, kind="stable")
    strata = stratify(before.p_wrong[order], 200)
    rows = []
    draws = FEW_DRAWS if shape[2] > 20 else DRAWS
    for _ in range(draws):
        ranks = draw_fixed(strata, 200, draw)
        at, stratum = order[ranks], strata.of(ranks)
        looks, num_wrong = (np.bincount(stratum, one, len(strata.sizes)) for one in (None, wrong[at]))
        result = label_posterior(*votes, shape=shape, key=key, looks=(at, truth[at]))
        others = np.delete(np.arange(len(truth)), at)
        right = ~wrong if with_key else result.best == truth
        audit = (wrong_in_strata(strata.sizes, looks, num_wrong) or 0.0) / len(truth)
        calibration = off(1 - result.p_wrong[others], right[others])
        rows.append((result.share, result.share_low, result.share_high, audit, calibration))
    share, low, high, audit, calibration = np.array(rows).T
    rate = wrong.mean()
    assert abs(share.mean() - rate) <= 0.1 * rate + 2 * share.std() / np.sqrt(draws)
    assert ((low <= rate) & (rate <= high)).mean() >= 0.93 - 2 * np.sqrt(0.93 * 0.07 / draws)
    assert share.std() <= 1.1 * audit.std()
    assert calibration.mean() <= 0.03
    if rate > 0.15:
        within = np.abs(np.log(share / rate)) < np.log(1.3)
        assert within.mean() >= 0.9 - 2 * np.sqrt(0.9 * 0.1 / draws)
