"""How many trials at a time, and what each needs, on the machines of a cluster that is not there."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch

from easiness.errors import BadInput
from easiness.executors import EXECUTORS, Machine, Needs, ProcessesExecutor, check_executor, registry
from easiness.runs.workers import allowed, jobs_of, needs_of
from easiness.spec import Execution, Resolved
from easiness.training import own_device

GIB = 2**30
CPU, CUDA = torch.device("cpu"), torch.device("cuda")
MACHINES = (Machine(2, 4 * GIB), Machine(8, 64 * GIB, 2), Machine(8, 64 * GIB, 2))


def settings(jobs: int = 1, threads: int = 1) -> Resolved:
    return Resolved(precision="float32", channels_last=False, threads=threads, jobs=jobs, reason="for a test")


@pytest.fixture
def three_machines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two of them with two GPUs each."""
    kinds = [replace(k, machines=lambda _: MACHINES) if k.name == "ray" else k for k in EXECUTORS]
    monkeypatch.setattr(registry, "EXECUTORS", tuple(kinds))


@pytest.mark.usefixtures("three_machines")
def test_a_cluster_has_as_many_trials_as_it_has_room_for_cores():
    ray = Execution(executor="ray")
    assert needs_of(settings(threads=2), ray, CPU).cores == 2
    assert jobs_of(settings(), ray, CPU) == 18
    assert jobs_of(settings(threads=2), ray, CPU) == 9
    assert jobs_of(settings(threads=2), replace(ray, jobs=5), CPU) == 5
    assert needs_of(settings(), Execution(), CPU) == Needs()


@pytest.mark.usefixtures("three_machines")
def test_a_gpu_has_a_trial_or_as_many_as_fit_or_as_have_to(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    ray = Execution(executor="ray", device="cuda")
    # 2 at a time on the two GPUs here: one each; 6: three on each, of 4 GPUs in the cluster
    assert [needs_of(settings(jobs), ray, CUDA).per_gpu for jobs in (1, 2, 6)] == [1, 1, 3]
    assert [jobs_of(settings(jobs), ray, CUDA) for jobs in (1, 2, 6)] == [4, 4, 12]
    # a number that is asked for spreads over the GPUs of the cluster
    assert [needs_of(settings(jobs), replace(ray, jobs=jobs), CUDA).per_gpu for jobs in (4, 5, 8)] == [
        1,
        2,
        2,
    ]


@pytest.fixture
def four_processes() -> Iterator[ProcessesExecutor]:
    executor = ProcessesExecutor(4)
    yield executor
    executor.close()


def device_of_this_worker(_: int) -> str:
    torch.cuda.device_count = lambda: 2
    time.sleep(0.3)  # so that a quick worker does not take the items of the others
    return str(own_device(CUDA))


def number_after_a_while(_: int) -> int:
    time.sleep(0.3)
    return os.getpid()


def test_processes_spread_over_the_gpus_of_a_machine(four_processes):
    assert four_processes.start(number_after_a_while, 120)
    found = [o.value for _ in range(5) for o in four_processes.run(device_of_this_worker, range(4))]
    assert set(found) == {"cuda:0", "cuda:1"}


def test_an_address_goes_with_a_cluster():
    with pytest.raises(BadInput, match="here:1: the processes executor"):
        allowed(Execution(executor="processes", ray_address="here:1"), photos=False)


def test_without_ray_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setattr("easiness.executors.registry.find_spec", lambda _: None)
    with pytest.raises(BadInput, match=r"executor ray: .*'easiness\[ray\]'"):
        check_executor("ray", 2)
