"""What is said of votes of heads that make up for each other, as those of one repeat do at small shares.

Counts of real ones have two thirds of the variance of a binomial at the share 0.2, pairs here have less.
"""

import numpy as np
import pytest
from scipy.stats import spearmanr

from easiness.analysis import SIDES, Votes, membership, select, split_half

NUM, FRACTION = 4000, 0.1


def _votes(probability, num_trials, rng, *, of_repeat):
    """Trials that are right with a probability; where one of a repeat is, the next of it is less often.

    Within a repeat they are as little independent as can be: a draw in equal steps.
    """
    steps = np.arange(num_trials) % of_repeat / of_repeat
    start = np.repeat(rng.random((num_trials // of_repeat, len(probability))), of_repeat, axis=0)
    order = rng.permuted(steps.reshape(-1, of_repeat), axis=1).ravel()
    return (start + order[:, None]) % 1 < probability


@pytest.mark.parametrize("of_repeat", [1, 2])
def test_memberships_hold(of_repeat):
    rng = np.random.default_rng(0)
    probability = rng.beta(1.5, 0.7, NUM)
    for num_trials in (12, 40):
        counts = _votes(probability, num_trials, rng, of_repeat=of_repeat).sum(axis=0)
        belongs = membership(counts, num_trials, FRACTION)
        for side, p in zip(SIDES, (belongs.p_easy, belongs.p_hard), strict=True):
            true = select(probability, FRACTION, side)
            at = np.minimum((10 * p).astype(int), 9)
            off = sum(abs(p[at == one].sum() - true[at == one].sum()) for one in range(10)) / NUM
            assert off < 0.04, (side, num_trials, off)


def test_halves_say_how_far_another_run_agrees():
    """Halves that share repeats agree less than they would: what is said is hardly too much."""
    rng = np.random.default_rng(1)
    probability = rng.beta(1.5, 0.7, NUM)
    one, other = (_votes(probability, 20, rng, of_repeat=2) for _ in range(2))
    ids = np.arange(NUM)
    half = split_half(Votes(one, one.astype(float), np.zeros(NUM, int), ids, 1))
    came = spearmanr(one.sum(axis=0), other.sum(axis=0)).statistic
    assert half is not None
    assert came - 0.05 < half.spearman_brown < came + 0.01
