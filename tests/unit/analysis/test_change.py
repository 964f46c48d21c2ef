"""p-values of a change, held to hand-computed ones and to those of libraries."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from easiness.analysis import num_deals, p_of_change, paired_gain
from easiness.analysis.change import _deals
from easiness.errors import BadInput


def test_where_all_spread_alike_it_is_a_test_of_a_known_variance():
    old, new = (np.array(one) for one in ([[0.0, 0, 5], [2, 2, 7]], [[0.0, 3, 1], [2, 5, 3]]))
    # every variance is 2, and log-variances without spread are worth any number of degrees of freedom; the
    # log of a variance of 2 degrees of freedom is digamma(1) - log(1) = -0.5772 below its own on average
    error = np.sqrt(2 * np.exp(0.5772156649) * (1 / 2 + 1 / 2))
    np.testing.assert_allclose(
        p_of_change(old, new).by_t, 2 * stats.norm.sf(np.array([0, 3, 4]) / error), rtol=1e-9
    )


def test_where_spreads_have_nothing_in_common_it_is_students_test():
    rng = np.random.default_rng(0)
    scale = np.exp(rng.normal(0, 40, 300))  # so far apart that one says next to nothing of another
    old, new = rng.normal(0, scale, (6, 300)), rng.normal(0, scale, (5, 300))
    expected = np.asarray(stats.ttest_ind(old, new).pvalue)
    wide = scale > 1  # the little that is shared is much to the smallest
    np.testing.assert_allclose(p_of_change(old, new).by_t[wide], expected[wide], rtol=0.02)


def test_a_known_prior_is_found():
    rng = np.random.default_rng(0)
    variance = 8 * 0.09 / rng.chisquare(8, 20_000)  # 8 degrees of freedom, 0.09
    old, new = (rng.normal(0, np.sqrt(variance), (4, 20_000)) for _ in range(2))
    tested = p_of_change(old, new)
    pooled = (old.var(0, ddof=1) + new.var(0, ddof=1)) / 2
    moderated = (8 * 0.09 + 6 * pooled) / 14
    t = (new.mean(0) - old.mean(0)) / np.sqrt(moderated / 2)
    np.testing.assert_allclose(tested.by_t, 2 * stats.t.sf(np.abs(t), 14), rtol=0.1, atol=0.01)
    for share in (0.05, 0.005):
        assert (tested.by_t < share).mean() == pytest.approx(share, rel=0.2)
        assert (tested.p < share).mean() == pytest.approx(share, rel=0.2)


def test_a_change_smaller_than_the_least_is_none():
    rng = np.random.default_rng(0)
    old, new = rng.normal(0, 1, (10, 5000)), rng.normal(0.5, 1, (10, 5000))
    at_the_edge = p_of_change(old, new, 0.5).p
    assert (at_the_edge < 0.05).mean() == pytest.approx(0.05, abs=0.01)
    assert (p_of_change(old, new, 1.5).p < 0.05).mean() == 0
    assert (p_of_change(old, new).p < 0.05).mean() > 0.15


def test_trials_without_noise_changed_or_did_not():
    same, other = np.zeros((2, 2)), np.array([[0.0, 2.0], [0.0, 2.0]])
    same[:, 1] = 1
    assert p_of_change(same, other).by_t.tolist() == [1.0, 0.0]
    assert p_of_change(same, other, 1.0).by_t.tolist() == [1.0, 1.0]


def test_one_trial_has_no_noise_to_tell():
    with pytest.raises(ValueError, match="trials must be 2 and 2"):
        p_of_change(np.zeros((1, 2)), np.zeros((4, 2)))


def test_two_levels_are_dealt_to_the_versions_by_hand():
    """One of four examples with three of six trials at 9 has them all after: so does one in other deals.

    Of the ten ways to deal them the nine others have an example that is apart once in three: 2, 3 and 4.
    """
    apart = np.array([[0, 0, 0, 9, 9, 9], [0, 0, 9, 0, 9, 9], [0, 9, 0, 0, 9, 9], [9, 0, 0, 0, 9, 9]], float)
    steady = np.random.default_rng(0).normal(0, 0.3, (96, 6))
    values = np.concatenate([apart, steady]).T + np.random.default_rng(1).normal(0, 0.001, (6, 100))
    tested = p_of_change(values[:3], values[3:])
    assert tested.num_deals == 9
    assert tested.by_t[0] < 0.01  # named alone, it would be left out of what others are held against
    assert tested.p[0] == pytest.approx((3 + 1) / 9 / 100, rel=0.3)


@pytest.mark.parametrize(("old", "new", "num"), [(2, 2, 2), (3, 3, 9), (2, 3, 9), (3, 5, 55), (5, 5, 100)])
def test_each_other_way_to_deal_trials_comes_once(old, new, num):
    """Neither the versions as they are nor, of as many trials, the two swapped is another way."""
    deals = _deals(old, new, 100)
    assert len(deals) == num
    assert num_deals(old, new) == (125 if old == 5 else num)
    ways = {tuple(olds) for olds in deals} | {(True,) * old + (False,) * new}
    assert len(ways) == num + 1
    assert all(sum(way) == old for way in ways)
    assert old != new or all(way[0] for way in ways)


def right(differences):
    """Answers before and after that differ by these, [T, n]."""
    d = np.asarray(differences)
    return d < 0, d > 0


def test_by_hand():
    found = paired_gain(*right([[1, 1, 0, -1], [1, 0, 0, -1]]))
    assert found.value == 1 / 8
    # means of trials 1/4 and 0, of examples 1, 1/2, 0, -1; the rest is 1/8 three times and 3/8 once a trial
    of_trials, of_examples, of_rest = 1 / 32 / 2, 35 / 16 / 3 / 4, 3 / 8 / 3 / 8
    variance = of_trials + of_examples - of_rest
    freedom = variance**2 / (of_trials**2 / 1 + of_examples**2 / 3 + of_rest**2 / 3)
    margin = stats.t.ppf(0.975, freedom) * math.sqrt(variance)
    np.testing.assert_allclose(found.interval, (1 / 8 - margin, 1 / 8 + margin), rtol=1e-12)
    assert not found.excludes_zero


def test_trials_alone():
    """Where an example is like any other, it is the paired test over trials."""
    d = np.zeros((6, 50), np.int64)
    for trial, num in enumerate([30, 35, 28, 33, 31, 36]):
        d[trial, np.random.default_rng(trial).permutation(50)[:num]] = 1
    found = paired_gain(*right(d))
    test = stats.ttest_1samp(d.mean(axis=1), 0).confidence_interval()
    ours, theirs = np.diff(found.interval), np.diff([test.low, test.high])
    assert theirs <= ours <= 1.2 * theirs
    assert found.excludes_zero


def test_examples_alone():
    """Where all trials agree, it is the paired test over examples, a McNemar test with Student's interval."""
    d = np.tile([1] * 12 + [-1] * 3 + [0] * 85, (4, 1))
    found = paired_gain(*right(d))
    test = stats.ttest_1samp(d[0], 0).confidence_interval()
    np.testing.assert_allclose(found.interval, (test.low, test.high), rtol=1e-12)  # type: ignore[arg-type]


def test_where_nothing_differs_the_interval_is_that_of_one_example():
    nothing = np.zeros((5, 100), np.bool_)
    found = paired_gain(nothing, nothing)
    assert found.value == 0
    margin = stats.t.ppf(0.975, 99) * math.sqrt(1 / 99 / 100)
    np.testing.assert_allclose(found.interval, (-margin, margin), rtol=1e-12)
    assert not found.excludes_zero


def test_one_trial_has_no_interval():
    found = paired_gain(*right([[1, 0, 0]]))
    assert found.value == 1 / 3
    assert all(map(math.isnan, found.interval))
    assert not found.excludes_zero


@pytest.mark.parametrize(
    ("before", "after"), [((2, 3), (2, 4)), ((2, 1), (2, 1)), ((0, 3), (0, 3)), ((3,), (3,))]
)
def test_what_is_refused(before, after):
    with pytest.raises(BadInput, match="as many of both"):
        paired_gain(np.ones(before, np.bool_), np.ones(after, np.bool_))
