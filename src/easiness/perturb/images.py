"""What a perturbation takes and gives: a batch of images and, where it is random, the ids of its examples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, TypeAlias

import numpy.typing as npt
from torch import Tensor

from easiness.errors import BadInput

Ids: TypeAlias = Sequence[int] | Sequence[str] | npt.NDArray[Any] | Tensor
"""The examples' own ids, integers or texts, one per image."""

ImageShape: TypeAlias = tuple[int, int, int]
"""Channels, height and width."""


class Transform(Protocol):
    """Anything that turns a batch of images into another of the same shape."""

    def __call__(self, images: Tensor, *, ids: Ids | None = None) -> Tensor:
        """Images [b, c, h, w] from images [b, c, h, w] with values in [0, 1], on the same device."""


def as_batch(images: Tensor, ids: Ids | None) -> Tensor:
    """``images`` in at least single precision; half precision is widened, which changes no value.

    Raises:
        BadInput: they are not floats [b, c, h, w], or ``ids`` are not as many.
    """
    if not isinstance(images, Tensor) or images.ndim != 4 or not images.is_floating_point():
        given = (
            f"{images.dtype} {list(images.shape)}" if isinstance(images, Tensor) else type(images).__name__
        )
        raise BadInput(f"images are {given}: give a float tensor [b, c, h, w] with values in [0, 1]")
    if ids is not None and len(ids) != len(images):
        raise BadInput(f"{len(ids)} ids for {len(images)} images: give one id per image")
    return images.float() if images.dtype.itemsize < 4 else images


def clamp_for_display(images: Tensor) -> Tensor:
    """``images`` cut to [0, 1]: for the eye only, networks see them as they are."""
    return images.clamp(0, 1)
