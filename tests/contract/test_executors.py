"""What every executor must do; a new one joins by its factory in the list."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import pytest

from easiness.errors import BadInput
from easiness.executors import Executor, SerialExecutor, make_executor

FACTORIES: list[Callable[[], Executor]] = [SerialExecutor]


@pytest.fixture(params=FACTORIES, ids=lambda factory: factory.__name__)
def executor(request: pytest.FixtureRequest) -> Executor:
    return request.param()


def square(item: int) -> int:
    return item * item


def square_of_even(item: int) -> int:
    if item % 2:
        raise ValueError(f"{item} is odd")
    return item * item


def interrupted_at_two(item: int) -> int:
    if item == 2:
        raise KeyboardInterrupt
    return item


def test_every_item_has_one_outcome_with_the_value_of_the_function(executor):
    outcomes = list(executor.run(square, [3, 1, 2, 0]))
    assert {o.item: o.value for o in outcomes} == {0: 0, 1: 1, 2: 4, 3: 9}
    assert len(outcomes) == 4
    assert all(o.error is None for o in outcomes)


def test_equal_items_have_an_outcome_each(executor):
    assert [o.value for o in executor.run(square, [2, 2])] == [4, 4]


def test_no_item_no_outcome(executor):
    assert list(executor.run(square, [])) == []


def test_an_error_is_an_outcome_and_costs_the_other_items_nothing(executor):
    outcomes = {o.item: o for o in executor.run(square_of_even, range(5))}
    assert {item: o.value for item, o in outcomes.items()} == {0: 0, 1: None, 2: 4, 3: None, 4: 16}
    assert {item: str(o.error) for item, o in outcomes.items() if o.error} == {1: "1 is odd", 3: "3 is odd"}
    assert all(type(o.error) is ValueError for o in outcomes.values() if o.error)


def test_an_interrupt_ends_the_iteration(executor):
    taken = []
    outcomes = (taken.append(o.item) for o in executor.run(interrupted_at_two, range(100)))
    with pytest.raises(KeyboardInterrupt):
        deque(outcomes)
    assert 2 not in taken
    assert len(taken) < 100


def test_it_can_be_used_again_after_an_interrupt(executor):
    with pytest.raises(KeyboardInterrupt):
        list(executor.run(interrupted_at_two, range(4)))
    assert sorted(o.value for o in executor.run(square, range(3))) == [0, 1, 4]


def test_an_iteration_that_is_given_up_needs_no_more_items(executor):
    for outcome in executor.run(square, range(10**9)):
        assert outcome.item == 0 or outcome.value == outcome.item**2
        break


def test_serial_goes_in_order_and_starts_an_item_when_the_last_outcome_was_taken():
    started = []

    def note(item: int) -> int:
        started.append(item)
        return -item

    outcomes = SerialExecutor().run(note, [5, 4])
    assert started == []
    assert next(outcomes).value == -5
    assert started == [5]
    assert next(outcomes).value == -4
    assert started == [5, 4]


def test_executors_by_name():
    assert isinstance(make_executor("serial"), SerialExecutor)
    with pytest.raises(BadInput, match=r"executor 'seral': unknown \(did you mean serial\?\); choose serial"):
        make_executor("seral")
