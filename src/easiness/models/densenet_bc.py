"""Densely connected networks with bottlenecks and compression for small images (Huang et al. 2017).

arXiv 1608.06993: bottlenecks of four times the growth, compression 0.5, twice the growth at the start.
"""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn
from torch.nn.functional import relu

from easiness.models.layers import classifying


class DenseLayer(nn.Module):
    """BN, ReLU, 1x1 conv to 4 * growth, BN, ReLU, 3x3 conv to growth; appended to the input's channels."""

    def __init__(self, num_in: int, growth: int) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(num_in)
        self.conv1 = nn.Conv2d(num_in, 4 * growth, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(4 * growth)
        self.conv2 = nn.Conv2d(4 * growth, growth, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """[b, num_in, h, w] to [b, num_in + growth, h, w]."""
        narrow = self.conv1(relu(self.bn1(x), inplace=True))
        return torch.cat((x, self.conv2(relu(self.bn2(narrow), inplace=True))), dim=1)


def transition(num_in: int, num_out: int) -> nn.Sequential:
    """BN, ReLU, 1x1 conv, mean of 2x2 pixels: half the channels (rounded down) at half the size."""
    return nn.Sequential(
        OrderedDict(
            bn=nn.BatchNorm2d(num_in),
            relu=nn.ReLU(inplace=True),
            conv=nn.Conv2d(num_in, num_out, 1, bias=False),
            pool=nn.AvgPool2d(2),
        )
    )


def densenet_bc(input_shape: tuple[int, ...], num_classes: int, depth: int, growth: int) -> nn.Sequential:
    """DenseNet-BC of three stages of (depth - 4) / 6 layers, each adding ``growth`` channels.

    Takes [b, c, h, w] with sides of at least 4, gives logits [b, num_classes]. No dropout. Initialized
    by `he_normal_`. Depth 100, growth 12 with 3 channels and 10 classes has 769,162 parameters.
    """
    num_layers = (depth - 4) // 6
    num_in = 2 * growth
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    layers["conv"] = nn.Conv2d(input_shape[0], num_in, 3, padding=1, bias=False)
    for i in range(3):
        if i > 0:
            layers[f"transition{i}"] = transition(num_in, num_in // 2)
            num_in //= 2
        stage = nn.Sequential()
        for _ in range(num_layers):
            stage.append(DenseLayer(num_in, growth))
            num_in += growth
        layers[f"stage{i + 1}"] = stage
    layers["bn"] = nn.BatchNorm2d(num_in)
    layers["relu"] = nn.ReLU(inplace=True)
    return classifying(layers, num_in, num_classes)
