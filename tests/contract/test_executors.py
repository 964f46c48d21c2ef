"""What every executor must do, also with trials that are stopped; a new one joins by its factory."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from easiness import load_dataset, measure
from easiness.errors import BadInput
from easiness.executors import Executor, ProcessesExecutor, SerialExecutor, Tell, make_executor
from easiness.own_process import worker_number
from easiness.runs import Progress
from waiting import is_alive, wait_until

FACTORIES: list[Callable[[], Executor]] = [
    SerialExecutor,
    partial(ProcessesExecutor, 2),
    partial(make_executor, "ray", 2),
]


@pytest.fixture(params=FACTORIES, ids=["serial", "processes", "ray"], scope="module")
def executor(request: pytest.FixtureRequest) -> Iterator[Executor]:
    if request.param is FACTORIES[2]:
        request.getfixturevalue("quiet_ray")
    executor = request.param()
    yield executor
    executor.close()


@pytest.fixture
def two() -> Iterator[ProcessesExecutor]:
    executor = ProcessesExecutor(2)
    yield executor
    executor.close()


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


@pytest.mark.parametrize("items", [[3, 1, 2, 0], [2, 2], []])
def test_every_item_has_one_outcome_with_the_value_of_the_function(executor, items):
    outcomes = list(executor.run(square, items))
    assert sorted((o.item, o.value) for o in outcomes) == [(item, item**2) for item in sorted(items)]
    assert all(o.error is None for o in outcomes)


def test_an_error_is_an_outcome_and_costs_the_other_items_nothing(executor):
    outcomes = {o.item: o for o in executor.run(square_of_even, range(5))}
    assert {item: o.value for item, o in outcomes.items()} == {0: 0, 1: None, 2: 4, 3: None, 4: 16}
    assert {item: str(o.error) for item, o in outcomes.items() if o.error} == {1: "1 is odd", 3: "3 is odd"}
    assert all(type(o.error) is ValueError for o in outcomes.values() if o.error)


def test_an_interrupt_ends_the_iteration_and_it_can_be_used_again(executor):
    taken = []
    outcomes = (taken.append(o.item) for o in executor.run(interrupted_at_two, range(100)))
    with pytest.raises(KeyboardInterrupt):
        deque(outcomes)
    assert 2 not in taken
    assert len(taken) < 100
    assert sorted(o.value for o in executor.run(square, range(3))) == [0, 1, 4]


def test_an_iteration_that_is_given_up_needs_no_more_items(executor):
    for outcome in executor.run(square, range(10**9)):
        assert outcome.item == 0 or outcome.value == outcome.item**2
        break


def number_after_a_while(_: int) -> int:
    time.sleep(0.1)
    return worker_number()


def test_workers_know_their_number():
    assert worker_number() == 0
    numbers: set[int | None] = set()
    executor = ProcessesExecutor(3)
    try:
        for _ in range(50):
            numbers |= {outcome.value for outcome in executor.run(number_after_a_while, range(6))}
            if len(numbers) == 3:
                break
    finally:
        executor.close()
    assert numbers == {0, 1, 2}
    assert worker_number() == 0
    assert [outcome.value for outcome in SerialExecutor().run(number_after_a_while, [7])] == [0]


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


def square_telling(item: int, tell: Tell) -> int:
    for step in range(3):
        tell((item, step))
    return item * item


def test_what_a_function_tells_is_heard_in_order_before_its_outcome(executor):
    heard = []
    thread = threading.get_ident()

    def listen(told: Any) -> None:
        assert threading.get_ident() == thread
        heard.append(told)

    for outcome in executor.run_telling(square_telling, [4, 7], listen):
        assert outcome.value == outcome.item**2
        assert [told for told in heard if told[0] == outcome.item] == [(outcome.item, s) for s in range(3)]
    assert len(heard) == 6


def end_process_at_two(item: int) -> int:
    if item == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return item


def test_a_worker_that_ends_costs_its_item_alone(two):
    outcomes = {o.item: o for o in two.run(end_process_at_two, range(8))}
    assert len(outcomes) == 8
    failed = [item for item, o in outcomes.items() if o.error is not None]
    assert failed == [2]
    assert "process ended unexpectedly" in str(outcomes[2].error)
    assert all(o.value == item for item, o in outcomes.items() if item not in failed)


def end_process_the_first_time(meeting_place: Path, item: int) -> int:
    # one alone: the others may lose their worker to it, before they have ended one of their own
    if item == 0 and not (mark := meeting_place / str(item)).exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return item


def test_items_whose_worker_was_killed_run_once_more(two, tmp_path):
    outcomes = list(two.run(partial(end_process_the_first_time, tmp_path), range(3)))
    assert sorted((o.item, o.value) for o in outcomes) == [(0, 0), (1, 1), (2, 2)]


def ends_its_process_in_the_middle_of_its_value(meeting_place: Path, item: int) -> bytes:
    if item == 1 and not (mark := meeting_place / "ended").exists():
        while not (meeting_place / "go").exists():
            time.sleep(0.01)

        def send_half(self: Connection, message: bytes) -> None:
            os.write(self.fileno(), message[: len(message) // 2])
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)

        Connection._send = send_half  # type: ignore[attr-defined]
    return bytes([item]) * 10_000


def test_an_item_whose_worker_was_killed_as_it_sent_the_value_runs_once_more(two, tmp_path):
    (tmp_path / "go").touch()
    values = {}
    for outcome in two.run(partial(ends_its_process_in_the_middle_of_its_value, tmp_path), range(4)):
        values[outcome.item] = outcome.value
    assert (tmp_path / "ended").exists()
    assert values == {item: bytes([item]) * 10_000 for item in range(4)}


def test_an_executor_whose_worker_was_killed_as_it_sent_a_value_can_be_closed(tmp_path):
    executor = ProcessesExecutor(2)
    outcomes = executor.run(partial(ends_its_process_in_the_middle_of_its_value, tmp_path), range(4))
    assert next(iter(outcomes)).item == 0
    (tmp_path / "go").touch()
    while not (tmp_path / "ended").exists():
        time.sleep(0.01)
    time.sleep(0.5)
    executor.close()


class Held(RuntimeError):
    """An error whose traceback holds what the failed item held."""


def fail_with_much_in_hand(item: int) -> int:
    if item == 0:
        held = Held()
        HELD.append(weakref.ref(held))
        raise ValueError("the item failed")
    return sum(one() is not None for one in HELD)


HELD: list[weakref.ref[Held]] = []


def test_what_a_failed_item_held_is_not_held_by_its_outcome():
    failed, after = SerialExecutor().run(fail_with_much_in_hand, [0, 1])
    assert isinstance(failed.error, ValueError)
    assert after.value == 0


def ends_its_process_while_the_next_one_tells(item: int, tell: Tell) -> int:
    if item == 1:
        time.sleep(0.6)
        os.kill(os.getpid(), signal.SIGKILL)
    if item == 2:
        for _ in range(20_000):  # more than a pipe holds
            tell(item)
    return item


@pytest.mark.long
def test_a_worker_killed_while_an_outcome_is_looked_at_costs_no_healthy_item(two):
    """Item 2 begins in new workers before it is known that 1 is lost: it goes on, and is heard."""
    heard: list[int] = []
    outcomes = {}
    for outcome in two.run_telling(ends_its_process_while_the_next_one_tells, range(4), heard.append):
        outcomes[outcome.item] = outcome
        if outcome.item == 0:
            time.sleep(1.5)
    assert [item for item, o in sorted(outcomes.items()) if o.error is not None] == [1]
    assert len(heard) == 20_000


def process_and_parent(meeting_place: Path) -> tuple[int, int]:
    """Returns when another process has come as well, or after a minute alone."""
    (meeting_place / str(os.getpid())).touch()
    for _ in range(600):
        if len(list(meeting_place.iterdir())) > 1:
            break
        time.sleep(0.1)
    return os.getpid(), os.getppid()


def test_processes_work_side_by_side_outside_of_this_one(two, tmp_path):
    found = [o.value or (0, 0) for o in two.run(process_and_parent, [tmp_path] * 4)]
    assert len({pid for pid, _ in found}) == 2
    assert {parent for _, parent in found} == {os.getpid()}


UNGUARDED = """
import os, sys, time
from pathlib import Path
from easiness.executors import ProcessesExecutor

def work(item):
    Path(sys.argv[1], str(os.getpid())).touch()
    time.sleep(60)

list(ProcessesExecutor(2).run(work, range(2)))
"""


@pytest.mark.long
def test_workers_need_no_guarded_main_module_and_end_with_a_killed_parent(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(UNGUARDED)
    parent = subprocess.Popen([sys.executable, str(script), str(tmp_path)])
    workers = wait_until(lambda: (found := [p.name for p in tmp_path.glob("[0-9]*")])[1:] and found)
    parent.kill()
    parent.wait()
    wait_until(lambda: not any(is_alive(int(worker)) for worker in workers))


@pytest.mark.long
def test_executors_by_name():
    assert isinstance(make_executor("serial"), SerialExecutor)
    assert isinstance(make_executor("auto", 1), SerialExecutor)
    for name in ("auto", "processes"):
        executor = make_executor(name, 3)
        assert isinstance(executor, ProcessesExecutor)
        assert executor.jobs == 3
    assert make_executor("processes", 1).jobs == 1
    with pytest.raises(
        BadInput,
        match=r"'seral': unknown \(.*serial, ray\?.*auto, serial, processes, ray",
    ):
        make_executor("seral")
    with pytest.raises(BadInput, match="jobs 2: the serial executor"):
        make_executor("serial", 2)
    with pytest.raises(BadInput, match="jobs 0: give auto"):
        make_executor("processes", 0)


SETTINGS: dict[str, Any] = {
    "model": "wrn_10_1",
    "data": load_dataset("digits", limit=60),
    "trials": 2,
    "epochs": 5,
    "precision": "float32",
    "checkpoint_every": 0,
}


class Told(Progress):
    """Stops the run as soon as an unfinished trial has kept an epoch after its second."""

    def __init__(self, run: Path | None = None) -> None:
        self.run = run
        self.notes: list[str] = []
        self.skipped_images = 0

    def epoch(self, report: Any) -> None:  # noqa: ARG002
        if self.run and any(int(path.name[-6:]) >= 2 for path in self.run.glob("checkpoints/0*")):
            raise KeyboardInterrupt

    def note(self, text: str) -> None:
        self.notes.append(text)

    def skip(self, num: int) -> None:
        self.skipped_images += num


@pytest.fixture(scope="module")
def lone(made_once, contents):
    return contents(
        made_once(
            "never_stopped",
            lambda out: measure(**SETTINGS, executor="serial", progress=False, out=out),
        )
    )


@pytest.fixture
def stopped(made_once):
    """Runs that were stopped, by how they were executed: each goes on from a copy."""

    def stop(out: Path, **execution: Any) -> None:
        with pytest.raises(KeyboardInterrupt):
            measure(**SETTINGS, **execution, progress=Told(out), out=out)
        assert list(out.glob("checkpoints/0*"))

    return lambda executor, **jobs: made_once(
        f"stopped_{executor}", lambda out: stop(out, executor=executor, **jobs)
    )


SERIAL = dict[str, Any](executor="serial")
PROCESSES = dict[str, Any](executor="processes", jobs=2)


@pytest.mark.parametrize(
    ("first", "then"),
    [
        (SERIAL, SERIAL),
        pytest.param(PROCESSES, PROCESSES, marks=pytest.mark.long),
        pytest.param(PROCESSES, SERIAL, marks=pytest.mark.long),
    ],
)
def test_stopped_and_gone_on_with(stopped, tmp_path, contents, lone, first, then):
    out = shutil.copytree(stopped(**first), tmp_path / "run")
    told = Told()
    measure(**SETTINGS, **then, progress=told, out=out)
    assert any("goes on after epoch" in note for note in told.notes)
    assert told.skipped_images >= 2 * 60
    assert contents(out) == lone
    assert not (out / "checkpoints").exists()


def test_a_longer_training_begins_anew(stopped, tmp_path, contents):
    out = shutil.copytree(stopped(**SERIAL), tmp_path / "run")
    told = Told()
    measure(**{**SETTINGS, "epochs": 6}, **SERIAL, progress=told, out=out)
    (note,) = (note for note in told.notes if "checkpoint" in note)
    assert note.endswith("is not used: it is of a training with other settings")
    assert told.skipped_images == 0
    assert {trial["epochs"] for trial in contents(out).values()} == {6}
    assert not (out / "checkpoints").exists()


def test_off_keeps_nothing(tmp_path, contents, lone):
    seen: list[bool] = []

    class Looking(Progress):
        def epoch(self, report: Any) -> None:  # noqa: ARG002
            seen.append((tmp_path / "run" / "checkpoints").exists())

    settings = {**SETTINGS, "checkpoint_every": "off"}
    measure(**settings, **SERIAL, progress=Looking(), out=tmp_path / "run")
    assert seen == [False] * 10
    assert contents(tmp_path / "run") == lone
