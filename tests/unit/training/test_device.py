"""What is set while a network trains, and on which of several GPUs; no GPU is needed to see it."""

from __future__ import annotations

import platform
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from easiness import own_process as worker
from easiness.errors import BadInput
from easiness.records import ObservationLog
from easiness.spec import Recipe, TrialSeeds
from easiness.training import Course, Listener, Observer, device as module, train
from easiness.training.device import (
    choose_precision,
    multiplies_bfloat16,
    own_device,
    resolve_device,
    set_up,
)
from pixels import moved_bank

CPU, GPU, MPS = torch.device("cpu"), torch.device("cuda"), torch.device("mps")
CUDA = torch.device("cuda", 1)


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
    recipe, network, labels = Recipe(batch_size=4), Noting(), torch.zeros(19, dtype=torch.int64)
    bank = moved_bank(torch.zeros(19, 1, 4, 4, dtype=torch.uint8), recipe, CPU)
    log = ObservationLog(np.arange(19), np.zeros(19, np.int64), 2)
    train(
        network,  # type: ignore[arg-type]
        bank,
        Course(0, torch.arange(19), labels, TrialSeeds(1, 2, 3, 4, 5), 1, 5, recipe.batch_size),
        {"train": Observer(bank, log, (1, 4, 4), 2)},
        Listener(),
    )
    assert network.seen == [(4, True)] * 4 + [(3, False)] + [(8, True)] * 2 + [(3, False)]
    assert search()


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


INTEL = "processor\t: 0\nmodel name\t: Xeon\nmodel\t\t: 143\nflags\t\t: fpu avx512f {}\n\nprocessor\t: 1\n"
ARM = "processor\t: 0\nFeatures\t: fp asimd {}\nCPU implementer\t: 0x41\nCPU part\t: 0xd40\n"


@pytest.fixture
def cpuinfo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def use(text: str | None) -> None:
        path = tmp_path / "cpuinfo"
        if text is not None:
            path.write_text(text)
        monkeypatch.setattr(module, "_CPUINFO", path)

    return use


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (INTEL.format("avx2"), False),
        (INTEL.format("avx512_bf16"), True),
        (INTEL.format("amx_bf16 amx_tile"), True),
        (ARM.format("asimdhp"), False),
        (ARM.format("bf16"), True),
        ("something else", False),
        (None, False),  # nobody knows
    ],
)
def test_products_of_bfloat16_are_listed_by_the_system(cpuinfo, text, expected):
    cpuinfo(text)
    assert multiplies_bfloat16() is expected


@pytest.mark.parametrize("native", [False, True])
@pytest.mark.parametrize("device", [CPU, GPU])
def test_auto_is_bfloat16_where_it_is_multiplied(monkeypatch, device, native):
    monkeypatch.setattr(module, "multiplies_bfloat16", lambda: native and device is CPU)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_: native)
    precision, reason = choose_precision("auto", device)
    assert precision == ("bfloat16" if native else "float32")
    assert ("processor" if device is CPU else "GPU") in reason
    for asked in ("float32", "bfloat16"):
        assert choose_precision(asked, device) == (asked, "as asked")


def test_depthwise_convolutions_train_in_float32_on_a_processor(monkeypatch):
    monkeypatch.setattr(module, "multiplies_bfloat16", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_: True)
    assert choose_precision("auto", CPU, 0.07) == (
        "float32",
        "7% of the operations are depthwise convolutions",
    )
    assert choose_precision("auto", CPU, 0.02)[0] == "bfloat16"
    assert choose_precision("auto", GPU, 0.07)[0] == "bfloat16"
    assert choose_precision("bfloat16", CPU, 0.07)[0] == "bfloat16"


def test_apples_gpu_computes_in_float32():
    assert choose_precision("auto", MPS) == ("float32", "on Apple's GPU")
    assert choose_precision("float32", MPS)[0] == "float32"
    with pytest.raises(BadInput, match=r"bfloat16: .*Apple's GPU \(mps\)"):
        choose_precision("bfloat16", MPS)


@pytest.fixture
def calls_of_mps(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is asked of it, in order."""
    calls_of_mps: list[str] = []
    monkeypatch.setattr(torch.mps, "empty_cache", lambda: calls_of_mps.append("empty"))
    monkeypatch.setattr(torch.mps, "get_rng_state", lambda: calls_of_mps.append("state") or torch.ones(1))
    monkeypatch.setattr(
        torch.mps, "set_rng_state", lambda state: calls_of_mps.append(f"state {state.item():g}")
    )
    return calls_of_mps


def test_its_random_state_is_kept_and_its_memory_given_back(calls_of_mps):
    with set_up(MPS, 1):
        assert calls_of_mps == ["state"]
        assert not torch.backends.cudnn.benchmark
    assert calls_of_mps == ["state", "state 1", "empty"]
