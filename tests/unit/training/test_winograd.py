from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from easiness.training.winograd import convolve, suits, suits_images, transformed


@pytest.mark.parametrize(
    ("num", "height", "width"), [(1, 4, 4), (3, 8, 12), (70, 7, 4), (5, 9, 14), (2, 1, 3)]
)
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("relu", [False, True])
def test_it_is_the_convolution(num, height, width, bias, relu):
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(num, 5, height, width, generator=generator)
    weight = torch.randn(6, 5, 3, 3, generator=generator)
    shift = torch.randn(6, generator=generator) if bias else None
    expected = F.conv2d(images.double(), weight.double(), shift.double() if bias else None, padding=1)
    expected = expected.relu() if relu else expected
    found = convolve(
        images.contiguous(memory_format=torch.channels_last), transformed(weight), shift, relu=relu
    )
    assert found.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(found.double(), expected, rtol=1e-4, atol=1e-4)
    assert torch.equal(convolve(images, transformed(weight), shift, relu=relu), found)


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (nn.Conv2d(64, 64, 3, padding=1), True),
        (nn.Conv2d(32, 64, 3, padding=1), False),
        (nn.Conv2d(64, 32, 3, padding=1), False),
        (nn.Conv2d(64, 64, 3, 2, padding=1), False),
        (nn.Conv2d(64, 64, 3), False),
        (nn.Conv2d(64, 64, 3, padding=1, groups=2), False),
        (nn.Conv2d(64, 64, 3, padding=1, dilation=2), False),
        (nn.Conv2d(64, 64, 5, padding=2), False),
    ],
)
def test_which_convolutions(layer, expected):
    assert suits(layer) is expected


@pytest.mark.parametrize(
    ("side", "expected"), [(4, True), (5, False), (7, True), (8, True), (14, True), (9, False)]
)
def test_on_which_images(side, expected):
    assert suits_images(torch.zeros(1, 64, side, side)) is expected
    assert not suits_images(torch.zeros(1, 64, side, side, dtype=torch.bfloat16))
