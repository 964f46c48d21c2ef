"""A plain convolutional network for the reference of `recipes.py`: of another family than those judged."""

from __future__ import annotations

from torch import nn

STAGES = ((32,), (64, 64), (128, 128), (256,))  # widths of the convolutions at each size


def plain(input_shape, num_classes):
    """3x3 convolutions with batch normalization and ReLU, halved by maxima between stages; no shortcuts."""
    layers: list[nn.Module] = []
    channels = input_shape[0]
    for at, widths in enumerate(STAGES):
        layers += [nn.MaxPool2d(2)] if at else []
        for width in widths:
            convolution = nn.Conv2d(channels, width, 3, padding=1, bias=False)
            nn.init.kaiming_normal_(convolution.weight, mode="fan_out", nonlinearity="relu")
            layers += [convolution, nn.BatchNorm2d(width), nn.ReLU(inplace=True)]
            channels = width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, num_classes))
