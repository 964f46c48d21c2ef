from __future__ import annotations

import sys

import pytest
import torch
from torch import nn

from easiness.errors import BadInput
from easiness.spec import Precision, Recipe
from easiness.training import resolve_device
from easiness.training.auto import precision as module
from easiness.training.auto.precision import (
    NetworkFacts,
    by_rule,
    cannot_train,
    network_facts,
    part_of_batch,
)
from easiness.training.auto.rehearsal import Workload

CPU, GPU, MPS = torch.device("cpu"), torch.device("cuda"), torch.device("mps")


def workload(model: str = "mlp_2_w4", side: int = 4, batch: int = 4) -> Workload:
    return Workload(model, Recipe(batch_size=batch), (1, side, side), 3, batch, "cpu")


def facts(flops: float = 1e3, convolutions: bool = False) -> NetworkFacts:
    return NetworkFacts(convolutions=convolutions, flops=flops, num_weights=10)


@pytest.mark.parametrize(("model", "convolutions"), [("mlp_2", False), ("wrn_10_1", True)])
def test_convolutions_are_found(model, convolutions):
    assert network_facts(workload(model)).convolutions is convolutions


def test_flops_of_a_step_are_those_of_its_products():
    """16 inputs, 3 outputs: forward 2*16*3 for each example, and as much for the weights' gradient."""
    found = network_facts(workload("mlp_1"))
    assert (found.flops, found.num_weights) == (2 * (2 * 16 * 3), 16 * 3 + 3)


@pytest.mark.usefixtures("two_threads")
def test_the_random_state_and_threads_are_left():
    torch.manual_seed(11)
    before, threads = torch.get_rng_state(), torch.get_num_threads()
    network_facts(workload())
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.get_num_threads() == threads


def test_a_cpu_is_looked_at_without_a_gpu(monkeypatch):
    """A machine may have a GPU, and its start takes seconds and memory."""
    states = torch.random.fork_rng
    forked: list[object] = []

    def fork_rng(devices: object = None, **options: object) -> object:
        forked.append(devices)
        return states(devices=[], **options)

    monkeypatch.setattr(torch.random, "fork_rng", fork_rng)
    network_facts(workload())
    assert forked
    assert all(devices == [] for devices in forked)


class OnlyEvaluates(nn.Module):
    def __init__(self, input_shape, num_classes):
        super().__init__()
        self.classifier = nn.Linear(input_shape[1] * input_shape[2], num_classes)

    def forward(self, images):
        if self.training:
            raise RuntimeError("no training\nhere")
        return self.classifier(images.flatten(1))


class TakesFours(OnlyEvaluates):
    def forward(self, images):
        assert not self.training or len(images) == 4
        return self.classifier(images.flatten(1))


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "own_networks", sys.modules[__name__])


@pytest.mark.usefixtures("own")
def test_a_model_that_cannot_take_a_step_is_bad_input():
    with pytest.raises(BadInput, match=r"batch of 4 .*RuntimeError: no training"):
        network_facts(workload("own_networks:OnlyEvaluates"))


@pytest.mark.usefixtures("own")
def test_a_model_that_takes_whole_batches_alone_will_do():
    assert network_facts(workload("own_networks:TakesFours")).flops == 2 * (2 * 16 * 3)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_given_precision_is_kept(precision):
    (only,) = by_rule(facts(), 4, CPU, precision, 2)
    assert only.precision == precision
    assert only.reason.startswith("as asked; ")


@pytest.mark.parametrize(
    ("device", "native", "precisions"),
    [
        (CPU, True, ["float32", "bfloat16"]),
        (CPU, False, ["float32"]),
        (GPU, False, ["float32", "bfloat16"]),
    ],
)
def test_auto_is_float32_where_bfloat16_cannot_pay(monkeypatch, device, native, precisions):
    monkeypatch.setattr(module, "multiplies_bfloat16", lambda: native)
    found = by_rule(facts(), 4, device, "auto", 2)
    assert [one.precision for one in found] == precisions


@pytest.mark.parametrize("convolutions", [True, False])
def test_networks_with_convolutions_run_channels_last(convolutions):
    precision: Precision = "float32"
    assert by_rule(facts(convolutions=convolutions), 4, CPU, precision, 2)[0].channels_last is convolutions


def test_small_steps_run_on_one_thread():
    assert by_rule(facts(1e8), 10, CPU, "float32", 2)[0].threads == 1
    assert by_rule(facts(1e9), 10, CPU, "float32", 2)[0].threads == 2
    assert by_rule(facts(1e8), 10, GPU, "float32", 2)[0].threads == 2


def test_large_steps_are_looked_at_in_part():
    step = workload(batch=128)
    assert part_of_batch(facts(0), step) == 128
    assert part_of_batch(facts(1e9), step) == 20
    assert part_of_batch(facts(1e12), step) == 2
    on_gpu = Workload(step.model, step.recipe, step.shape, 3, 128, "cuda")
    assert part_of_batch(facts(1e12), on_gpu) == 128


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


def test_on_apples_gpu_training_is_plain():
    (only,) = by_rule(facts(convolutions=True), 4, MPS, "auto", 2)
    assert (only.precision, only.channels_last, only.folded) == ("float32", False, False)
    assert only.reason.startswith("on Apple's GPU; contiguous")
    assert by_rule(facts(), 4, MPS, "float32", 2)[0].precision == "float32"
    with pytest.raises(BadInput, match=r"bfloat16: .*Apple's GPU \(mps\)"):
        by_rule(facts(), 4, MPS, "bfloat16", 2)


def test_what_apples_gpu_cannot_do_points_to_the_cpu():
    step = workload(batch=4)
    on_mps = Workload(step.model, step.recipe, step.shape, 3, 4, "mps")
    error = NotImplementedError("The operator 'aten::x' is not currently implemented for the MPS device.")
    assert str(cannot_train(on_mps, error)).endswith("choose --device cpu")
    assert str(cannot_train(step, error)).endswith("change the batch size")
