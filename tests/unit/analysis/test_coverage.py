from __future__ import annotations

import numpy as np
import pytest

from easiness.analysis.pruning import default_cut, draw_for_coverage, spread, strata_of
from easiness.errors import BadInput

IDS = np.arange(100, 120)


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


def test_every_example_of_a_stratum_is_as_likely():
    counts = np.zeros(20)
    for seed in range(400):
        counts[draw_for_coverage(np.zeros(20), 0.5, refine_by=np.zeros(20), ids=IDS, cut=0.2, seed=seed)] += 1
    # each is dropped in half of 400: standard deviation 10
    assert np.abs(counts - 200).max() < 45


def test_classes_lose_the_same_share():
    values, labels = np.arange(20.0), np.repeat([0, 1], [12, 8])
    dropped = draw_for_coverage(values, 0.5, refine_by=-values, ids=IDS, cut=0.25, labels=labels)
    assert np.bincount(labels[dropped]).tolist() == [6, 4]
    # a quarter of each is cut
    assert {0, 1, 2, 12, 13} <= set(dropped.tolist())


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


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cut": 0.4}, r"cut 0\.4: not in \[0, 0\.3\], the share to drop"),
        ({"cut": -0.1}, r"cut -0\.1: not in"),
        ({"strata": 0}, "strata 0: give 1 or more"),
        ({"seed": -1}, "seed -1: negative"),
        ({"refine_by": [1.0]}, "refine_by: has shape"),
        ({"labels": [1]}, "labels: has shape"),
    ],
)
def test_what_is_refused(options, message):
    given = {"refine_by": np.zeros(20), "ids": IDS, **options}
    with pytest.raises(BadInput, match=message):
        draw_for_coverage(np.arange(20.0), 0.3, **given)
