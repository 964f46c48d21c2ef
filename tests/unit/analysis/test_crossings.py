from __future__ import annotations

import math

import pytest

from easiness.analysis.crossings import falls_to_0, last


@pytest.mark.parametrize("start", [-39.0, 0.0, 2.0, 39.0])
@pytest.mark.parametrize("steepness", [0.1, 1.0, 50.0])
def test_where_a_value_that_falls_is_0(start: float, steepness: float) -> None:
    """Newton's steps alone would go astray from where it is flat."""

    def tanh(x: float) -> tuple[float, float]:
        value = math.tanh(steepness * (1.5 - x))
        return value, steepness * (1 - value**2)

    assert falls_to_0(tanh, start) == pytest.approx(1.5, abs=1e-12)


def test_what_is_nowhere_0_ends_at_an_end() -> None:
    assert falls_to_0(lambda _: (1.0, 0.0), 0.0) == pytest.approx(40)
    assert falls_to_0(lambda x: (-1.0 - x / 1000, 0.001), 0.0) == pytest.approx(-40)


def test_a_value_that_falls_at_once_has_no_slope() -> None:
    assert falls_to_0(lambda x: (1.0 if x < 0.25 else -1.0, 0.0), 0.0) == pytest.approx(0.25)


@pytest.mark.parametrize("bar", [0, 1, 6, 7])
def test_the_last_that_holds(bar: int) -> None:
    assert last(lambda number: number <= bar, 7) == bar
