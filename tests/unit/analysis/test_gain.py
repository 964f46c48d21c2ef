from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from easiness.analysis import paired_gain
from easiness.errors import BadInput


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
    assert not found.shown


def test_trials_alone():
    """Where an example is like any other, it is the paired test over trials."""
    d = np.zeros((6, 50), np.int64)
    for trial, num in enumerate([30, 35, 28, 33, 31, 36]):
        d[trial, np.random.default_rng(trial).permutation(50)[:num]] = 1
    found = paired_gain(*right(d))
    test = stats.ttest_1samp(d.mean(axis=1), 0).confidence_interval()
    ours, theirs = np.diff(found.interval), np.diff([test.low, test.high])
    assert theirs <= ours <= 1.2 * theirs
    assert found.shown


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
    assert not found.shown


def test_one_trial_has_no_interval():
    found = paired_gain(*right([[1, 0, 0]]))
    assert found.value == 1 / 3
    assert all(map(math.isnan, found.interval))
    assert not found.shown


@pytest.mark.parametrize(
    ("before", "after"), [((2, 3), (2, 4)), ((2, 1), (2, 1)), ((0, 3), (0, 3)), ((3,), (3,))]
)
def test_what_is_refused(before, after):
    with pytest.raises(BadInput, match="give as many of both"):
        paired_gain(np.ones(before, np.bool_), np.ones(after, np.bool_))
