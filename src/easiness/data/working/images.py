"""The images of a data set as training takes them: one tensor, or photos at the working resolution."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from easiness.data.dataset import Dataset
from easiness.inputs import Photos, average_blocks, cache_path, cached_photos, uncached_photos
from easiness.spec import Recipe

if TYPE_CHECKING:
    import torch

WorkingImages: TypeAlias = "torch.Tensor | Photos"


def working_images(
    data: Dataset,
    recipe: Recipe,
    cache: Path | None = None,
    on_cached: Callable[[int], None] = lambda _: None,
) -> WorkingImages:
    """The images of one split, decoded once where they can be kept.

    Without ``recipe.crop`` they are one tensor: `Dataset.images`, made smaller by ``recipe.reduce``. Else
    they are photos whose short side is at most ``recipe.resize``: in a file in the folder ``cache``, built
    on first use and found again by the fingerprint, or without that folder in memory, or decoded anew
    where they do not fit. ``on_cached`` is told how many photos the file has while it is built.

    Raises:
        BadInput: an image is unreadable, or images cannot be used at their own sizes.
        RunFailed: the file cannot be written.
    """
    if not recipe.crop:
        return average_blocks(data.images, recipe.reduce)
    if cache is None:
        return uncached_photos(data.stored, recipe.resize)
    path = cache_path(cache, data.fingerprint, recipe.resize, data.scan.channels)
    return cached_photos(data.stored, recipe.resize, path, on_cached)
