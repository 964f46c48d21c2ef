from __future__ import annotations

import sys
from collections.abc import Callable

import pytest
import torch
from torch import nn

from easiness.errors import BadInput
from easiness.spec import Recipe, Resolved
from easiness.training import Network, Precision, resolve, resolve_device

CPU = torch.device("cpu")
MODULE = sys.modules[resolve.__module__]


def precision_of(network: Network) -> str:
    return "bfloat16" if network._autocast else "float32"


@pytest.fixture
def timed(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Replaces the clock: each precision takes its given seconds, round after round."""

    def use(**seconds: list[float]) -> list[str]:
        calls: list[str] = []

        def fake(network: Network, *_: object) -> float:
            name = precision_of(network)
            calls.append(name)
            return seconds[name][calls.count(name) - 1]

        monkeypatch.setattr(MODULE, "_seconds", fake)
        return calls

    return use


def decide(precision: Precision = "auto", model: str = "mlp_2_w4", side: int = 4) -> Resolved:
    return resolve(model, Recipe(batch_size=4), (1, side, side), 3, 10, CPU, precision)


@pytest.mark.parametrize(
    ("float32", "bfloat16", "expected"),
    [
        ([3.0] * 5, [1.0] * 5, "bfloat16"),
        ([1.0] * 5, [3.0] * 5, "float32"),
        ([1.1] * 5, [1.0] * 5, "float32"),  # not worth it
        ([1.3] * 5, [1.0] * 5, "bfloat16"),
        ([1.0, 1.0, 90.0, 1.0, 90.0], [2.0] * 5, "float32"),  # an interruption decides nothing
    ],
)
def test_auto_takes_bfloat16_only_where_it_pays(timed, float32, bfloat16, expected):
    timed(float32=float32, bfloat16=bfloat16)
    chosen = decide()
    assert chosen.precision == expected
    assert f"float32 {1000 * sorted(float32)[2]:.1f} ms" in chosen.reason


def test_candidates_are_timed_in_turn(timed):
    calls = timed(float32=[1.0] * 5, bfloat16=[1.0] * 5)
    decide()
    assert calls == ["float32", "bfloat16"] * 5


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_given_precision_is_kept_and_nothing_measured(timed, precision):
    calls = timed()
    chosen = decide(precision)
    assert (chosen.precision, calls) == (precision, [])
    assert chosen.reason.startswith("as asked; ")
    assert chosen == decide(precision)


@pytest.mark.parametrize(("model", "channels_last"), [("mlp_2", False), ("wrn_10_1", True)])
def test_networks_with_convolutions_run_channels_last(model, channels_last):
    assert decide("float32", model).channels_last is channels_last


def test_small_steps_run_on_one_thread(monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    assert decide("float32").threads == 1
    monkeypatch.setattr(MODULE, "_FLOPS_OF_ONE_THREAD", 10.0)
    assert decide("float32").threads == 2


def test_flops_of_a_step_are_those_of_its_products(monkeypatch):
    """16 inputs, 3 outputs, 4 examples: forward 2*16*3*4, and as much for the weights' gradient."""
    flops = 2 * (2 * 16 * 3 * 4)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    for limit, threads in ((flops + 1, 1), (flops, 2)):
        monkeypatch.setattr(MODULE, "_FLOPS_OF_ONE_THREAD", limit)
        assert decide("float32", "mlp_1").threads == threads


@pytest.mark.usefixtures("two_threads")
def test_really_measured_it_leaves_the_state_and_says_why():
    torch.manual_seed(11)
    before, threads = torch.get_rng_state(), torch.get_num_threads()
    chosen = decide()
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.get_num_threads() == threads
    assert chosen.reason.startswith("measured per step: float32 ")
    assert "bfloat16" in chosen.reason


class OnlyEvaluates(nn.Module):
    def __init__(self, input_shape, num_classes):
        super().__init__()
        self.classifier = nn.Linear(input_shape[1] * input_shape[2], num_classes)

    def forward(self, images):
        if self.training:
            raise RuntimeError("no training\nhere")
        return self.classifier(images.flatten(1))


@pytest.mark.parametrize("precision", ["auto", "float32"])
def test_a_model_that_cannot_take_a_step_is_bad_input(monkeypatch, precision):
    monkeypatch.setitem(sys.modules, "only_evaluates", sys.modules[__name__])
    with pytest.raises(BadInput, match=r"cannot take a training step .*RuntimeError: no training here"):
        decide(precision, "only_evaluates:OnlyEvaluates")


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
