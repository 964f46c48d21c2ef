from __future__ import annotations

import sys
from collections.abc import Callable

import pytest
import torch

from easiness.errors import BadInput
from easiness.spec import Recipe, Resolved
from easiness.training import Network, Precision, resolve, resolve_device

CPU = torch.device("cpu")
MODULE = sys.modules[resolve.__module__]

Kind = tuple[str, bool]  # precision, channels-last


def kind(network: Network) -> Kind:
    last = network._memory_format == torch.channels_last
    return ("bfloat16" if network._autocast else "float32", last)


@pytest.fixture
def timed(monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[Kind, list[float]]], list[Kind]]:
    """Replaces the clock: each candidate takes its given seconds, round after round."""

    def use(seconds: dict[Kind, list[float]]) -> list[Kind]:
        calls: list[Kind] = []

        def fake(network: Network, *_: object) -> float:
            calls.append(kind(network))
            each = seconds[kind(network)]
            return each[min(calls.count(kind(network)), len(each)) - 1]

        monkeypatch.setattr(MODULE, "_seconds", fake)
        return calls

    return use


def decide(precision: Precision = "auto") -> Resolved:
    return resolve("mlp_2_w4", Recipe(batch_size=4), (1, 4, 4), 3, 10, CPU, precision)


def constant(**seconds: float) -> dict[Kind, list[float]]:
    kinds = {"f": ("float32", False), "f_last": ("float32", True), "b": ("bfloat16", False)}
    times = {kinds.get(name, ("bfloat16", True)): [value] * 5 for name, value in seconds.items()}
    assert len(times) == 4
    return times


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        (constant(f=4, f_last=3, b=2, b_last=1), ("bfloat16", True)),
        (constant(f=4, f_last=3, b=1, b_last=2), ("bfloat16", False)),
        (constant(f=4, f_last=2, b=5, b_last=3), ("float32", True)),
        (constant(f=1, f_last=1, b=0.95, b_last=0.95), ("float32", False)),  # not worth it
        (constant(f=1, f_last=1, b=0.95, b_last=0.9), ("bfloat16", True)),
    ],
)
def test_auto_takes_the_fastest_and_bfloat16_only_where_it_pays(timed, times, expected):
    timed(times)
    chosen = decide()
    assert (chosen.precision, chosen.channels_last) == expected


def test_an_interruption_of_one_round_decides_nothing(timed):
    times = constant(f=3, f_last=4, b=9, b_last=9)
    times["float32", False] = [3, 3, 100, 3, 100]
    timed(times)
    chosen = decide()
    assert (chosen.precision, chosen.channels_last) == ("float32", False)
    assert "float32 3000.0 ms" in chosen.reason


def test_candidates_are_timed_in_turn(timed):
    calls = timed(constant(f=1, f_last=1, b=1, b_last=1))
    decide()
    rounds = [calls[i : i + 4] for i in range(0, 20, 4)]
    assert len(rounds) == 5
    assert all(len(set(r)) == 4 and r == rounds[0] for r in rounds)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_given_precision_is_kept_and_only_the_layout_chosen(timed, precision):
    calls = timed(constant(f=3, f_last=2, b=3, b_last=2))
    chosen = decide(precision)
    assert (chosen.precision, chosen.channels_last) == (precision, True)
    assert {precision} == {p for p, _ in calls}


@pytest.mark.parametrize(("alone", "together", "threads"), [(1.2, 1.0, 1), (1.5, 1.0, 2), (1.0, 40.0, 1)])
def test_all_threads_are_used_only_where_they_gain_much(monkeypatch, alone, together, threads):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    now = [2]
    monkeypatch.setattr(torch, "set_num_threads", lambda num: now.__setitem__(0, num))
    monkeypatch.setattr(MODULE, "_seconds", lambda *_: alone if now[0] == 1 else together)
    assert decide().threads == threads
    assert now == [2]


def test_really_measured_it_leaves_the_random_state_and_says_why():
    torch.manual_seed(11)
    before = torch.get_rng_state()
    chosen = decide("float32")
    assert torch.equal(torch.get_rng_state(), before)
    assert chosen.precision == "float32"
    assert chosen.threads in (1, torch.get_num_threads())
    assert chosen.reason.startswith("measured per step: float32 ")
    assert "float32 channels-last" in chosen.reason
    assert "bfloat16" not in chosen.reason


def test_the_device_is_the_one_named_or_the_gpu_where_there_is_one(monkeypatch):
    assert resolve_device("cpu") == CPU
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert resolve_device("auto") == CPU
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert resolve_device("auto") == torch.device("cuda")


@pytest.mark.parametrize("device", ["cuda", "tpu"])
def test_a_device_that_is_not_there_is_bad_input(monkeypatch, device):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(BadInput, match=f"device '?{device}"):
        resolve_device(device)
