from __future__ import annotations

import pytest

from easiness.runs.auto.budget import Budget


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("run", "allowed"), [(0.0, 1.0), (19.0, 1.0), (30.0, 1.5), (100.0, 5.0), (200.0, 10.0), (1e9, 10.0)]
)
def test_a_twentieth_of_the_run_from_one_second_to_ten(run, allowed):
    budget = Budget()
    budget.meet(run)
    assert budget.allowed == allowed


def test_it_runs_from_the_beginning():
    clock = Clock()
    budget = Budget(clock)
    assert budget.left == 1.0
    clock.now += 0.75
    budget.meet(60.0)
    assert budget.left == 2.25
    assert budget.affords(2.25)
    assert not budget.affords(2.26)
    clock.now += 3
    assert budget.left == -0.75
    assert not budget.affords(0.0)


def test_longer_runs_are_looked_at_for_longer():
    budget = Budget()
    looks = []
    for run in (1.0, 60.0, 1e6):
        budget.meet(run)
        looks.append(budget.look)
    assert looks == pytest.approx([0.1, 0.3, 0.5])
