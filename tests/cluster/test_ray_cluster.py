"""The Ray executor on a cluster of several nodes, all on this machine, that join, fail and lack memory."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import easiness as ez
from easiness.errors import BadInput, RunFailed
from easiness.executors import Needs, ray as of_ray, room
from easiness.executors.ray import machines
from waiting import wait_until

# what executors promise is asked of Ray in tests/contract; torch is imported where it is needed, since every
# worker that Ray starts imports this file
pytestmark = pytest.mark.long

MIB = 2**20


def node_beside_others(meeting_place: Path) -> str:
    """The node of this worker, once one on another node has come as well."""
    import ray

    node: str = ray.get_runtime_context().get_node_id()
    (meeting_place / f"{node}-{os.getpid()}").touch()
    wait_until(lambda: len({path.name.split("-")[0] for path in meeting_place.iterdir()}) > 1)
    return node


def test_items_spread_over_the_nodes(executor_of, tmp_path):
    executor = executor_of(None)
    assert executor.jobs == 3
    outcomes = list(executor.run(node_beside_others, [tmp_path] * 3))
    assert [o.error for o in outcomes] == [None] * 3
    assert len({o.value for o in outcomes}) == 2


def test_the_machines_of_the_cluster_are_told(cluster):
    there = machines(cluster.address)
    assert sorted((m.cores, m.gpus) for m in there) == [(1, 0), (2, 2)]
    assert room(there, Needs(cores=2)) == 1
    assert room(there, Needs(per_gpu=2)) == 2  # of four parts of GPUs, as many as there are cores


def test_an_item_that_no_machine_has_room_for_is_one_line(executor_of):
    with pytest.raises(BadInput, match=r"has room .* 64 cores, 1 GPU"):
        list(executor_of(1, Needs(cores=64, per_gpu=1)).run(abs, [1]))


def end_process(given: tuple[Path, int, int]) -> int:
    """Ends its process at the first ``deaths`` attempts at the item, by a signal and without."""
    folder, item, deaths = given
    attempts = len(list(folder.glob(f"{item}-*")))
    (folder / f"{item}-{attempts}").touch()
    if attempts < deaths:
        os.kill(os.getpid(), signal.SIGKILL) if attempts % 2 else os._exit(1)
    return item


def test_an_item_whose_worker_is_killed_is_tried_again_three_times(executor_of, tmp_path):
    items = [(tmp_path, 0, 0), (tmp_path, 1, 2), (tmp_path, 2, 99), (tmp_path, 3, 0)]
    outcomes = {o.item[1]: o for o in executor_of(2).run(end_process, items)}
    assert {item: o.value for item, o in outcomes.items()} == {0: 0, 1: 1, 2: None, 3: 3}
    assert isinstance(outcomes[2].error, RunFailed)
    assert "was lost 4 times" in str(outcomes[2].error)
    assert Counter(path.name[0] for path in tmp_path.iterdir()) == {"0": 1, "1": 3, "2": 4, "3": 1}


def raises_each_time(folder: Path) -> None:
    (folder / str(len(list(folder.iterdir())))).touch()
    raise CannotTravel("of no use", 7)


class CannotTravel(Exception):
    def __init__(self, text: str, number: int) -> None:
        super().__init__(text)
        self.number = number


def test_an_item_that_raises_is_not_tried_again(executor_of, tmp_path):
    (outcome,) = executor_of(1).run(raises_each_time, [tmp_path])
    assert str(outcome.error) == "CannotTravel: of no use"
    assert len(list(tmp_path.iterdir())) == 1


def where_it_is_held(folder: Path) -> str:
    import ray

    node: str = ray.get_runtime_context().get_node_id()
    (folder / f"{node}-{os.getpid()}").touch()
    wait_until(lambda: (folder / "go").exists())
    return node


def test_a_node_killed_in_the_middle_of_an_item_costs_only_time(cluster, executor_of, tmp_path):
    nodes = [cluster.add_node(num_cpus=4, object_store_memory=80 * MIB) for _ in range(2)]
    outcomes = executor_of(1, Needs(cores=4)).run(where_it_is_held, [tmp_path])

    def lose() -> None:
        wait_until(lambda: any(tmp_path.iterdir()))
        nodes.sort(key=lambda node: not any(tmp_path.glob(f"{node.node_id}-*")))
        cluster.remove_node(nodes[0], allow_graceful=False)
        wait_until(lambda: any(tmp_path.glob(f"{nodes[1].node_id}-*")))
        (tmp_path / "go").touch()

    thread = threading.Thread(target=lose)
    thread.start()
    (outcome,) = outcomes
    thread.join()
    cluster.remove_node(nodes[1])
    assert outcome.error is None
    assert outcome.value == nodes[1].node_id
    found = {path.name.split("-")[0] for path in tmp_path.iterdir()}
    assert found == {"go", *(node.node_id for node in nodes)}


def gpu_beside_others(given: tuple[Path, int]) -> tuple[str, str]:
    """The GPU that this worker sees, and what we call it, once so many work at the same time."""
    import torch

    from easiness.training import own_device

    meeting_place, number = given
    (meeting_place / str(os.getpid())).touch()
    wait_until(lambda: len(list(meeting_place.iterdir())) >= number)
    seen = os.environ["CUDA_VISIBLE_DEVICES"]
    torch.cuda.device_count = lambda: len(seen.split(","))  # none of them is there
    return seen, str(own_device(torch.device("cuda")))


@pytest.mark.parametrize(("per_gpu", "number"), [(1, 2), (2, 2)])
def test_items_take_gpus_and_parts_of_gpus(executor_of, tmp_path, per_gpu, number):
    executor = executor_of(None, Needs(per_gpu=per_gpu))
    assert executor.jobs == number  # with a core each
    found = [o.value for o in executor.run(gpu_beside_others, [(tmp_path, number)] * number)]
    assert {device for _, device in found} == {"cuda:0"}
    seen = Counter(gpus for gpus, _ in found)
    assert seen == ({"0": 1, "1": 1} if per_gpu == 1 else seen)
    assert set(seen) <= {"0", "1"}


class Heavy:
    """A function with 40 MiB of data, which gives 20 MiB."""

    def __init__(self) -> None:
        self.data = np.arange(40 * MIB, dtype=np.uint8)

    def __call__(self, item: int) -> Any:
        return self.data[: 20 * MIB] + np.uint8(item)


def test_an_object_store_near_its_limit(executor_of):
    """Stores of 80 MiB: the function, values in hand and values that nobody has fetched do not fit."""
    heavy = Heavy()
    taken = []
    for outcome in executor_of(3).run(heavy, range(8)):
        assert outcome.error is None
        assert np.array_equal(outcome.value, heavy(outcome.item))
        outcome.value[0] = 1  # it is the caller's own
        taken.append(outcome.item)
    assert sorted(taken) == list(range(8))


def tick(given: tuple[Path, int]) -> int:
    """Notes four times a tenth of a second, for two seconds, that it works on the item."""
    file, item = given
    for _ in range(80):
        with file.open("a") as opened:
            opened.write(f"{item} {os.getpid()} {time.time()}\n")
        time.sleep(0.025)
    return item


DRIVER = """
import sys
from pathlib import Path
from test_ray_cluster import tick
from easiness.executors import make_executor
file = Path(sys.argv[1])
for outcome in make_executor("ray", 3, address=sys.argv[2]).run(tick, [(file, item) for item in range(3)]):
    print(outcome.value, flush=True)
"""


def test_items_of_a_killed_driver_end_before_those_of_the_next_begin(cluster, tmp_path):
    file = tmp_path / "ticks"
    call = [sys.executable, "-c", DRIVER, str(file), cluster.address]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])}
    first = subprocess.Popen(call, env=environment)
    try:
        wait_until(lambda: file.exists() and len(file.read_text().splitlines()) > 10)
    finally:
        first.kill()
        first.wait()
    second = subprocess.run(call, env=environment, capture_output=True, text=True, check=True)
    said = second.stdout.splitlines()  # by Ray as well, of a node that another test took away
    assert sorted(line for line in said if line.isdigit()) == ["0", "1", "2"]
    times: dict[tuple[str, str], list[float]] = {}
    for item, pid, at in map(str.split, file.read_text().splitlines()):
        times.setdefault((item, pid), []).append(float(at))
    for item in "012":
        spans = sorted((min(of), max(of)) for (one, _), of in times.items() if one == item)
        assert all(before[1] < after[0] for before, after in itertools.pairwise(spans)), spans


def test_a_run_whose_driver_was_killed_keeps_what_was_finished(
    cluster, command, digits, contents, snapshot, tmp_path
):
    """It ends in the bits of the serial executor."""
    out = tmp_path / "run"
    size = ["--trials", 4, "--epochs", 20, "--executor", "ray", "--ray-address", cluster.address, "--jobs", 2]
    call = [sys.executable, "-m", "easiness", *map(str, digits(out, *size))]
    first = subprocess.Popen(call, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: any(out.glob("trials/0*")))
    finally:
        first.kill()
        first.wait()
    kept = {path.name: snapshot(path) for path in out.glob("trials/0*")}
    assert command(*digits(out, *size)).code == 0
    assert all(snapshot(out / "trials" / name) == files for name, files in kept.items())
    data = ez.load_dataset("digits", limit=100)
    sizes: dict[str, Any] = {"model": "mlp_3", "trials": 4, "epochs": 20, "precision": "float32"}
    ez.measure(data, **sizes, executor="serial", out=tmp_path / "alone")
    assert contents(out) == contents(tmp_path / "alone")
    measured = ez.open_run(out).spec.measured
    assert measured is not None
    assert measured.resolved.threads == 1


def test_photos_reach_machines_by_the_cache_or_by_their_source(cluster, pictures, contents, tmp_path):
    given: dict[str, Any] = {
        "model": "mlp_2_w16",
        "trials": 2,
        "epochs": 1,
        "precision": "float32",
        "recipe": {"crop": 8, "batch_size": 8},
    }
    ez.measure(pictures, **given, jobs=1, out=tmp_path / "alone")
    given |= {"executor": "ray", "ray_address": cluster.address}
    ez.measure(pictures, **given, out=tmp_path / "ray")
    assert contents(tmp_path / "ray") == contents(tmp_path / "alone")


def same(item: int) -> int:
    return item


def test_instant_items_with_few_in_hand_and_flat_memory(executor_of):
    taken = 0

    def items() -> Iterator[int]:
        nonlocal taken
        while taken < 3000:
            taken += 1
            yield taken

    def resident() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")

    early, in_hand, got = 0, 0, 0
    for outcome in executor_of(4).run(same, items()):
        assert outcome.error is None
        in_hand = max(in_hand, taken - got)
        got += 1
        if got == 1000:
            early = resident()
    assert got == 3000
    assert in_hand <= 4
    assert resident() - early < 32 * MIB


def test_a_machine_that_joins_is_worked_on(cluster, executor_of, tmp_path, monkeypatch):
    monkeypatch.setattr(of_ray, "_SECONDS_BETWEEN_COUNTS", 0.5)
    cluster.add_node(num_cpus=4)
    cluster.wait_for_nodes()
    outcomes = executor_of(None, Needs(cores=4)).run(where_it_is_held, [tmp_path] * 2)
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
