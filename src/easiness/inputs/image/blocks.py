"""Images made smaller by averaging blocks of pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

_AT_ONCE = 1 << 14  # so many sums stay in a cache


def average_blocks(images: torch.Tensor, side: int, at_once: int = _AT_ONCE) -> torch.Tensor:
    """Means of blocks of ``side`` x ``side`` pixels, to the nearest of 256 levels; halves go up.

    ``images`` are uint8 [K, c, h, w] with h and w multiples of ``side``; returned are uint8
    [K, c, h / side, w / side]; with blocks of one pixel ``images`` themselves. ``at_once`` sums are
    held at a time, at least those of one image.
    """
    import torch

    if side == 1:
        return images
    num, channels, height, width = images.shape
    assert height % side == width % side == 0, (height, width, side)
    smaller = torch.empty(num, channels, height // side, width // side, dtype=torch.uint8)
    step = max(1, at_once // max(1, smaller[:1].numel()))
    area = side * side
    for some, into in zip(torch.split(images, step), torch.split(smaller, step), strict=True):
        sums = torch.full(into.shape, area // 2, dtype=torch.int32)
        for at in range(area):
            sums += some[:, :, at // side :: side, at % side :: side]
        into.copy_(sums // area)
    return smaller
