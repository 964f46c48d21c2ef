from __future__ import annotations

import sys

import pytest
import torch
from torch import nn

from easiness.errors import BadInput
from easiness.spec import Recipe
from easiness.training.facts import Workload, cannot_train, network_facts


def workload(model: str = "mlp_2_w4", side: int = 4, batch: int = 4) -> Workload:
    return Workload(model, Recipe(batch_size=batch), (1, side, side), 3, batch, "cpu")


@pytest.mark.parametrize(("model", "convolutions"), [("mlp_2", False), ("wrn_10_1", True)])
def test_convolutions_are_found(model, convolutions):
    assert network_facts(workload(model)).convolutions is convolutions


def test_flops_of_a_step_are_those_of_its_products():
    """16 inputs, 3 outputs: forward 2*16*3 for each example, and as much for the weights' gradient."""
    found = network_facts(workload("mlp_1"))
    assert (found.flops, found.num_weights) == (2 * (2 * 16 * 3), 16 * 3 + 3)


def test_what_a_step_keeps_for_its_gradients_is_that_of_an_example():
    """One layer keeps its input of 16 numbers, the log-probabilities of 3 classes and the label."""
    kept = network_facts(workload("mlp_1")).kept_bytes
    assert 16 * 4 + 3 * 4 + 8 <= kept <= 16 * 4 + 3 * 4 + 8 + 16
    assert network_facts(workload("mlp_2_w1000")).kept_bytes > 1000 * 4


def depthwise(input_shape: tuple[int, int, int], num_classes: int) -> nn.Module:
    widened = nn.Conv2d(input_shape[0], 2, 1)
    return nn.Sequential(
        widened, nn.Conv2d(2, 2, 3, padding=1, groups=2), nn.Flatten(), nn.Linear(32, num_classes)
    )


def test_the_share_of_depthwise_convolutions():
    """On 4 x 4 pixels: 2 x 16 values of 9 products each, of 1 x 1 32 products, and 3 logits of 32 each."""
    assert network_facts(workload("wrn_10_1")).depthwise == 0
    found = network_facts(workload(f"{__name__}:depthwise")).depthwise
    assert found == pytest.approx(288 / (288 + 32 + 96))


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


def test_what_apples_gpu_cannot_do_points_to_the_cpu():
    step = workload(batch=4)
    on_mps = Workload(step.model, step.recipe, step.shape, 3, 4, "mps")
    error = NotImplementedError("The operator 'aten::x' is not currently implemented for the MPS device.")
    assert str(cannot_train(on_mps, error)).endswith("choose --device cpu")
    assert str(cannot_train(step, error)).endswith("change the batch size")
