from __future__ import annotations

import sys
from dataclasses import replace

import pytest
import torch
from torch import nn

from easiness.errors import BadInput
from easiness.inputs import Signature
from easiness.spec import Recipe
from easiness.training import Workload, network as module, network_facts


def workload(model: str = "mlp_2_w4", batch: int = 8) -> Workload:
    return Workload(model, Recipe(batch_size=batch), Signature((1, 4, 4)), 3, batch, "cpu")


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
    plain = network_facts(workload("wrn_10_1"))
    assert (plain.depthwise, plain.convolutions) == (0, True)
    found = network_facts(workload(f"{__name__}:depthwise")).depthwise
    assert found == pytest.approx(288 / (288 + 32 + 96))


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
        network_facts(workload("own_networks:OnlyEvaluates", batch=4))


@pytest.mark.usefixtures("own")
def test_a_model_that_takes_whole_batches_alone_will_do():
    assert network_facts(workload("own_networks:TakesFours", batch=4)).flops == 2 * (2 * 16 * 3)


@pytest.mark.parametrize(
    ("error", "device", "text"),
    [
        (torch.OutOfMemoryError("out of memory"), "cpu", "does not fit into the memory"),
        (SystemExit(3), "cpu", r"cannot take .*sys\.exit\(3\).*change the batch size"),
        (NotImplementedError("aten::x"), "mps", "choose --device cpu"),
        (BadInput("known already"), "cpu", "known already"),
    ],
)
def test_a_step_that_is_not_taken_is_bad_input(monkeypatch, error, device, text):
    def fails(*_: object) -> None:
        raise error

    monkeypatch.setattr(module, "_facts", fails)
    monkeypatch.setattr(module, "own_device", lambda _: torch.device("cpu"))
    with pytest.raises(BadInput, match=text):
        network_facts(replace(workload(batch=6), device=device))
