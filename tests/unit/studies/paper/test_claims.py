from __future__ import annotations

import json
from typing import Any

import pytest

from easiness.studies.paper.claims import Claim, Statistic, count_verdicts


def statistic(low: float, high: float, **changes: Any) -> Statistic:
    settings: dict[str, Any] = {
        "name": "a rate",
        "value": (low + high) / 2,
        "interval": (low, high),
        "side": "above",
        "margin": 0.2,
    }
    return Statistic(**{**settings, **changes})


def claim(*statistics: Statistic, **changes: Any) -> Claim:
    return Claim("1", "sets match", "every pair above 0.2", statistics, **changes)


@pytest.mark.parametrize(
    ("low", "high", "side", "verdict"),
    [
        (0.21, 0.3, "above", "holds"),
        (0.2, 0.3, "above", "undecided"),
        (0.1, 0.19, "above", "does not hold"),
        (0.1, 0.3, "above", "undecided"),
        (0.1, 0.19, "below", "holds"),
        (0.21, 0.3, "below", "does not hold"),
        (float("nan"), float("nan"), "above", "undecided"),
    ],
)
def test_only_an_interval_on_one_side_decides(low, high, side, verdict):
    assert statistic(low, high, side=side).verdict == verdict


def test_no_interval_and_too_few_trials_decide_nothing():
    assert statistic(0.5, 0.6, interval=None).verdict == "undecided"
    few = statistic(0.5, 0.6, undecided="3 trials a group are too few")
    assert few.verdict == "undecided"
    assert claim(few).reason == "3 trials a group are too few"


def test_a_claim_needs_all_and_falls_with_one():
    good, open_, bad = statistic(0.5, 0.6), statistic(0.1, 0.3), statistic(0.0, 0.1)
    assert claim(good, good).verdict == "holds"
    assert claim(good, open_).verdict == "undecided"
    assert claim(good, open_, bad).verdict == "does not hold"
    assert claim().verdict == "undecided"
    assert claim(good, not_tested="only for photos").verdict == "not tested here"
    assert "a rate" in claim(good, bad).reason
    assert count_verdicts([claim(good), claim(bad), claim()]) == {
        "holds": 1,
        "does not hold": 1,
        "undecided": 1,
        "not tested here": 0,
    }


def test_json_has_no_nan():
    value = claim(statistic(float("nan"), float("nan")), statistic(0.5, 0.6, interval=None)).as_dict()
    again = json.loads(json.dumps(value, allow_nan=False))
    assert again["verdict"] == "undecided"
    assert again["statistics"][0]["interval"] == [None, None]
    assert again["statistics"][1]["interval"] is None
