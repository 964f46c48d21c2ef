"""Photos of many sizes as network input of one size."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from easiness.data import Photos
from easiness.spec import Recipe
from easiness.training.crops import Crops, crop_centre, crop_random, draw_crops
from easiness.training.normalize import network_input, normalize, raw_values

_DRAWN_AT_ONCE = 65536  # ten attempts for each of millions would take gigabytes


class PhotoBank:
    """Photos of one split at the working resolution; only the batch in use is on the device."""

    def __init__(self, photos: Photos, recipe: Recipe, device: torch.device) -> None:
        """``recipe.crop`` must be set."""
        self._photos = photos
        self._recipe = recipe
        self._device = device
        self._sizes = torch.from_numpy(photos.sizes)

    def __len__(self) -> int:
        return len(self._sizes)

    def draw(self, positions: Tensor, generator: torch.Generator) -> Crops:
        """Random crops of the photos at ``positions`` [b]."""
        recipe = self._recipe
        parts = [
            draw_crops(self._sizes[part], recipe.crop_scale, recipe.crop_ratio, recipe.flip, generator)
            for part in torch.split(positions, _DRAWN_AT_ONCE)
        ]
        return Crops(torch.cat([p.boxes for p in parts]), torch.cat([p.flip for p in parts]))

    def augmented(self, positions: Tensor, crops: Crops) -> Tensor:
        """Training input of the photos at ``positions`` [b]."""
        photos = self._photos.take(positions.numpy())
        pixels = crop_random(photos, crops, self._recipe.crop, self._device)
        return network_input(pixels, self._recipe)

    def raw(self, batch: slice) -> Tensor:
        """The pixels of consecutive photos, float [b, c, h, w] in [0, 1]: the centre crop."""
        recipe = self._recipe
        photos = self._photos.take(np.arange(batch.start, batch.stop))
        return raw_values(crop_centre(photos, recipe.resize, recipe.crop, self._device))

    def clean(self, batch: slice) -> Tensor:
        """Evaluation input of consecutive photos: the centre crop."""
        return normalize(self.raw(batch), self._recipe)
