"""Convolutions of 3 x 3 in float32 by fewer products (Winograd 1980; Lavin and Gray 2016, arXiv 1509.09308).

Tiles of 4 x 4 outputs and the 6 x 6 inputs below them are transformed, multiplied channel by channel at each
of 36 places, and transformed back: a quarter of the products, for twice the bytes. It rounds about ten times
as coarsely as the plain sum, a hundredth of what bfloat16 does. A network that trains does not use it.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

_PLACES = 36  # of a tile of 6 x 6
_LEAST_CHANNELS = 64  # with fewer, transforms cost more than the products that they save
_MOST_PADDED = 1.35  # of the pixels, where sides are no multiples of four
_TILE_BYTES = 2**20  # of transformed input at a time: it stays in a cache of the processor
_LEAST_TILES = 64  # at a time: with fewer, reading the weights costs more than the products

# F(4, 3) at the points 0, 1, -1, 2, -2 and infinity
_INPUT = torch.tensor(
    [
        [4.0, 0, -5, 0, 1, 0],
        [0, -4, -4, 1, 1, 0],
        [0, 4, -4, -1, 1, 0],
        [0, -2, -1, 2, 1, 0],
        [0, 2, -1, -2, 1, 0],
        [0, 4, 0, -5, 0, 1],
    ]
)
_WEIGHT = torch.tensor(
    [[6.0, 0, 0], [-4, -4, -4], [-4, 4, -4], [1, 2, 4], [1, -2, 4], [0, 0, 24]], dtype=torch.float64
).div(24)
_OUTPUT = torch.tensor([[1.0, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]])


def suits(layer: nn.Conv2d) -> bool:
    """Is this a convolution that is faster this way: 3 x 3, stride 1, padded by 1, of at least 64 channels?

    Threads wait for each other at each of the small products: with several it is not.
    """
    shape = (layer.kernel_size, layer.stride, layer.padding, layer.dilation, layer.groups)
    few = min(layer.in_channels, layer.out_channels) < _LEAST_CHANNELS
    return shape == ((3, 3), (1, 1), (1, 1), (1, 1), 1) and not few and torch.get_num_threads() == 1


def suits_images(images: Tensor) -> bool:
    """Do tiles of 4 x 4 cover these images [b, c, h, w], in float32 on a CPU, without much waste?"""
    height, width = images.shape[2:]
    covered = 16 * -(-height // 4) * -(-width // 4)
    plain = images.dtype == torch.float32 and images.device.type == "cpu"
    return plain and covered <= _MOST_PADDED * height * width


def transformed(weight: Tensor) -> Tensor:
    """Weights [out, in, 3, 3] as `convolve` takes them, [36, in, out]."""
    places = torch.kron(_WEIGHT, _WEIGHT) @ weight.double().permute(2, 3, 1, 0).reshape(9, -1)
    return places.to(torch.float32).view(_PLACES, weight.shape[1], weight.shape[0])


def convolve(images: Tensor, weight: Tensor, bias: Tensor | None, *, relu: bool) -> Tensor:
    """Images [b, in, h, w] and `transformed` weights to [b, out, h, w], channels last."""
    num, channels, height, width = images.shape
    channels_out = weight.shape[2]
    down, across = -(-height // 4), -(-width // 4)
    tiles = max(_LEAST_TILES, _TILE_BYTES // (4 * _PLACES * channels))
    at_once = max(1, min(num, round(tiles / (down * across))))
    to_places, to_pixels = torch.kron(_INPUT, _INPUT), torch.kron(_OUTPUT, _OUTPUT)
    padded = images.new_zeros(at_once, 4 * down + 2, 4 * across + 2, channels)
    of_image, of_row, of_column, _ = padded.stride()
    out = images.new_empty(num, down, 4, across, 4, channels_out)
    for start in range(0, num, at_once):
        part = images[start : start + at_once].permute(0, 2, 3, 1)
        padded[: len(part), 1 : height + 1, 1 : width + 1] = part
        seen = padded.as_strided(
            (6, 6, len(part), down, across, channels),
            (of_row, of_column, of_image, 4 * of_row, 4 * of_column, 1),
        )
        places = (to_places @ seen.reshape(_PLACES, -1)).view(_PLACES, -1, channels)
        pixels = to_pixels @ torch.bmm(places, weight).view(_PLACES, -1)
        made = pixels.view(4, 4, len(part), down, across, channels_out)
        if bias is not None:
            made += bias
        if relu:
            made.relu_()
        out[start : start + at_once] = made.permute(2, 3, 0, 4, 1, 5)
    whole = out.view(num, 4 * down, 4 * across, channels_out)[:, :height, :width]
    return whole.permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last)
