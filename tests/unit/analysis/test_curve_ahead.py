from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np
import numpy.typing as npt
import pytest
from scipy.special import ndtri

from easiness.analysis import TIMES, ShareVotes, fit_curve, share_votes


def votes_of(accuracy, *, num=10_000, shares=(0.05, 0.2, 0.8), chance=0.1, trials=20):
    """Votes of heads that all are as good as said, on examples that are right or wrong at every share."""
    left_out = np.tile(np.round(num * (1 - np.array(shares))).astype(int), (trials, 1))
    right = np.round(left_out * np.array(accuracy)).astype(int)
    among = np.outer(np.sqrt(accuracy), np.sqrt(accuracy)) * (1 - np.array(accuracy)[-1])
    return ShareVotes(shares, num, chance, right, left_out, among)


def test_counts_by_hand():
    """Two trials, two shares and four examples, of which the last was heard of at the first share alone."""
    right, left_out = np.array([[1, 1], [2, 0]]), np.array([[2, 1], [2, 2]])
    of_right, of_heard = np.array([[0, 2, 1, 1], [0, 1, 1, 0]]), np.array([[2, 2, 2, 1], [1, 1, 1, 0]])
    votes = share_votes((0.5, 0.8), 0.5, right, left_out, (of_right, of_heard))
    assert votes.num_examples == 3
    np.testing.assert_allclose(votes.accuracy, [3 / 4, 1 / 3])
    # right about the three in 0, 1 and 1/2, and in 0, 1 and 1
    np.testing.assert_allclose(votes.among_examples, [[1 / 6, 1 / 6], [1 / 6, 2 / 9]])
    # trials differ by 1/8 at the first share; two examples of three in four would make 3/32
    of_one = (1 / 8 - 3 / 32) / (1 - 0.5)
    expected = [of_one * (0.5 + 0.5 / 2), of_one * 0.5 / 0.8 * (0.8 + 0.2 / 2)]
    np.testing.assert_allclose(votes.of_draws, expected)
    np.testing.assert_allclose(votes.covariance, votes.among_examples / 3 + np.diag(expected))


def test_one_trial_says_nothing_of_how_far_heads_differ():
    votes = votes_of([0.5, 0.6, 0.7], trials=1)
    np.testing.assert_array_equal(votes.of_draws, 0)
    assert fit_curve(votes, 10_000).ahead


@pytest.mark.parametrize(("top", "rise", "power"), [(1.0, 1.5, 0.3), (0.8, 2.0, 0.5), (0.95, 8.0, 0.8)])
def test_a_power_law_goes_on(top, rise, power):
    def accuracy(n):
        return top - rise * np.asarray(n, float) ** -power

    shares = (0.05, 0.1, 0.2, 0.4, 0.8)
    votes = votes_of(accuracy(10_000 * np.array(shares)), shares=shares)
    for times, one in zip(TIMES, fit_curve(votes, 10_000).ahead, strict=True):
        true = accuracy(10_000 * times)
        assert one.times == times
        assert one.accuracy.value == pytest.approx(true, abs=0.006)
        assert one.accuracy.low < true < one.accuracy.high


@pytest.mark.parametrize(
    ("accuracy", "reason"),
    [
        ([0.9, 0.99, 0.9996], "fewer than 5 examples are wrong"),
        ([0.101, 0.1, 0.102], "not above chance"),
        ([0.7, 0.71, 0.7], "not shown to rise"),
        ([0.7], "one share makes no curve"),
    ],
)
def test_where_the_curve_says_nothing_it_says_so(accuracy, reason):
    found = fit_curve(votes_of(accuracy, shares=(0.05, 0.2, 0.8)[-len(accuracy) :]), 10_000)
    assert reason in found.silent
    assert found.ahead == ()
    np.testing.assert_allclose(found.accuracy, accuracy, atol=1e-3)


Floats = npt.NDArray[np.float64]
Curve = Callable[[Floats], Floats]

FEW, MANY = (0.05, 0.2, 0.8), (0.05, 0.1, 0.2, 0.4, 0.8)
SIZES = (200, 1000, 5000, 20_000)
TOO_LITTLE = {("steep and late", 200), ("flat soon", 20_000)}  # near to chance, and flat at every share
FOLDS, CHANCE, ALIKE = 5, 0.1, 1.5  # how far examples differ, in noise of a head


def _law(top: float, rise: float, power: float) -> Curve:
    return lambda n: np.maximum(top - rise * n**-power, CHANCE)


def _s(middle: float, power: float) -> Curve:
    return lambda n: CHANCE + (0.95 - CHANCE) / (1 + (middle / n) ** power)


CURVES = {
    "easy": _law(0.99, 1.0, 0.5),
    "usual": _law(0.95, 1.5, 0.4),
    "slow": _law(1.0, 1.2, 0.15),
    "label noise": _law(0.7, 4.0, 0.8),
    "flat soon": _law(0.85, 8.0, 1.1),
    "steep": _s(600, 1.0),
    "steep and late": _s(1500, 1.3),
    "two laws": lambda n: 0.9 - 0.8 * n**-0.5 - 0.5 * n**-0.2,
    "logarithm": lambda n: 0.05 + 0.06 * np.log(n),
}


def _held(curve: Curve, num: int, shares: tuple[float, ...], trials: int, seed: int) -> list[bool] | None:
    """Do the intervals hold what came? An example is right below a bar of its own that heads miss at random.

    Heads differ as well, the less the more they have seen.
    """
    rng = np.random.default_rng((seed, num, trials))
    ease = ALIKE * rng.standard_normal(num)
    shape = (trials, len(shares))
    right, left_out = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    of_right, of_heard = np.zeros((len(shares), num), np.int64), np.zeros((len(shares), num), np.int64)
    for trial in range(trials):
        if trial % FOLDS == 0:
            order = rng.permutation(num)
        turned = np.roll(order, -(num * trial // FOLDS))
        for row, share in enumerate(shares):
            seen = round(share * num)
            heard = turned[seen:]
            spread = 0.5 / np.sqrt(seen)
            bar = ndtri(float(curve(np.array(float(seen))))) * np.sqrt(1 + ALIKE**2 + spread**2)
            noise = rng.standard_normal(len(heard), np.float32)
            correct = heard[ease[heard] + noise < bar + spread * rng.standard_normal()]
            right[trial, row], left_out[trial, row] = len(correct), len(heard)
            of_right[row, correct] += 1
            of_heard[row, heard] += 1
    found = fit_curve(share_votes(shares, CHANCE, right, left_out, (of_right, of_heard)), num)
    came = curve(num * np.array(TIMES, float))
    if found.silent:
        return None
    return [
        one.accuracy.low <= true <= one.accuracy.high for one, true in zip(found.ahead, came, strict=True)
    ]


def _coverage(curves, nums, all_shares, trials, seeds):
    outcomes = [_held(*one) for one in product(curves, nums, all_shares, trials, range(seeds))]
    told = [one for one in outcomes if one is not None]
    assert len(told) > 0.8 * len(outcomes)
    return np.mean(told, axis=0)


def test_intervals_hold_what_came():
    assert (_coverage(CURVES.values(), (400, 2000), (FEW,), (10,), 5) >= 0.9).all()


@pytest.mark.long
@pytest.mark.parametrize("name", CURVES)
def test_intervals_hold_what_came_of_every_kind(name):
    held = [
        _coverage([CURVES[name]], (num,), (FEW, MANY), (10, 20), 15)
        for num in SIZES
        if (name, num) not in TOO_LITTLE
    ]
    assert np.mean(held) >= 0.9
    assert np.min(held) >= 0.8
