from __future__ import annotations

import torch
from torch import nn

from easiness.models import build_model
from easiness.models.torchvision_nets import torchvision_net


def test_inception_gives_one_tensor_in_training_mode() -> None:
    with torch.device("meta"):
        output = torchvision_net("inception_v3", (3, 75, 75), 7).train()(torch.zeros(2, 3, 75, 75))
    assert output.shape == (2, 7)


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
