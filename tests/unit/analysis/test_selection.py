from typing import Any

import numpy as np
import pytest

from easiness.analysis import Side, Ties, num_selected, select, tie_mass
from easiness.errors import BadInput

LEVELS = [3, 3, 2, 2, 2, 1, 1, 0, 0, 0]


@pytest.mark.parametrize(
    ("fraction", "num", "k"), [(0.1, 10_000, 1000), (0.25, 10, 3), (0.14, 10, 1), (0.05, 10, 1), (1.0, 7, 7)]
)
def test_k_is_rounded_half_up(fraction: float, num: int, k: int) -> None:
    assert num_selected(num, fraction) == k


def test_expected_shares_what_is_left_among_the_tied() -> None:
    third = 1 / 3
    assert select(LEVELS, 0.3).tolist() == [1, 1, third, third, third, 0, 0, 0, 0, 0]
    assert select(LEVELS, 0.4, side="hard").tolist() == [0, 0, 0, 0, 0, 0.5, 0.5, 1, 1, 1]


def test_expected_at_a_cut_between_levels_is_a_plain_set() -> None:
    assert select(LEVELS, 0.2).tolist() == [1, 1] + [0] * 8
    assert select(LEVELS, 0.3, side="hard").tolist() == [0] * 7 + [1, 1, 1]


def test_strict_is_what_lies_beyond_the_next_value() -> None:
    # easy: k = 3, tau is the 4th value 2, and two examples are above it
    assert select(LEVELS, 0.3, ties="strict").tolist() == [1, 1] + [0] * 8
    # hard: k = 3, tau is the 4th value from below, 1, and three examples are below it
    assert select(LEVELS, 0.3, side="hard", ties="strict").tolist() == [0] * 7 + [1, 1, 1]
    # hard: k = 4, tau is 1 again
    assert select(LEVELS, 0.4, side="hard", ties="strict").sum() == 3


def test_strict_without_ties_has_k_members() -> None:
    assert select([5, 1, 4, 2, 3], 0.4, ties="strict").tolist() == [1, 0, 1, 0, 0]


def test_strict_is_empty_when_tau_is_the_extreme_value() -> None:
    assert select(LEVELS, 0.1, ties="strict").sum() == 0
    assert select([1, 1, 1, 1], 0.5, ties="strict").sum() == 0


@pytest.mark.parametrize("ties", ["expected", "strict", "refine"])
def test_the_whole_is_everybody(ties: Ties) -> None:
    assert select(LEVELS, 1.0, ties=ties).tolist() == [1] * 10


def test_refine_ranks_the_tied_by_the_finer_score() -> None:
    finer = [0, 0, 0.1, 0.9, 0.5, 0.2, 0.3, 1, 1, 1]
    assert np.flatnonzero(select(LEVELS, 0.3, ties="refine", refine_by=finer)).tolist() == [0, 1, 3]
    assert np.flatnonzero(select(LEVELS, 0.4, ties="refine", refine_by=finer)).tolist() == [0, 1, 3, 4]
    # hard: the lower finer score is harder
    hard = select(LEVELS, 0.4, side="hard", ties="refine", refine_by=finer)
    assert np.flatnonzero(hard).tolist() == [5, 7, 8, 9]


def test_refine_never_overrides_the_values() -> None:
    assert select([2, 1, 0], 1 / 3, ties="refine", refine_by=[0, 1, 2]).tolist() == [1, 0, 0]


def test_what_still_ties_goes_by_the_hash_of_the_id() -> None:
    chosen = {seed: select(np.zeros(40), 0.5, ties="refine", seed=seed) for seed in range(3)}
    assert all(w.sum() == 20 for w in chosen.values())
    assert not np.array_equal(chosen[0], chosen[1])
    assert np.array_equal(chosen[0], select(np.zeros(40), 0.5, ties="refine", ids=np.arange(40)))
    assert not np.array_equal(chosen[0], select(np.zeros(40), 0.5, ties="refine", ids=np.arange(40) + 40))


def test_the_finer_score_may_leave_a_tie_to_the_hash() -> None:
    w = select([1, 1, 1, 1, 0], 0.6, ties="refine", refine_by=[9, 5, 5, 5, 9], ids=list("abcde"))
    assert w[0] == 1
    assert w[1:4].sum() == 2
    assert w[4] == 0


def test_infinite_values_are_ordered() -> None:
    assert select([np.inf, 0, -np.inf, 1], 0.5).tolist() == [1, 0, 0, 1]


@pytest.mark.parametrize(
    ("fraction", "side", "mass"),
    [
        (0.3, "easy", 0.3),
        (0.2, "easy", 0.0),
        (0.1, "easy", 0.2),
        (0.3, "hard", 0.0),
        (0.4, "hard", 0.2),
        (1.0, "easy", 0),
    ],
)
def test_tie_mass_is_the_share_at_a_cut_that_splits_a_level(fraction: float, side: Side, mass: float) -> None:
    assert tie_mass(LEVELS, fraction, side) == pytest.approx(mass)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"fraction": 0.04}, "fraction 0.04: too small, as it selects none of 10 examples"),
        ({"fraction": 0}, r"fraction 0: not in \(0, 1\]"),
        ({"fraction": 1.5}, r"fraction 1.5: not in \(0, 1\]"),
        ({"fraction": float("nan")}, "fraction nan: not in"),
        ({"side": "eazy"}, r"side 'eazy': unknown \(did you mean easy\?\)"),
        ({"ties": "random"}, "ties 'random': unknown.*; give one of expected, strict, refine"),
        ({"values": [1, np.nan, np.nan]}, r"values: NaN for 2 of 3 examples \(the first at position 1\)"),
        ({"values": [[1, 2]]}, r"values: have shape \(1, 2\)"),
        ({"values": ["a"]}, "values: not numbers"),
        ({"values": []}, "it selects none of 0 examples"),
        ({"refine_by": [1, 2]}, r"refine_by: has shape \(2,\) for 10 values"),
        ({"refine_by": [np.nan] * 10}, "refine_by values: NaN for 10 of 10"),
        ({"ids": [1, 2]}, r"ids: has shape \(2,\) for 10 values"),
    ],
)
def test_bad_input_is_named(change: dict[str, object], message: str) -> None:
    arguments: dict[str, Any] = {"values": LEVELS, "fraction": 0.3, "ties": "refine", **change}
    with pytest.raises(BadInput, match=message) as caught:
        select(**arguments)
    assert "\n" not in str(caught.value)
