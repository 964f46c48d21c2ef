from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from easiness.models import build_model

SMALL = ["mlp_1", "mlp_3_w16", "wrn_10_1", "densenet_bc_10_4", "resnext_11_2x2d"]
CONVOLUTIONAL = SMALL[2:]


@pytest.mark.parametrize("name", SMALL)
def test_gradient_reaches_every_parameter(name: str) -> None:
    torch.manual_seed(0)
    net = build_model(name, (3, 8, 8), 4)
    nn.functional.cross_entropy(net(torch.randn(8, 3, 8, 8)), torch.arange(8) % 4).backward()
    for key, parameter in net.named_parameters():
        assert parameter.grad is not None, key
        assert parameter.grad.abs().sum() > 0, key


@pytest.mark.parametrize("name", SMALL)
def test_channels_last_gives_the_same_logits(name: str) -> None:
    torch.manual_seed(0)
    net = build_model(name, (3, 8, 8), 4).eval()
    images = torch.randn(4, 3, 8, 8)
    with torch.no_grad():
        expected = net(images)
        found = net.to(memory_format=torch.channels_last)(images.to(memory_format=torch.channels_last))  # type: ignore[call-overload]
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", SMALL)
def test_trains_under_bfloat16_autocast_in_channels_last(name: str) -> None:
    torch.manual_seed(0)
    net = build_model(name, (3, 8, 8), 4).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    images = torch.randn(8, 3, 8, 8).to(memory_format=torch.channels_last)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = net(images)
        loss = nn.functional.cross_entropy(logits.float(), torch.arange(8) % 4)
    loss.backward()
    assert logits.dtype == torch.bfloat16
    assert all(p.grad is not None and p.grad.isfinite().all() for p in net.parameters())


@pytest.mark.parametrize("name", SMALL)
def test_the_input_is_left_alone(name: str) -> None:
    images = torch.randn(2, 3, 8, 8)
    before = images.clone()
    build_model(name, (3, 8, 8), 4)(images)
    assert torch.equal(images, before)


@pytest.mark.parametrize("name", SMALL)
def test_the_last_layer_is_the_linear_classifier(name: str) -> None:
    *_, last = build_model(name, (3, 8, 8), 4).children()
    assert type(last) is nn.Linear
    assert last.out_features == 4


def test_an_mlp_takes_a_single_pixel() -> None:
    assert build_model("mlp_2", (1, 1, 1), 2)(torch.zeros(3, 1, 1, 1)).shape == (3, 2)


def test_convolutions_begin_as_he_normal_by_fan_out() -> None:
    torch.manual_seed(0)
    net = build_model("resnext_11_4x16d", (3, 8, 8), 10)
    for module in net.modules():
        if isinstance(module, nn.Conv2d) and module.weight.numel() > 5000:
            fan_out = module.out_channels * math.prod(module.kernel_size)
            assert module.weight.std().item() == pytest.approx(math.sqrt(2 / fan_out), rel=0.05)
        elif isinstance(module, nn.BatchNorm2d):
            assert (module.weight == 1).all()
            assert (module.bias == 0).all()
        elif isinstance(module, nn.Linear):
            assert (module.bias == 0).all()
            assert module.weight.std() > 0


def test_a_hand_computed_mlp() -> None:
    net = build_model("mlp_2_w2", (1, 1, 2), 2)
    values = [[[1.0, 0.0], [0.0, -1.0]], [0.0, 0.5], [[1.0, 2.0], [3.0, 4.0]], [0.0, 1.0]]
    with torch.no_grad():
        for parameter, value in zip(net.parameters(), values, strict=True):
            parameter.copy_(torch.tensor(value))
        logits = net(torch.tensor([[[[2.0, 3.0]]], [[[2.0, -3.0]]]]))
    # hidden: (2, -3 + 0.5 -> 0) and (2, 3.5)
    assert logits.tolist() == [[2.0, 7.0], [9.0, 21.0]]
