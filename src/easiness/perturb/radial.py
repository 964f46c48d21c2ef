"""Radial mask: only the low frequencies of an image."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from easiness.errors import BadInput
from easiness.perturb.kind import Ids, Kind, Shape, as_batch

_EPSILON = 1e-9  # so that a radius that is a rounded square root, sqrt(13), keeps its ring


def _largest(shape: Shape) -> float:
    """The largest distance from the zero frequency that images of this size have."""
    return math.hypot(shape[1] // 2, shape[2] // 2)


def _halvings(shape: Shape) -> Iterator[float]:
    """A half, a quarter, ... of the shorter side, down to the slowest wave."""
    radius = min(shape[1:]) / 2
    while radius >= 1:
        yield radius
        radius /= 2


@dataclass(frozen=True)
class Radial:
    """Low-pass by a disc in the frequency plane (Jo and Bengio 2018; Kishida and Nakayama 2019, section 6).

    Of each channel's 2-D Fourier transform the coefficients at a Euclidean distance of at most
    ``radius`` from the zero frequency are kept; the distance counts waves per image side, up to half a
    side each way. A radius of at least the largest distance changes nothing, 0 leaves the mean. Values
    are not clamped and may leave [0, 1]; see `clamp_for_display`. Of a sound it is the log-mel picture.

    Raises:
        BadInput: a negative or infinite radius.
    """

    radius: float

    def __post_init__(self) -> None:
        if not 0 <= self.radius < math.inf:
            raise BadInput(
                f"radial radius {self.radius}: negative or not finite; "
                "it counts frequencies, from 0, which leaves the mean"
            )

    def __call__(self, images: Tensor, *, ids: Ids | None = None) -> Tensor:
        """The images [b, c, h, w] without their high frequencies; ``ids`` do not matter."""
        images = as_batch(images, ids)
        _, _, height, width = images.shape
        if self.radius + _EPSILON >= _largest((1, height, width)) or images.numel() == 0:
            return images
        # The mask is the same at opposite frequencies, so the inverse is real and half the plane tells it.
        down, right = np.fft.fftfreq(height) * height, np.fft.rfftfreq(width) * width
        kept = np.hypot.outer(down, right) <= self.radius + _EPSILON
        spectrum = torch.fft.rfft2(images) * torch.from_numpy(kept).to(images.device)
        low: Tensor = torch.fft.irfft2(spectrum, s=(height, width))
        return low


RADIAL = Kind(
    "radial",
    Radial,
    lambda shape: tuple(_halvings(shape)),
    neutral=lambda shape: math.ceil(_largest(shape)),
    label="radius (frequencies)",
    digest="74732eb21a0aa63919d80cb05181d4624e9944baca7f8b40ded26f7c9f9548fb",
    kinds=("image", "sound"),
)
