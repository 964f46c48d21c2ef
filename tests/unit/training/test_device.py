"""What is set while a network trains, and on which of several GPUs; no GPU is needed to see it."""

from __future__ import annotations

import ctypes
import platform
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import torch

from easiness import worker
from easiness.errors import BadInput
from easiness.record import ObservationLog
from easiness.spec import Recipe, Resolved, TrialSeeds
from easiness.training import Course, Lane, Listener, Observer, train
from easiness.training.device import keep_memory, own_device, rehearsing, resolve_device, searching, set_up
from easiness.training.facts import Workload
from easiness.training.speed import Rehearsal
from pixels import moved_bank

CPU, CUDA, MPS = torch.device("cpu"), torch.device("cuda", 1), torch.device("mps")


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is asked of a GPU that is not there, in order."""
    calls: list[str] = []

    @contextmanager
    def device(which: torch.device) -> Iterator[None]:
        calls.append(f"on {which}")
        yield
        calls.append(f"off {which}")

    @contextmanager
    def fork_rng(devices: list[torch.device]) -> Iterator[None]:
        calls.append(f"fork {', '.join(map(str, devices))}")
        yield

    monkeypatch.setattr(torch.cuda, "device", device)
    monkeypatch.setattr(torch.random, "fork_rng", fork_rng)
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: calls.append("empty"))
    monkeypatch.setattr("easiness.training.device.gc.collect", lambda: calls.append("collect"))
    return calls


def search() -> bool:
    return torch.backends.cudnn.benchmark


def test_a_gpu_is_made_current_searched_on_and_emptied(calls):
    with set_up(CUDA, 3):
        assert search()
        assert torch.get_num_threads() == 3
        assert calls == ["on cuda:1", "fork cuda:1"]
    assert calls[2:] == ["off cuda:1", "collect", "empty"]
    assert not search()


def test_it_is_emptied_after_an_error_too(calls):
    before = torch.get_num_threads()
    with pytest.raises(ZeroDivisionError), set_up(CUDA, before + 1):
        raise ZeroDivisionError
    assert calls[-2:] == ["collect", "empty"]
    assert (torch.get_num_threads(), search()) == (before, False)


def test_on_a_cpu_no_gpu_is_touched(calls):
    with set_up(CPU, 1):
        assert not search()
    assert calls == ["fork "]


def test_rehearsals_set_what_trials_set(calls, monkeypatch):
    """cuDNN keeps the convolutions of a shape that was seen without a search, and never searches again."""
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch, "manual_seed", lambda _: None)
    with rehearsing("cuda"):
        assert search()
        assert calls == ["on cuda:0", "fork cuda:0"]
    assert calls[-2:] == ["collect", "empty"]


class Noting:
    """A network that notes the batch size and whether libraries would search, at each call."""

    def __init__(self) -> None:
        self.model, self.optimizer = torch.nn.Module(), self
        self.seen: list[tuple[int, bool]] = []

    def advance(self) -> None:
        pass

    def update(self, images: torch.Tensor, labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        self.seen.append((len(labels), search()))
        return torch.tensor(1.0), torch.zeros(len(images), 2)

    def logits(self, images: torch.Tensor) -> torch.Tensor:
        self.seen.append((len(images), search()))
        return torch.zeros(len(images), 2)

    def at_once(self, _: tuple[int, int, int]) -> int:
        return 8


def test_only_for_whole_batches_is_searched(monkeypatch):
    monkeypatch.setattr(torch.backends.cudnn, "benchmark", True)
    recipe, network = Recipe(batch_size=4), Noting()
    bank = moved_bank(torch.zeros(19, 1, 4, 4, dtype=torch.uint8), recipe, CPU)
    log = ObservationLog(np.arange(19), np.zeros(19, np.int64), 2)
    train(
        network,  # type: ignore[arg-type]
        bank,
        Lane(0, torch.arange(19), torch.zeros(19, dtype=torch.int64), TrialSeeds(1, 2, 3, 4, 5)),
        {"train": Observer(bank, log, (1, 4, 4), 2)},
        Course(1, 5, recipe.batch_size),
        Listener(),
    )
    assert network.seen == [(4, True)] * 4 + [(3, False)] + [(8, True)] * 2 + [(3, False)]
    assert search()


def test_no_search_begins_where_there_was_none():
    with searching(whole=True):
        assert not search()


@pytest.fixture
def as_worker() -> Iterator[Any]:
    yield worker.become_worker
    worker.become_worker(0)


def test_workers_take_one_gpu_after_the_other(monkeypatch, as_worker):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 3)
    found = []
    for number in range(5):
        as_worker(number)
        found.append(str(own_device(torch.device("cuda"))))
        assert own_device(CPU) == CPU
        assert own_device(CUDA) == CUDA  # asked for by its number
    assert found == ["cuda:0", "cuda:1", "cuda:2", "cuda:0", "cuda:1"]


def test_a_rehearsal_in_a_worker_is_on_the_gpu_of_its_trials(monkeypatch, as_worker):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    used = []

    def stop(*_: object, **__: object) -> None:
        raise InterruptedError

    monkeypatch.setattr("easiness.training.speed.Network", lambda *a, **_: used.append(a[3]) or stop())
    workload = Workload("mlp_2_w16", Recipe(), (1, 8, 8), 10, 8, "cuda")
    resolved = Resolved(precision="float32", channels_last=False, threads=1)
    for number in range(2):
        as_worker(number)
        with pytest.raises(InterruptedError):
            Rehearsal(workload, resolved)
    assert list(map(str, used)) == ["cuda:0", "cuda:1"]


def test_the_device_is_the_one_named_or_the_gpu_where_there_is_one(monkeypatch):
    assert resolve_device("cpu") == CPU
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert resolve_device("auto") == CPU
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert resolve_device("auto") == resolve_device("mps") == MPS
    assert resolve_device("cpu") == CPU
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert resolve_device("auto") == torch.device("cuda")


@pytest.mark.parametrize("device", ["cuda", "mps", "tpu"])
def test_a_device_that_is_not_there_is_bad_input(monkeypatch, device):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(BadInput, match=f"device '?{device}"):
        resolve_device(device)


# page faults tell whether memory comes from the system anew
FAULTS = """
import resource, torch
from easiness.training.device import keep_memory

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

def use():
    before = faults()
    torch.empty(48 * 2**20, dtype=torch.uint8).fill_(1)
    return faults() - before

first = use(), use()
keep_memory()
use()
print(*first, use())
"""


@pytest.mark.long
@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc is told what to keep")
def test_what_is_freed_is_used_again():
    """Two uses of 48 MiB take memory from the system each; after `keep_memory` the second takes none."""
    run = subprocess.run([sys.executable, "-c", FAULTS], capture_output=True, text=True, check=True)
    first, second, kept = map(int, run.stdout.split())
    assert min(first, second) > 20
    assert kept < 10


def test_other_systems_are_left_alone(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(ctypes, "CDLL", lambda _: pytest.fail("a library was opened"))
    keep_memory.__wrapped__()
