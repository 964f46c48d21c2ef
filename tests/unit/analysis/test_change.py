"""p-values of a change, held to hand-computed ones and to those of libraries."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from easiness.analysis import OfTrials, p_of_change


def of(values):
    """Trials [trials, K] summed up."""
    values = np.asarray(values, float)
    return OfTrials(values.mean(0), values.var(0, ddof=1), len(values))


def test_where_all_spread_alike_it_is_a_test_of_a_known_variance():
    old, new = of([[0.0, 0.0, 5.0], [2.0, 2.0, 7.0]]), of([[0.0, 3.0, 1.0], [2.0, 5.0, 3.0]])
    # every variance is 2, and log-variances without spread are worth any number of degrees of freedom; the
    # log of a variance of 2 degrees of freedom is digamma(1) - log(1) = -0.5772 below its own on average
    error = np.sqrt(2 * np.exp(0.5772156649) * (1 / 2 + 1 / 2))
    np.testing.assert_allclose(
        p_of_change(old, new), 2 * stats.norm.sf(np.array([0, 3, 4]) / error), rtol=1e-9
    )


def test_where_spreads_have_nothing_in_common_it_is_students_test():
    rng = np.random.default_rng(0)
    scale = np.exp(rng.normal(0, 40, 300))  # so far apart that one says next to nothing of another
    old, new = rng.normal(0, scale, (6, 300)), rng.normal(0, scale, (5, 300))
    expected = stats.ttest_ind(old, new).pvalue
    wide = scale > 1  # the little that is shared is much to the smallest
    np.testing.assert_allclose(p_of_change(of(old), of(new))[wide], expected[wide], rtol=0.02)  # type: ignore[arg-type, index]


def test_a_known_prior_is_found():
    rng = np.random.default_rng(0)
    variance = 8 * 0.09 / rng.chisquare(8, 20_000)  # 8 degrees of freedom, 0.09
    old, new = (rng.normal(0, np.sqrt(variance), (4, 20_000)) for _ in range(2))
    p = p_of_change(of(old), of(new))
    pooled = (old.var(0, ddof=1) + new.var(0, ddof=1)) / 2
    moderated = (8 * 0.09 + 6 * pooled) / 14
    t = (new.mean(0) - old.mean(0)) / np.sqrt(moderated / 2)
    np.testing.assert_allclose(p, 2 * stats.t.sf(np.abs(t), 14), rtol=0.1, atol=0.01)
    for share in (0.5, 0.05, 0.005):
        assert (p < share).mean() == pytest.approx(share, rel=0.2)


def test_a_change_smaller_than_the_least_is_none():
    rng = np.random.default_rng(0)
    old, new = rng.normal(0, 1, (10, 5000)), rng.normal(0.5, 1, (10, 5000))
    at_the_edge = p_of_change(of(old), of(new), 0.5)
    assert (at_the_edge < 0.05).mean() == pytest.approx(0.05, abs=0.01)
    assert (p_of_change(of(old), of(new), 1.5) < 0.05).mean() == 0
    assert (p_of_change(of(old), of(new)) < 0.05).mean() > 0.15


def test_trials_without_noise_changed_or_did_not():
    same, other = of([[0.0, 1.0], [0.0, 1.0]]), of([[0.0, 2.0], [0.0, 2.0]])
    assert p_of_change(same, other).tolist() == [1.0, 0.0]
    assert p_of_change(same, other, 1.0).tolist() == [1.0, 1.0]


def test_one_trial_has_no_noise_to_tell():
    with pytest.raises(ValueError, match="num_trials must be at least 2"):
        OfTrials(np.zeros(2), np.zeros(2), 1)
