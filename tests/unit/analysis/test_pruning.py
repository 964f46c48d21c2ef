from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.stats import beta

from easiness.analysis.draw import (
    beta_parameters,
    default_cut,
    draw_by_beta,
    draw_for_coverage,
    spread,
    strata_of,
)

IDS = np.arange(100, 120)


@pytest.mark.parametrize(
    ("rate", "anchor", "exponent", "a", "b"),
    [
        # b = 15 (1 - anchor) (1 - rate^c), a = 16 - b
        (0.0, 0.4, 4, 7, 9),
        (0.5, 0.4, 4, 16 - 9 * 0.9375, 9 * 0.9375),
        (0.9, 0.4, 4, 16 - 9 * 0.3439, 9 * 0.3439),
        (0.5, 0.8, 1, 14.5, 1.5),
    ],
)
def test_the_parameters_of_beta_sampling(rate, anchor, exponent, a, b):
    assert beta_parameters(rate, anchor, exponent) == pytest.approx((a, b))


@pytest.mark.long
def test_the_first_drawn_are_in_proportion_to_importance_times_density():
    importance = np.array([0.1, 0.2, 0.3, 0.4])
    prediction = np.array([0.9, 0.7, 0.5, 0.3])
    # all four are among the ten most important
    a, b = beta_parameters(0.75, 0.6)
    weight = importance * beta.pdf(prediction, a, b)
    kept = np.zeros(4)
    for seed in range(4000):
        dropped = draw_by_beta(importance, prediction, 0.75, ids=IDS[:4], seed=seed)
        kept[np.delete(np.arange(4), dropped)] += 1
    expected = 4000 * weight / weight.sum()
    assert np.abs(kept - expected).max() < 4.5 * np.sqrt(1000)


@pytest.mark.long
def test_pairs_are_drawn_as_without_replacement():
    importance, prediction = np.array([1.0, 2.0, 5.0]), np.full(3, 0.5)
    share = importance / 8
    expected = {
        pair: sum(share[i] * share[j] / (1 - share[i]) for i, j in itertools.permutations(pair))
        for pair in itertools.combinations(range(3), 2)
    }
    found = dict.fromkeys(expected, 0)
    for seed in range(4000):
        (dropped,) = draw_by_beta(importance, prediction, 1 / 3, ids=IDS[:3], seed=seed)
        found[tuple(np.delete(np.arange(3), dropped).tolist())] += 1  # type: ignore[index]
    for pair, share in expected.items():
        assert abs(found[pair] - 4000 * share) < 4.5 * np.sqrt(1000)


def test_the_anchor_is_the_mean_prediction_of_the_ten_most_important():
    # ten at 0.2 of importance 1, ten at 0.9 of 0.5: b = 12 (1 - rate^4), so the first are as far as can be
    importance, prediction = np.repeat([1.0, 0.5], 10), np.repeat([0.2, 0.9], 10)
    kept = np.zeros(20)
    for seed in range(50):
        kept[np.delete(np.arange(20), draw_by_beta(importance, prediction, 0.5, ids=IDS, seed=seed))] += 1
    assert kept[10:].sum() == 0
    # at a high rate the density has moved to the easy ones
    for seed in range(50):
        dropped = draw_by_beta(importance, prediction, 0.95, ids=IDS, seed=seed)
        assert np.delete(np.arange(20), dropped)[0] >= 10


def test_no_importance_is_kept_last():
    importance = np.repeat([0.0, 1.0], 10)
    dropped = draw_by_beta(importance, np.full(20, 0.5), 0.5, ids=IDS)
    assert dropped.tolist() == list(range(10))
    assert len(draw_by_beta(importance, np.full(20, 0.5), 0.3, ids=IDS)) == 6
    # an infinite one counts as the nearest that is finite, and a negative least as 0
    shifted = np.where(importance == 0, -np.inf, importance - 3)
    shifted[:9] = -3.0
    np.testing.assert_array_equal(draw_by_beta(shifted, np.full(20, 0.5), 0.5, ids=IDS), dropped)


@pytest.mark.parametrize(
    ("num", "sizes", "taken"),
    [
        (6, [5, 5, 5], [2, 2, 2]),
        # 2 of the smallest, then 10 // 2 and what is left
        (12, [9, 2, 9], [5, 2, 5]),
        # one is to be spread over three: the last in order of size has it
        (4, [3, 3, 3], [1, 1, 2]),
        # empty and scarce ones: 0, 1, then 5 // 2 = 2 and 3
        (6, [0, 7, 1, 3], [0, 3, 1, 2]),
        (11, [0, 7, 1, 3], [0, 7, 1, 3]),
        (0, [4, 4], [0, 0]),
    ],
)
def test_a_number_spread_over_strata(num, sizes, taken):
    assert spread(num, np.array(sizes)).tolist() == taken


def test_strata_have_equal_widths():
    values = np.array([0.0, 0.24, 0.25, 0.6, 0.75, 1.0, np.inf, -np.inf])
    assert strata_of(values, 4).tolist() == [0, 0, 1, 2, 3, 3, 3, 0]
    assert strata_of(np.array([2.0, 2.0, np.inf]), 4).tolist() == [0, 0, 3]
    assert strata_of(np.array([-np.inf, np.inf]), 4).tolist() == [0, 3]
    assert strata_of(np.array([-1.7e308, 0, 1.7e308]), 4).tolist() == [0, 2, 3]


def test_the_same_number_is_kept_of_each_stratum():
    # strata of [0, 1): twelve, five and three examples
    values = np.array([0.0] + [0.1] * 11 + [0.5] * 5 + [0.8, 0.9, 1.0])
    dropped = draw_for_coverage(values, 0.55, refine_by=-values, ids=IDS, cut=0, strata=3)
    kept = np.delete(np.arange(20), dropped)
    # nine are kept: three of each
    assert [sum((kept >= a) & (kept < b)) for a, b in ((0, 12), (12, 17), (17, 20))] == [3, 3, 3]


def test_the_hardest_are_cut_away_before_the_strata_are_made():
    values = np.array([-100.0, -50.0, *np.arange(8.0)])
    dropped = draw_for_coverage(values, 0.6, refine_by=-values, ids=IDS[:10], cut=0.2, strata=4)
    kept = np.delete(np.arange(10), dropped)
    # without the two the range is 0..7: one of each pair
    assert ((kept - 2) // 2).tolist() == [0, 1, 2, 3]


def test_ties_at_the_cut_go_by_the_finer_number_and_then_by_id():
    loss = np.array([1.0, 3, 2, 3, 1])
    dropped = draw_for_coverage(np.zeros(5), 0.4, refine_by=loss, ids=IDS[:5], cut=0.4)
    assert dropped.tolist() == [1, 3]
    several = {
        tuple(draw_for_coverage(np.zeros(5), 0.2, refine_by=loss, ids=IDS[:5], cut=0.2, seed=seed).tolist())
        for seed in range(20)
    }
    assert several == {(1,), (3,)}


@pytest.mark.parametrize(
    ("rate", "cut"), [(0.0, 0.0), (0.3, 0.0), (0.5, 0.0), (0.7, 0.1), (0.8, 0.1), (0.9, 0.3)]
)
def test_how_much_is_cut_unless_said(rate, cut):
    assert default_cut(rate) == cut
    values = np.arange(20.0)
    dropped = draw_for_coverage(values, rate, refine_by=-values, ids=IDS)
    np.testing.assert_array_equal(
        dropped, draw_for_coverage(values, rate, refine_by=-values, ids=IDS, cut=cut)
    )


def test_nothing_to_tell_them_apart():
    for importance in (np.zeros(20), np.full(20, -2.0), np.full(20, np.inf), np.full(20, -np.inf)):
        assert len(draw_by_beta(importance, np.ones(20), 0.9, ids=IDS)) == 18
