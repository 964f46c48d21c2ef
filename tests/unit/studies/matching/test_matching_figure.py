from __future__ import annotations

import math
from itertools import combinations, combinations_with_replacement
from typing import Any

import numpy as np
import pytest

from easiness.analysis import GroupMatch, Side, SplitHalf, TailReliability, Ties
from easiness.store import Row
from easiness.studies.matching.comparison import Cell, Comparison, draw_matching
from easiness.studies.matching.reliability import Outlook, Reliability, draw_reliability
from plans import group_match

POLICIES: tuple[Ties, ...] = ("expected", "refine")


def group(rate: float, size: int = 5) -> GroupMatch:
    return group_match(rate, 0.05, size)


def compared(names: list[str], sides: tuple[Side, ...] = ("easy", "hard"), groups: Any = group) -> Comparison:
    """Rates from 0.1 up in steps of 0.1, pair by pair; those of hard sets are 0.05 more."""
    pairs = [*combinations_with_replacement(range(len(names)), 2)]
    cells = [
        Cell(i, j, side, policy, groups(0.1 * at + 0.05 * (side == "hard") + 0.3 * (policy == "refine")))
        for policy in POLICIES
        for side in sides
        for at, (i, j) in enumerate(pairs, 1)
    ]
    return Comparison(names, (Row(3),) * len(names), 0.1, 100, POLICIES, cells, [], [])


def texts(axes: Any) -> list[str]:
    return [text.get_text() for text in axes.texts]


def test_a_cell_for_each_pair_its_interval_and_a_column_of_chance():
    figure = draw_matching(compared(["a", "b", "c"]), ["easy"])
    (axes,) = figure.axes
    written = texts(axes)
    # under refine: 0.4 ... 0.9, row by row, each with its interval, then the chance of the row
    assert written == [
        *("0.40", "0.35 to 0.45", "0.50", "0.45 to 0.55", "0.60", "0.55 to 0.65"),
        *("0.70", "0.65 to 0.75", "0.80", "0.75 to 0.85"),
        *("0.90", "0.85 to 0.95", "0.10", "0.10", "0.10"),
    ]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["a", "b", "c", "random"]
    framed = [patch for patch in axes.patches if patch.get_linewidth() > 0]
    assert len(axes.patches) == 6
    assert [patch.get_xy() for patch in framed] == [pytest.approx((i + 0.03, i + 0.03)) for i in range(3)]  # type: ignore[attr-defined]
    assert axes.get_title(loc="left") == "easy examples, after epoch 3"


def test_what_is_undefined_is_said_and_has_no_interval():
    (axes,) = draw_matching(compared(["a"], groups=lambda _: None), ["easy"]).axes
    assert texts(axes) == ["none", "0.10"]
    (axes,) = draw_matching(compared(["a"], groups=lambda _: group(math.nan)), ["easy"]).axes
    assert texts(axes) == ["none", "0.10"]
    bare = compared(["a"], groups=lambda rate: group_match(rate, math.nan))
    (axes,) = draw_matching(bare, ["easy"]).axes
    assert texts(axes) == ["0.40", "0.10"]


def test_names_are_shown_as_they_are():
    names = ["a$b$", r"$\frac{1}$", "one_of_many_networks_with_a_long_name"]
    # a $ that is escaped is a $ when drawn, and what is between two is not mathematics
    labels = [label.get_text() for label in draw_matching(compared(names)).axes[0].get_yticklabels()]
    assert [label.replace(r"\$", "$").replace("\n", "") for label in labels] == names
    assert all("$" not in label.replace(r"\$", "") for label in labels)
    assert labels[2].splitlines() == ["one_of_many_", "networks_with_", "a_long_name"]


@pytest.mark.parametrize("name", ["a-run-of-photographs-with-a-long-name", "x" * 300, "ridge on timm:a_b"])
def test_long_names_lie_over_nothing(name):
    figure = draw_matching(compared([name, f"{name}2", "c"]))
    figure.draw_without_rendering()
    (axes,) = figure.axes
    labels = [*axes.get_xticklabels(), *axes.get_yticklabels()]
    boxes = [label.get_window_extent() for label in labels]
    assert not any(a.overlaps(b) for a, b in combinations(boxes, 2))
    page = figure.bbox
    assert all(page.x0 <= box.x0 and box.x1 <= page.x1 and box.y1 <= page.y1 for box in boxes)


def _half(epoch: int, size: int, easy: float, hard: float) -> SplitHalf:
    at_ease, at_hard = (TailReliability(rate / 2, rate, tie_mass=0.3) for rate in (easy, hard))
    return SplitHalf(epoch, size, 1, 0.5, 0.67, at_ease, at_hard, 0.1)


OUTLOOK = Outlook(num_trials=6, epoch=2, fraction=0.1, forecasts=(), drifts=(), seconds=None)
RELIABILITY = Reliability(
    by_epoch=[_half(1, 3, 0.4, 0.8), _half(2, 3, 0.6, 0.7)],
    by_trials=[_half(2, 1, 0.2, 0.3), _half(2, 3, 0.6, 0.7)],
    drift={"easy": {1: 0.5, 2: 1.0}, "hard": {2: 1.0}},
    outlook=OUTLOOK,
)


def lines(axes: Any) -> dict[str, list[float]]:
    return {str(line.get_label()): list(line.get_ydata()) for line in axes.lines}


def test_curves_are_the_rates_of_the_halves_and_the_best_epoch_is_marked() -> None:
    figure = draw_reliability(RELIABILITY)
    assert figure is not None
    (axes,) = figure.axes
    drawn = lines(axes)
    assert list(np.ravel(axes.lines[0].get_xdata())) == [1, 2]
    assert (drawn["easy, refine"], drawn["hard, refine"]) == ([0.4, 0.6], [0.8, 0.7])
    assert (drawn["easy, expected"], drawn["hard, expected"]) == ([0.2, 0.3], [0.4, 0.35])
    assert drawn["easy, drift"] == [0.5, 1.0]
    np.testing.assert_array_equal(drawn["hard, drift"], [np.nan, 1.0])
    rings = [line for line in axes.lines if line.get_fillstyle() == "none"]
    marked = [(int(np.ravel(r.get_xdata())[0]), float(np.ravel(r.get_ydata())[0])) for r in rings]
    assert marked == [(2, 0.6), (1, 0.8)]
    assert draw_reliability(Reliability([], [], {}, OUTLOOK)) is None
