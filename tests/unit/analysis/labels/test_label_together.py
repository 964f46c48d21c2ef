from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from easiness.analysis import LabelNoise, information, label_noise_together, weights_together


def told(wrong, knows: float, draw) -> LabelNoise:
    """What somebody says of labels who sees each through noise, with calibrated probabilities."""
    seen = np.where(wrong, knows, -knows) + draw.standard_normal(len(wrong))
    odds = 2 * knows * seen + np.log(wrong.mean() / (1 - wrong.mean()))
    return LabelNoise(1 / (1 + np.exp(-odds)), odds)


def test_information_is_the_entropy_that_is_gone():
    assert information(np.full(7, 0.2)) == pytest.approx(0)
    known = np.repeat([0.0, 1.0], [3, 1])
    assert information(known) == pytest.approx(-(0.25 * np.log(0.25) + 0.75 * np.log(0.75)))


def test_the_one_that_knows_most_counts_one_and_the_others_less():
    half = np.repeat([0.0, 1.0], 2)  # log 2 nats an example
    less = np.repeat([0.25, 0.75], 2)
    entropy = -(0.25 * np.log(0.25) + 0.75 * np.log(0.75))
    noises = [LabelNoise(p, p) for p in (less, half, np.full(4, 0.5))]
    assert weights_together(noises) == pytest.approx([(1 - entropy / np.log(2)) ** 2, 1, 0])
    assert weights_together(noises[2:]).tolist() == [1]


def test_one_run_stays_as_it_is():
    noise = LabelNoise(np.array([0.1, 0.9]), np.array([-1.0, 2.0]))
    assert label_noise_together([noise]) is noise


def test_who_knows_nothing_changes_nothing():
    draw = np.random.default_rng(0)
    noise = told(draw.random(1000) < 0.1, 1.5, draw)
    nothing = LabelNoise(np.full(1000, 0.1), draw.standard_normal(1000))
    both = label_noise_together([nothing, noise])
    assert np.array_equal(both.p_wrong.argsort(), noise.p_wrong.argsort())
    assert both.share == pytest.approx(noise.share)


@pytest.mark.parametrize("weaker", [0.5, 1.0, 1.5])
@pytest.mark.parametrize("share", [0.05, 0.2, 0.4])
def test_two_together_are_no_worse_than_the_better_one(weaker, share):
    draw = np.random.default_rng(1)
    wrong = draw.random(4000) < share
    strong, weak = told(wrong, 1.5, draw), told(wrong, weaker, draw)
    both = label_noise_together([weak, strong])
    alone = average_precision_score(wrong, strong.suspicion)
    assert average_precision_score(wrong, both.suspicion) > alone - 0.002
    assert abs(both.share - share) < 0.02
    bins = np.minimum((both.p_wrong * 10).astype(int), 9)
    # the better run alone is less sure than both together can be: two that are equally good most of all
    assert np.abs(np.bincount(bins, both.p_wrong - wrong, 10)).sum() / len(wrong) < 0.08


def test_an_equal_second_one_adds_as_much_as_it_knows():
    draw = np.random.default_rng(2)
    wrong = draw.random(4000) < 0.1
    one, other = told(wrong, 1.2, draw), told(wrong, 1.2, draw)
    both = average_precision_score(wrong, label_noise_together([one, other]).suspicion)
    assert both > average_precision_score(wrong, one.suspicion) + 0.05
