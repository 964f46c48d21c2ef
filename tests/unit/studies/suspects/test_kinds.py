from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from easiness.studies.suspects.kinds import NOT_CARRIED, KindEvidence, find_kinds, kind_reasons
from easiness.studies.suspects.neighbours import Neighbours

EASY = {
    "p_wrong": 0.0,
    "p_label": 0.9,
    "p_rival": 0.02,
    "rival": 1,
    "first_right": 1.0,
    "distance": 1.0,
    "own_share": 1.0,
    "strength": 1.0,
}
HARD = {**EASY, "p_label": 0.2, "p_rival": 0.15, "first_right": np.nan, "own_share": 0.3}


def evidence(*examples: dict[str, Any], num_epochs: int = 10, known: float = 0.95) -> KindEvidence:
    """The examples given, and eight easy ones behind them."""
    rows = [*examples, *[EASY] * 8]
    columns = {name: np.array([row[name] for row in rows]) for name in EASY}
    near = Neighbours(columns["distance"], columns["own_share"], columns["strength"], 10, 3)
    told: dict[str, Any] = {
        name: columns[name] for name in ("p_wrong", "p_label", "p_rival", "rival", "first_right")
    }
    return KindEvidence(**told, num_epochs=num_epochs, known=known, near=near)


@pytest.mark.parametrize(
    ("kind", "changes", "reason"),
    [
        (
            "wrong label",
            {"p_wrong": 0.5},
            "its label cat is wrong with probability 0.50; the trials that disagree name dog",
        ),
        ("between two classes", {"p_label": 0.3, "p_rival": 0.4}, "between cat (0.30) and dog (0.40)"),
        ("between two classes", {"p_label": 0.1, "p_rival": 0.4}, "between cat (0.10) and dog (0.40)"),
        (
            "unlike its class",
            {"strength": 0.5},
            "unlike cat: the networks' answer to it is 0.50 times as strong as usual there, and 30% of its "
            "10 nearest neighbours are cat",
        ),
        ("slow", {"first_right": 8.0}, "right in most trials only from epoch 8 of 10 on"),
        ("", {}, ""),
        ("", {"p_wrong": 0.49}, ""),
        ("", {"p_label": 0.05, "p_rival": 0.6}, ""),  # the rival is far ahead
        ("", {"p_label": 0.25, "p_rival": 0.24}, ""),  # the others have more than these two
        ("", {"p_label": 0.3, "p_rival": 0.4, "rival": -1}, ""),  # between the label and what?
        ("", {"distance": 2.0}, ""),  # rare, if that could be told
        ("", {"strength": 0.7}, ""),
        ("", {"first_right": 5.0}, ""),
    ],
)
def test_each_kind_is_known_by_its_evidence(kind: str, changes: dict[str, Any], reason: str) -> None:
    given = evidence({**HARD, **changes})
    found = find_kinds(given)
    assert found.kind.tolist() == [kind, *[""] * 8]
    assert found.left_out == NOT_CARRIED
    labels = np.zeros(9, np.int64)
    assert kind_reasons(found, given, labels, ["cat", "dog"]) == [reason, *[""] * 8]


def test_the_first_kind_that_holds_is_named() -> None:
    between = {"p_label": 0.3, "p_rival": 0.4}
    found = find_kinds(
        evidence(
            {**HARD, **between, "p_wrong": 0.9, "strength": 0.4, "distance": 2},
            {**HARD, **between, "p_wrong": 0.9, "distance": 2},
            {**HARD, **between, "distance": 2},
            {**HARD, "distance": 2, "first_right": 9},
        )
    )
    assert found.kind[:4].tolist() == ["unlike its class", "wrong label", "between two classes", "slow"]


def test_an_easy_example_has_no_kind_but_may_be_slow() -> None:
    strange = {**EASY, "p_wrong": 0.9, "distance": 9, "strength": 0.1}
    # two of ten are harder than the rest, but the quarter of them is cut between equal ones
    found = find_kinds(evidence({**strange, "p_label": 0.9}, {**EASY, "first_right": 9.0}))
    assert found.kind[:2].tolist() == ["", "slow"]


def test_the_hardest_quarter_is_hard_however_sure_the_networks_are() -> None:
    found = find_kinds(evidence({**EASY, "p_label": 0.7, "strength": 0.5}))
    assert found.kind[0] == "unlike its class"


def test_without_networks_a_kind_more_is_left_out() -> None:
    given = evidence({**HARD, "distance": 2}, {**HARD, "strength": 0.1, "p_wrong": 0.8})
    found = find_kinds(replace(given, near=None, why_not_near="the run was made without weights"))
    assert found.kind[:2].tolist() == ["", "wrong label"]
    assert found.left_out == {**NOT_CARRIED, "unlike its class": "the run was made without weights"}


@pytest.mark.parametrize(
    ("known", "kinds"),
    [
        (0.9, ["unlike its class", "wrong label", "between two classes", "slow"]),
        (0.89, ["unlike its class", "wrong label", "", "slow"]),
        (0.7, ["unlike its class", "wrong label", "", "slow"]),
        (0.69, ["wrong label", "wrong label", "", ""]),
    ],
)
def test_where_little_is_known_kinds_are_not_guessed(known: float, kinds: list[str]) -> None:
    between = {"p_label": 0.3, "p_rival": 0.4}
    given = evidence(
        {**HARD, "p_wrong": 0.9, "strength": 0.4},
        {**HARD, "p_wrong": 0.9},
        {**HARD, **between},
        {**HARD, "first_right": 9},
        known=known,
    )
    found = find_kinds(given)
    assert found.kind[:4].tolist() == kinds
    for kind in found.left_out.keys() - NOT_CARRIED.keys():
        assert f"{known:.0%} of the labels right that can be expected to be sound" in found.left_out[kind]
        assert kind not in kinds


def test_where_nothing_was_learned_nothing_is_slow() -> None:
    found = find_kinds(evidence(num_epochs=1))
    assert found.kind.tolist() == [""] * 8
    never = replace(evidence(HARD), first_right=np.full(9, np.nan))
    assert find_kinds(never).kind.tolist() == [""] * 9
