"""Multi-layer perceptron."""

from __future__ import annotations

import math
from collections import OrderedDict

from torch import nn


def mlp(input_shape: tuple[int, ...], num_classes: int, depth: int = 1, width: int = 512) -> nn.Sequential:
    """``depth`` weight layers: ``depth - 1`` of ``width`` hidden units with ReLU, then the classifier.

    ``depth=3`` is the paper's three-layer MLP; the paper gives no width, 512 is our choice. ``depth=1`` is a
    linear classifier. Takes [b, ...], gives logits [b, num_classes]. Initialized as PyTorch does by default.
    """
    layers: OrderedDict[str, nn.Module] = OrderedDict(flatten=nn.Flatten())
    num_in = math.prod(input_shape)
    for i in range(1, depth):
        layers[f"hidden{i}"] = nn.Linear(num_in, width)
        layers[f"relu{i}"] = nn.ReLU(inplace=True)
        num_in = width
    layers["classifier"] = nn.Linear(num_in, num_classes)
    return nn.Sequential(layers)
