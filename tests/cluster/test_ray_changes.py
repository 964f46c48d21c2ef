"""The Ray executor while machines join, what is told is lost, workers cannot start, and memory is out."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from easiness.errors import RunFailed
from easiness.executors import Needs, ray as of_ray
from waiting import wait_until


def node_until_let_go(folder: Path) -> str:
    """The node of this worker, which works until it may end."""
    import ray

    node: str = ray.get_runtime_context().get_node_id()
    (folder / f"{node}-{os.getpid()}").touch()
    wait_until(lambda: (folder / "go").exists())
    return node


@pytest.mark.long
def test_a_machine_that_joins_is_worked_on(cluster, executor_of, tmp_path, monkeypatch):
    monkeypatch.setattr(of_ray, "_SECONDS_BETWEEN_COUNTS", 0.5)
    cluster.add_node(num_cpus=4)
    cluster.wait_for_nodes()
    outcomes = executor_of(None, Needs(cores=4)).run(node_until_let_go, [tmp_path] * 2)
    nodes: set[str] = set()
    thread = threading.Thread(target=lambda: nodes.update(outcome.value for outcome in outcomes))
    thread.start()
    wait_until(lambda: any(tmp_path.iterdir()))
    joined = cluster.add_node(num_cpus=4)
    wait_until(lambda: len(list(tmp_path.iterdir())) == 2)
    (tmp_path / "go").touch()
    thread.join()
    assert joined.node_id in nodes
    assert len(nodes) == 2


def tell_twice(given: tuple[Path, int], tell: Any) -> int:
    """Tells before and after the box was lost."""
    folder, item = given
    tell(("before", item))
    (folder / "told").touch()
    wait_until(lambda: (folder / "lost").exists())
    tell(("after", item))
    return item


@pytest.mark.long
def test_a_box_that_is_lost_costs_no_value(executor_of, tmp_path):
    import ray

    executor = executor_of(1)
    heard: list[Any] = []

    def lose_the_box(told: Any) -> None:
        heard.append(told)
        if told[0] == "before":
            ray.kill(executor._mailbox, no_restart=False)
            (tmp_path / "lost").touch()

    outcomes = list(executor.run_telling(tell_twice, [(tmp_path, 7)], lose_the_box))
    assert [(o.value, o.error) for o in outcomes] == [(7, None)]
    assert heard[0] == ("before", 7)


class CannotBegin:
    """A box on a machine that lacks a package."""

    def __init__(self) -> None:
        raise ModuleNotFoundError("No module named 'easiness'")

    def take(self) -> list[bytes]:
        return []


@pytest.mark.long
def test_workers_that_cannot_start_are_one_line(executor_of, tmp_path, monkeypatch):
    import ray

    cannot_begin = ray.remote(CannotBegin).options(num_cpus=0).remote()
    monkeypatch.setattr(of_ray, "open_mailbox", lambda _: cannot_begin)
    with pytest.raises(RunFailed, match=r"worker .*ModuleNotFoundError"):
        list(executor_of(1).run_telling(tell_twice, [(tmp_path, 7)], print))


SHORT_OF_MEMORY = """
from pathlib import Path
import sys, time
from easiness.executors import make_executor

def linger(folder):
    (folder / str(len(list(folder.iterdir())))).touch()
    time.sleep(60)

for outcome in make_executor("ray", 1).run(linger, [Path(sys.argv[1])]):
    print(f"{type(outcome.error).__name__}: {outcome.error}")
"""


@pytest.mark.long
@pytest.mark.usefixtures("quiet_ray")
def test_a_trial_that_ray_ends_for_want_of_memory_fails_with_what_to_change(tmp_path):
    """By a monitor that takes any memory at all for too much."""
    settings = {
        "RAY_memory_usage_threshold": "0.001",
        "RAY_memory_monitor_refresh_ms": "100",
        "RAY_task_oom_retry_delay_base_ms": "100",
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    ended = subprocess.run(
        [sys.executable, "-c", SHORT_OF_MEMORY, str(tmp_path)],
        env=os.environ | settings,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert ended.returncode == 0, ended.stderr
    assert "\nRunFailed: its worker was ended 4 times for want of memory" in ended.stdout
    assert len(list(tmp_path.iterdir())) <= 4
