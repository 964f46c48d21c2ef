from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy import stats

from easiness import draw_by_rank
from easiness.analysis import foremost, num_selected, select
from easiness.analysis.draw import (
    beta_parameters,
    check_classes_left,
    default_cut,
    draw_by_beta,
    draw_for_coverage,
    parse_policy,
    spread,
    strata_of,
)
from easiness.errors import BadInput
from lengths import long_but

NUM_SEEDS = 20_000


def chance_of_sets(weights: np.ndarray, num: int) -> dict[tuple[int, ...], float]:
    """Chance of each set of ``num`` positions, over every order in which it can be drawn."""
    chances = {}
    for members in itertools.combinations(range(len(weights)), num):
        chances[members] = 0.0
        for order in itertools.permutations(members):
            left, chance = weights.sum(), 1.0
            for position in order:
                chance *= weights[position] / left
                left -= weights[position]
            chances[members] += chance
    return chances


@pytest.mark.long
@pytest.mark.parametrize(
    ("num", "beta"), long_but([(2, (3, 1)), (3, (1, 3)), (3, (0.5, 2)), (2, (1, 1))], [(3, (1, 3))])
)
def test_draws_are_successive_ones_without_replacement(num: int, beta: tuple[float, float]) -> None:
    values = np.array([0.3, -1.0, 7.0, 0.5, 2.0])  # ranks 1, 0, 4, 2, 3
    u = (np.array([1, 0, 4, 2, 3]) + 0.5) / 5
    chances = chance_of_sets(stats.beta(*beta).pdf(u), num)
    assert sum(chances.values()) == pytest.approx(1)
    check_draws(chances, lambda seed: draw_by_rank(values, num / 5, beta, seed))


def check_draws(chances: dict[tuple[int, ...], float], draw: Any) -> None:
    counts = dict.fromkeys(chances, 0)
    for seed in range(NUM_SEEDS):
        counts[tuple(draw(seed).tolist())] += 1
    expected = NUM_SEEDS * np.array(list(chances.values()))
    assert expected.min() >= 5  # below, the statistic has another distribution
    assert stats.chisquare(list(counts.values()), expected).pvalue > 0.01


@pytest.mark.long
@pytest.mark.parametrize(
    ("importance", "prediction"), [(np.arange(1.0, 5), [0.9, 0.7, 0.5, 0.3]), ([1, 2, 5], [0.5] * 3)]
)
def test_kept_ones_are_drawn_by_importance_times_density_without_replacement(importance, prediction) -> None:
    num = len(importance)  # all are among the ten most important
    a, b = beta_parameters(1 - 2 / num, float(np.mean(prediction)))
    weights = np.asarray(importance) * stats.beta(a, b).pdf(prediction)

    def kept(seed: int) -> np.ndarray:
        dropped = draw_by_beta(importance, np.array(prediction), 1 - 2 / num, ids=IDS[:num], seed=seed)
        return np.delete(np.arange(num), dropped)

    check_draws(chance_of_sets(weights, 2), kept)


def test_ties_are_in_random_order() -> None:
    # Beta(1e6, 1) takes the easiest; which of three equal ones that is is the order of ties
    drawn = [draw_by_rank([1, 1, 0, 1], 0.25, (1e6, 1), seed)[0] for seed in range(3000)]
    counts = np.bincount(drawn, minlength=4)
    assert counts[2] == 0
    assert stats.chisquare(counts[[0, 1, 3]]).pvalue > 0.01


@pytest.mark.parametrize(("beta", "positions"), [((1e300, 1), [2, 3, 4]), ((1, 1e300), [0, 1, 2])])
def test_extreme_parameters_take_an_end(beta: tuple[float, float], positions: list[int]) -> None:
    assert draw_by_rank(np.arange(5), 0.6, beta, 0).tolist() == positions
    assert draw_by_rank(np.arange(5), 0.4, (1e300, 1e300), 0).tolist()[0] <= 2  # the middle is among them


def test_what_is_left_over_goes_to_classes_at_random() -> None:
    labels = np.repeat([0, 1, 2, 3], 5)  # 0.5 each of 2.5: two classes give one more
    more = np.zeros(4, int)
    for seed in range(300):
        counts = np.bincount(labels[draw_by_rank(np.zeros(20), 0.5, (1, 1), seed, labels=labels)])
        assert sorted(counts.tolist()) == [2, 2, 3, 3]
        more += counts == 3
    assert stats.chisquare(more).pvalue > 0.01


def test_a_class_must_have_examples_left() -> None:
    with pytest.raises(BadInput, match="all 1 examples of class 5"):
        draw_by_rank(np.arange(11), 0.9, (1, 1), 0, labels=[5] + [6] * 10)
    check_classes_left([0, 0, 2, 2], np.array([1, 2]))
    with pytest.raises(BadInput, match="all 2 examples of class 'owl'"):
        check_classes_left([0, 0, 2, 2], np.array([0, 2, 3]), ["ant", "bee", "owl"])


def draws(how: str, change: dict[str, Any]) -> None:
    four: dict[str, Any] = {"values": [0.1, 0.2, 0.2, 0.4], "ids": np.arange(4), "refine_by": np.zeros(4)}
    given = {**four, "fraction": 0.5, "rate": 0.5, "beta": (3, 1), "seed": 0, **change}
    takes = {
        "select": (select, {"fraction", "side", "ties", "refine_by", "ids"}),
        "rank": (draw_by_rank, {"rate", "beta", "seed", "labels"}),
        "foremost": (foremost, {"rate", "refine_by", "ids", "seed", "labels"}),
        "beta": (draw_by_beta, {"prediction", "rate", "ids", "exponent", "seed", "labels"}),
        "coverage": (draw_for_coverage, {"rate", "refine_by", "ids", "cut", "strata", "seed", "labels"}),
    }
    draw, names = takes[how]
    if how == "beta":
        given = {"prediction": np.full(4, 0.5), **given}
    if how == "select":
        given = {"ties": "refine", **given}
    draw(given["values"], **{name: given[name] for name in names & given.keys()})  # type: ignore[operator]


ALL = ("select", "rank", "foremost", "beta", "coverage")
DRAWS = ALL[1:]
REFUSED: list[tuple[tuple[str, ...], dict[str, Any], str]] = [
    (ALL, {"values": [0, 1, np.nan, 2]}, r"values: NaN for 1 of 4 examples \(the first at position 2\)"),
    (ALL, {"values": [[0], [1]]}, r"values: have shape \(2, 1\)"),
    (ALL, {"values": []}, r"values: have shape \(0,\)"),
    (ALL, {"values": ["a"]}, "values: not numbers"),
    (DRAWS, {"labels": [0, 1]}, r"labels: has shape \(2,\)"),
    (DRAWS, {"rate": 1.0}, r"rate 1: not in \[0, 1\)"),
    (DRAWS, {"rate": float("nan")}, "rate nan: not in"),
    (DRAWS, {"rate": 0.9}, "rate 0.9: leaves none of 4 examples"),
    (DRAWS, {"seed": -1}, "seed -1: must be at least 0"),
    (("select", "foremost", "coverage"), {"refine_by": [1]}, "refine_by: has shape"),
    (("select", "foremost", "beta", "coverage"), {"ids": [1]}, "ids: has shape"),
    (("rank",), {"beta": (0, 1)}, r"beta \(0, 1\): give two positive numbers"),
    (("rank",), {"beta": (1, float("inf"))}, r"beta \(1, inf\)"),
    (("rank",), {"beta": (1, 2, 3)}, r"beta \(1, 2, 3\)"),
    (("beta",), {"prediction": np.full(4, 1.1)}, r"prediction: not all in \[0, 1\]"),
    (("beta",), {"prediction": np.full(4, np.nan)}, "NaN for 4 of 4"),
    (("beta",), {"exponent": 0.0}, "exponent 0: not in"),
    (("coverage",), {"cut": 0.6}, r"cut 0\.6: not in \[0, 0\.5\]"),
    (("coverage",), {"strata": 0}, "strata 0: must be at least 1"),
    (("select",), {"fraction": 0.04}, "fraction 0.04: too small, as it selects none of 4 examples"),
    (("select",), {"fraction": 1.5}, r"fraction 1.5: not in \(0, 1\]"),
    (("select",), {"side": "eazy"}, r"side 'eazy': unknown \(did you mean easy\?\)"),
    (("select",), {"ties": "random"}, "ties 'random': unknown.*; give one of expected, strict, refine"),
    (("select",), {"refine_by": [np.nan] * 4}, "refine_by values: NaN for 4 of 4"),
]


@pytest.mark.parametrize(("ways", "change", "message"), REFUSED)
def test_what_cannot_be_drawn_from_is_named(ways: tuple[str, ...], change: dict[str, Any], message: str):
    for how in ways:
        with pytest.raises(BadInput, match=message) as caught:
            draws(how, change)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "beta"),
    [
        ("easy", (3, 1)),
        ("hard", (1, 3)),
        ("random", (1, 1)),
        ("beta:1,3", (1, 3)),
        ("beta:0.5, 2e1", (0.5, 20)),
    ],
)
def test_policies(text: str, beta: tuple[float, float]) -> None:
    assert parse_policy(text) == beta


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("esy", r"'esy': unknown \(did you mean easy\?\); give easy, hard, random or beta:A,B"),
        ("", "policy '': unknown; give"),
        ("beta", ": unknown"),
        ("beta:1", ": unknown"),
        ("beta:1,2,3", ": unknown"),
        ("beta:a,b", ": unknown"),
        ("gamma:1,2", ": unknown"),
        ("beta:0,1", r"beta \(0, 1\): give two positive numbers"),
        ("beta:nan,1", r"beta \(nan, 1\)"),
    ],
)
def test_policies_that_are_none(text: str, told: str) -> None:
    with pytest.raises(BadInput, match=told):
        parse_policy(text)


@given(st.data(), st.integers(2, 12), st.integers(0, 3))
def test_it_is_the_refined_selection_whatever_the_order_of_examples(data, num, seed):
    levels = st.lists(st.integers(0, 2), min_size=num, max_size=num).map(np.array)
    values, finer = data.draw(levels), data.draw(levels)
    ids = np.array([f"{i}.png" for i in range(num)], object)
    rate = data.draw(st.integers(1, num - 1)) / num
    taken = foremost(values, rate, refine_by=finer, ids=ids, seed=seed)
    weights = select(values, rate, "easy", ties="refine", refine_by=finer, ids=ids, seed=seed)
    np.testing.assert_array_equal(taken, np.flatnonzero(weights))
    order = np.array(data.draw(st.permutations(range(num))))
    again = foremost(values[order], rate, refine_by=finer[order], ids=ids[order], seed=seed)
    assert set(ids[order][again]) == set(ids[taken])
    fewer = foremost(values, rate / 2, refine_by=finer, ids=ids, seed=seed)
    assert set(fewer) <= set(taken)


LEVELS = [3, 3, 2, 2, 2, 1, 1, 0, 0, 0]


@pytest.mark.parametrize(
    ("fraction", "num", "k"), [(0.1, 10_000, 1000), (0.25, 10, 3), (0.14, 10, 1), (0.05, 10, 1), (1.0, 7, 7)]
)
def test_k_is_rounded_half_up(fraction: float, num: int, k: int) -> None:
    assert num_selected(num, fraction) == k


@pytest.mark.parametrize(
    ("values", "fraction", "options", "weights"),
    [
        # what is left is shared among those that tie
        (LEVELS, 0.3, {}, [1, 1, 1 / 3, 1 / 3, 1 / 3, 0, 0, 0, 0, 0]),
        (LEVELS, 0.4, {"side": "hard"}, [0, 0, 0, 0, 0, 0.5, 0.5, 1, 1, 1]),
        (LEVELS, 0.2, {}, [1, 1] + [0] * 8),
        (LEVELS, 0.3, {"side": "hard"}, [0] * 7 + [1] * 3),
        ([np.inf, 0, -np.inf, 1], 0.5, {}, [1, 0, 0, 1]),
        # strict: easy, k = 3, tau is the 4th value 2, and two examples are above it
        (LEVELS, 0.3, {"ties": "strict"}, [1, 1] + [0] * 8),
        # hard: k = 3 or 4, tau is the value 1, and three examples are below it
        (LEVELS, 0.3, {"side": "hard", "ties": "strict"}, [0] * 7 + [1] * 3),
        (LEVELS, 0.4, {"side": "hard", "ties": "strict"}, [0] * 7 + [1] * 3),
        ([5, 1, 4, 2, 3], 0.4, {"ties": "strict"}, [1, 0, 1, 0, 0]),
        # empty where tau is the extreme value
        (LEVELS, 0.1, {"ties": "strict"}, [0] * 10),
        ([1, 1, 1, 1], 0.5, {"ties": "strict"}, [0] * 4),
        # a finer score never overrides the values
        ([2, 1, 0], 1 / 3, {"ties": "refine", "refine_by": [0, 1, 2]}, [1, 0, 0]),
        *((LEVELS, 1.0, {"ties": ties}, [1] * 10) for ties in ("expected", "strict", "refine")),
    ],
)
def test_who_is_in_and_for_what_part(
    values: list[float], fraction: float, options: dict[str, Any], weights: list[float]
) -> None:
    assert select(values, fraction, **options).tolist() == weights


def test_refine_ranks_the_tied_by_the_finer_score() -> None:
    finer = [0, 0, 0.1, 0.9, 0.5, 0.2, 0.3, 1, 1, 1]
    assert np.flatnonzero(select(LEVELS, 0.3, ties="refine", refine_by=finer)).tolist() == [0, 1, 3]
    assert np.flatnonzero(select(LEVELS, 0.4, ties="refine", refine_by=finer)).tolist() == [0, 1, 3, 4]
    # hard: the lower finer score is harder
    hard = select(LEVELS, 0.4, side="hard", ties="refine", refine_by=finer)
    assert np.flatnonzero(hard).tolist() == [5, 7, 8, 9]


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
