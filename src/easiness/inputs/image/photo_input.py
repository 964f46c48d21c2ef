"""Photos of many sizes as network input of one size."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from easiness.inputs.image.crops import Crops, crop_centre, crop_random, draw_crops
from easiness.inputs.image.normalize import network_input, raw_values
from easiness.inputs.image.photos import Photos
from easiness.spec import Recipe

_DRAWN_AT_ONCE = 65536  # ten attempts for each of millions would take gigabytes
_NORMALIZED_AT_ONCE = 4  # photos whose values stay in a core's cache from one operation to the next


class PhotoBank:
    """Photos of one split at the working resolution; only the batch in use is on the device."""

    def __init__(self, photos: Photos, recipe: Recipe, device: torch.device) -> None:
        """``recipe.crop`` must be set."""
        self._photos = photos
        self._recipe = recipe
        self._device = device
        self.home = torch.device("cpu")
        self.ahead = device if device.type == "cuda" else None
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
        return self.joined(parts)

    def joined(self, parts: Sequence[Crops]) -> Crops:
        """The crops of some photos and then others, as one."""
        return Crops(torch.cat([p.boxes for p in parts]), torch.cat([p.flip for p in parts]))

    def fetch(self, positions: Tensor, crops: Crops) -> tuple[Tensor, ...]:
        """The pixels of crops of the photos at ``positions`` [b], on the device."""
        photos = self._photos.take(positions.numpy())
        return (crop_random(photos, crops, self._recipe.crop, self._device).to(self._device),)

    def finish(self, *fetched: Tensor) -> Tensor:
        """Training input from the pixels [b, side, side, channels] of crops that were fetched."""
        (pixels,) = fetched
        return _network_input(pixels, self._recipe)

    def augmented(self, positions: Tensor, crops: Crops) -> Tensor:
        """Training input of the photos at ``positions`` [b]."""
        return self.finish(*self.fetch(positions, crops))

    def raw(self, batch: slice) -> Tensor:
        """The pixels of consecutive photos, float [b, c, h, w] in [0, 1]: the centre crop."""
        return raw_values(self._centres(batch))

    def clean(self, batch: slice) -> Tensor:
        """Evaluation input of consecutive photos: the centre crop."""
        return _network_input(self._centres(batch), self._recipe)

    def _centres(self, batch: slice) -> Tensor:
        recipe = self._recipe
        photos = self._photos.take(np.arange(batch.start, batch.stop))
        return crop_centre(photos, recipe.resize, recipe.crop, self._device)


def _network_input(pixels: Tensor, recipe: Recipe) -> Tensor:
    """`network_input` with the same values, on a CPU a few photos at a time."""
    num_parts = len(pixels) // _NORMALIZED_AT_ONCE
    if pixels.device.type != "cpu" or num_parts < 2:
        return network_input(pixels, recipe)
    values = torch.empty(pixels.shape)
    # parts of equal size, since torch adds up a photo that is alone in another order
    for part, into in zip(pixels.tensor_split(num_parts), values.tensor_split(num_parts), strict=True):
        into.copy_(network_input(part, recipe).permute(0, 2, 3, 1))
    return values.permute(0, 3, 1, 2)
