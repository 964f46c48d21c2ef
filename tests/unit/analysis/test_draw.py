from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy import stats

from easiness import draw_by_rank
from easiness.analysis import draw_by_beta, draw_for_coverage, foremost, num_selected, select
from easiness.analysis.draw import check_classes_left, parse_policy
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
    counts = dict.fromkeys(chances, 0)
    for seed in range(NUM_SEEDS):
        counts[tuple(draw_by_rank(values, num / 5, beta, seed).tolist())] += 1
    expected = NUM_SEEDS * np.array(list(chances.values()))
    assert expected.min() >= 5  # below, the statistic has another distribution
    assert stats.chisquare(list(counts.values()), expected).pvalue > 0.01


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


def test_what_still_ties_goes_by_the_hash_of_the_id() -> None:
    chosen = {seed: select(np.zeros(40), 0.5, ties="refine", seed=seed) for seed in range(3)}
    assert all(w.sum() == 20 for w in chosen.values())
    assert not np.array_equal(chosen[0], chosen[1])
    assert np.array_equal(chosen[0], select(np.zeros(40), 0.5, ties="refine", ids=np.arange(40)))
    assert not np.array_equal(chosen[0], select(np.zeros(40), 0.5, ties="refine", ids=np.arange(40) + 40))
