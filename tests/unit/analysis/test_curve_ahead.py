import numpy as np
import pytest

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
    assert fit_curve(votes, 10_000).foretold


@pytest.mark.parametrize(("top", "rise", "power"), [(1.0, 1.5, 0.3), (0.8, 2.0, 0.5), (0.95, 8.0, 0.8)])
def test_a_power_law_goes_on(top, rise, power):
    def accuracy(n):
        return top - rise * np.asarray(n, float) ** -power

    shares = (0.05, 0.1, 0.2, 0.4, 0.8)
    votes = votes_of(accuracy(10_000 * np.array(shares)), shares=shares)
    for times, one in zip(TIMES, fit_curve(votes, 10_000).foretold, strict=True):
        true = accuracy(10_000 * times)
        assert one.times == times
        assert one.accuracy.value == pytest.approx(true, abs=0.006)
        assert one.accuracy.low < true < one.accuracy.high


def test_where_few_examples_are_at_chance_the_rise_goes_on_steeply():
    def accuracy(n):
        return 0.1 + 0.9 / (1 + 300 / np.asarray(n, float))

    shares = (0.05, 0.2, 0.8)
    votes = votes_of(accuracy(200 * np.array(shares)), num=2000)
    twice = fit_curve(votes, 200).foretold[-1].accuracy
    assert twice.low < accuracy(400) < twice.high
    assert twice.value > votes.accuracy[-1] + 0.05


def test_more_shares_and_more_examples_narrow_it():
    def width(shares, num):
        accuracy = 0.8 - 2 * (num * np.array(shares)) ** -0.5
        last = fit_curve(votes_of(accuracy, shares=shares, num=num), num).foretold[-1].accuracy
        return last.high - last.low

    few, many = (0.05, 0.2, 0.8), (0.05, 0.1, 0.2, 0.4, 0.8)
    assert width(many, 4000) < width(few, 4000)
    assert width(few, 40_000) < width(few, 4000)


@pytest.mark.parametrize(
    ("accuracy", "reason"),
    [
        ([0.9, 0.99, 0.9996], "fewer than 5 examples are wrong"),
        ([0.101, 0.1, 0.102], "not above chance"),
        ([0.7, 0.71, 0.7], "not shown to rise"),
    ],
)
def test_where_the_curve_says_nothing_it_says_so(accuracy, reason):
    found = fit_curve(votes_of(accuracy), 10_000)
    assert reason in found.silent
    assert found.foretold == ()
    np.testing.assert_allclose(found.accuracy, accuracy, atol=1e-3)


def test_one_share_is_no_curve():
    found = fit_curve(votes_of([0.7], shares=(0.8,)), 10_000)
    assert found.silent == "one share makes no curve"
    assert found.error == pytest.approx(np.sqrt(0.7 * 0.3 / 10_000))
