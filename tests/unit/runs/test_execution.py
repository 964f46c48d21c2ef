"""What ``auto`` becomes by rule, how many trials at a time, and what each needs; no machine here is real."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

from easiness.errors import BadInput
from easiness.executors import EXECUTORS, Machine, Needs, check_executor, registry
from easiness.runs import execution as module
from easiness.runs.execution import jobs_of, needs_of, resolve_plan, settle_execution
from easiness.runs.plan import Plan, make_plan
from easiness.spec import Execution, Loading, Resolved, Training
from easiness.training import NetworkFacts

CPU, GPU, MPS = torch.device("cpu"), torch.device("cuda"), torch.device("mps")
LARGE = NetworkFacts(convolutions=True, flops=1e9, num_weights=1000, kept_bytes=1000, depthwise=0)
SMALL = NetworkFacts(convolutions=False, flops=1e6, num_weights=1000, kept_bytes=1000, depthwise=0)


def plan(trials: int = 10, epochs: int = 50, precision: Any = "float32") -> Plan:
    training = Training(model="wrn_10_1", epochs=epochs, precision=precision, recipe="short")
    return make_plan("digits", training, trials, loading=Loading(limit=500))


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch):
    """Makes a machine of so many cores, memory in GiB and GPUs, that has found out these facts."""

    def use(facts: NetworkFacts, cores: int = 4, gib: float | None = 100.0, gpus: int = 1) -> None:
        memory = None if gib is None else int(gib * 2**30)
        monkeypatch.setattr(module, "network_facts", lambda _: facts)
        monkeypatch.setattr(torch, "get_num_threads", lambda: cores)
        monkeypatch.setattr(module, "available_memory", lambda: memory)
        monkeypatch.setattr(module, "num_gpus", lambda _: gpus)
        monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (memory, memory))
        monkeypatch.setattr(module, "choose_precision", lambda *_: ("float32", "so it is"))

    return use


@pytest.mark.parametrize(
    ("trials", "cores", "jobs", "threads"),
    [
        (20, 4, 4, 1),
        (10, 1, 1, 1),
        (1, 4, 1, 4),
        (2, 4, 2, 2),
        (3, 2, 1, 2),  # two at a time would leave a core idle in the second round
        (10, 8, 4, 2),  # eight or five take two rounds on a thread, four take three on two
        (5, 4, 2, 2),
    ],
)
def test_trials_share_the_cores_so_that_all_are_over_soonest(machine, trials, cores, jobs, threads):
    machine(LARGE, cores=cores)
    chosen = resolve_plan(plan(trials), CPU, Execution())
    assert (chosen.jobs, chosen.threads) == (jobs, threads)


def test_small_steps_run_on_one_thread_each(machine):
    machine(SMALL)
    assert resolve_plan(plan(epochs=5), CPU, Execution()).threads == 1
    chosen = resolve_plan(plan(20, epochs=50_000), CPU, Execution())
    assert (chosen.jobs, chosen.threads) == (4, 1)


def test_no_process_is_started_for_what_is_over_before(machine):
    machine(SMALL)
    assert resolve_plan(plan(20, epochs=1), CPU, Execution()).jobs == 1


@pytest.mark.parametrize(("gib", "jobs"), [(None, 4), (100.0, 4), (2.2, 2), (1.5, 2), (0.1, 1)])
def test_no_more_trials_at_a_time_than_fit_into_memory(machine, gib, jobs):
    machine(LARGE, gib=gib)
    assert resolve_plan(plan(60), CPU, Execution()).jobs == jobs


def test_jobs_as_asked_share_the_cores(machine):
    machine(LARGE)
    chosen = resolve_plan(plan(), CPU, Execution(jobs=2))
    assert (chosen.jobs, chosen.threads) == (2, 2)
    assert chosen.reason == "so it is; 2 trials at a time, as asked, on 2 threads each"


def test_networks_with_convolutions_run_channels_last(machine):
    for facts in (LARGE, SMALL):
        machine(facts)
        assert resolve_plan(plan(), CPU, Execution()).channels_last is facts.convolutions


# ---- GPUs


@pytest.mark.parametrize(
    ("facts", "trials", "gpus", "jobs"),
    [(LARGE, 10, 1, 1), (LARGE, 10, 4, 4), (SMALL, 10, 1, 5), (SMALL, 12, 1, 4), (SMALL, 3, 1, 3)],
)
def test_small_steps_share_a_gpu(machine, facts, trials, gpus, jobs):
    machine(facts, cores=16, gpus=gpus)
    chosen = resolve_plan(plan(trials), GPU, Execution())
    assert chosen.jobs == jobs


def test_networks_with_sparse_gradients_are_not_compiled(machine):
    machine(replace(SMALL, sparse=True))
    with pytest.raises(BadInput, match="compile on: wrn_10_1 has sparse gradients"):
        resolve_plan(plan(), GPU, Execution(compile="on"))


def test_apples_gpu_has_one_process(machine):
    machine(LARGE)
    found = resolve_plan(plan(20), MPS, Execution())
    assert found.jobs == 1
    assert not any([found.channels_last, found.folded])
    assert resolve_plan(plan(20), MPS, Execution(jobs=2)).jobs == 2


# ---- on machines of a cluster, and the GPUs of one

GIB = 2**30
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
    assert [needs_of(settings(jobs), ray, GPU).per_gpu for jobs in (1, 2, 6)] == [1, 1, 3]
    assert [jobs_of(settings(jobs), ray, GPU) for jobs in (1, 2, 6)] == [4, 4, 12]
    # a number that is asked for spreads over the GPUs of the cluster
    assert [needs_of(settings(jobs), replace(ray, jobs=jobs), GPU).per_gpu for jobs in (4, 5, 8)] == [
        1,
        2,
        2,
    ]


def test_an_address_goes_with_a_cluster():
    with pytest.raises(BadInput, match="here:1: the processes executor"):
        settle_execution(Execution(executor="processes", ray_address="here:1"), photos=False)


def test_without_ray_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setattr("easiness.executors.registry.find_spec", lambda _: None)
    with pytest.raises(BadInput, match=r"executor ray: .*'easiness\[ray\]'"):
        check_executor("ray", 2)
