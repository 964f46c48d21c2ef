"""From pixels to the values that a network gets."""

from __future__ import annotations

import torch
from torch import Tensor

from easiness.spec import Recipe


def global_contrast_normalization(images: Tensor, epsilon: float) -> Tensor:
    """Per image, subtract the mean over all pixels and channels and divide by their standard deviation.

    ``images`` is a float tensor [b, h, w, c] or [b, c, h, w], contiguous in that order;
    ``epsilon`` is added to the (population) standard deviation, so that a constant image becomes zero.
    """
    flat = images.view(len(images), -1)
    # the mean of equal values is off by rounding, which epsilon would not hide: make them zeros first
    flat = flat - flat[:, :1]
    flat.sub_(flat.mean(dim=1, keepdim=True))
    # a norm over contiguous rows is several times faster on a CPU than torch.std over three dimensions
    deviation = torch.linalg.vector_norm(flat, dim=1, keepdim=True) / flat.shape[1] ** 0.5
    return flat.div_(deviation + epsilon).view(images.shape)


def raw_values(pixels: Tensor) -> Tensor:
    """Pixels [b, h, w, c] in 0..255 as float [b, c, h, w] in [0, 1], with the strides of channels-last."""
    # copied also where they are float32 already: those of the caller stay what they are
    values = pixels.to(torch.float32, memory_format=torch.contiguous_format, copy=True).div_(255)
    return values.permute(0, 3, 1, 2)


def normalize(values: Tensor, recipe: Recipe) -> Tensor:
    """Values [b, c, h, w] on the scale of [0, 1] as a network gets them under ``recipe``.

    In global contrast normalization where the recipe asks for it. The result is in single precision and
    has the strides of channels-last, so that equal values give equal results bit by bit.
    """
    last = values.to(torch.float32).permute(0, 2, 3, 1).contiguous()
    if recipe.gcn:
        last = global_contrast_normalization(last, recipe.gcn_epsilon)
    return last.permute(0, 3, 1, 2)


def network_input(pixels: Tensor, recipe: Recipe) -> Tensor:
    """Pixels [b, h, w, c] in 0..255 as a network gets them, float [b, c, h, w]; see `normalize`."""
    return normalize(raw_values(pixels), recipe)
