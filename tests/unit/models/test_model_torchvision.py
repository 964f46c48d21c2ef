from __future__ import annotations

import re

import pytest
import torch
from torch import nn

from easiness.errors import BadInput
from easiness.models import build_model
from easiness.models.torchvision_nets import torchvision_net


def num_parameters(net: nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


@pytest.mark.parametrize(
    ("name", "num"),
    [
        ("alexnet", 61_100_840),
        ("vgg11_bn", 132_868_840),
        ("resnet18", 11_689_512),
        ("densenet121", 7_978_856),
        ("vit_b_16", 86_567_656),
        ("googlenet", 6_624_904),
        ("inception_v3", 27_161_264 - 3_326_696),  # less the auxiliary classifier
    ],
)
def test_parameter_counts_with_1000_classes(name: str, num: int) -> None:
    with torch.device("meta"):
        assert num_parameters(torchvision_net(name, (3, 224, 224), 1000)) == num


@pytest.mark.parametrize(
    ("name", "side"), [("resnet18", 32), ("squeezenet1_1", 32), ("mobilenet_v3_small", 32), ("googlenet", 32)]
)
def test_one_tensor_of_logits_in_both_modes(name: str, side: int) -> None:
    net = build_model(name, (3, side, side), 7)
    assert net.training
    for _ in range(2):
        assert net(torch.rand(2, 3, side, side)).shape == (2, 7)
        net.eval()


def test_inception_gives_one_tensor_in_training_mode() -> None:
    with torch.device("meta"):
        output = torchvision_net("inception_v3", (3, 75, 75), 7).train()(torch.zeros(2, 3, 75, 75))
    assert output.shape == (2, 7)


def test_the_same_generator_state_gives_the_same_network() -> None:
    states = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        states.append(build_model("squeezenet1_1", (3, 32, 32), 10).state_dict())
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])
    assert any(not torch.equal(states[0][key], states[2][key]) for key in states[0])


def test_a_grey_image_is_seen_as_three_equal_channels() -> None:
    torch.manual_seed(0)
    grey = build_model("resnet18", (1, 32, 32), 5).eval()
    torch.manual_seed(0)
    coloured = build_model("resnet18", (3, 32, 32), 5).eval()
    assert list(grey.state_dict()) == [f"net.{key}" for key in coloured.state_dict()]
    image = torch.rand(2, 1, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(grey(image), coloured(image.repeat(1, 3, 1, 1)))


def test_gradient_reaches_every_parameter_behind_a_grey_image_in_channels_last() -> None:
    net = build_model("resnet18", (1, 32, 32), 3).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    images = torch.rand(4, 1, 32, 32).to(memory_format=torch.channels_last)
    nn.functional.cross_entropy(net(images), torch.arange(4) % 3).backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in net.parameters())


def test_a_transformer_is_built_for_the_size_of_the_images() -> None:
    with torch.device("meta"):
        net = torchvision_net("vit_b_16", (3, 32, 32), 4)
        assert net.encoder.pos_embedding.shape == (1, 2 * 2 + 1, 768)  # type: ignore[union-attr]
        assert net(torch.zeros(2, 3, 32, 32)).shape == (2, 4)


@pytest.mark.parametrize("name", ["vit_b_16", "maxvit_t"])
def test_square_images_only(name: str) -> None:
    with pytest.raises(BadInput, match=rf"{name}.*square images.*224 x 192.*`crop`"):
        build_model(name, (3, 224, 192), 10)


@pytest.mark.parametrize(
    ("name", "shape", "text"),
    [
        ("squeezenet1_1", (3, 9, 40), "needs images of at least 17 x 17 pixels; these are 9 x 40, so "),
        ("vit_b_16", (1, 230, 230), "cannot take images of 230 x 230 pixels (AssertionError: "),
    ],
)
def test_images_that_do_not_suit_are_bad_input(name: str, shape: tuple[int, int, int], text: str) -> None:
    with pytest.raises(BadInput, match=re.escape(f"model '{name}': {text}")) as caught:
        build_model(name, shape, 10)
    assert "or set `crop`" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("channels", [2, 4])
def test_other_numbers_of_channels_are_bad_input(channels: int) -> None:
    with pytest.raises(BadInput, match=rf"'resnet18': .* 1 or 3 channels; .*{channels}"):
        build_model("resnet18", (channels, 32, 32), 10)
