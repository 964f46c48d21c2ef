"""Images of one size on the device as one uint8 tensor, and how they become network input."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from easiness.spec import Recipe
from easiness.training.normalize import network_input, normalize, raw_values


@dataclass(frozen=True)
class Augmentation:
    """Random parameters for the examples of a batch: rows and columns of the crop's corner, mirrored or not.

    The corner lies in the zero-padded image, so that ``top = left = shift`` is no translation.
    """

    top: Tensor
    left: Tensor
    flip: Tensor

    def __getitem__(self, batch: Tensor | slice) -> Augmentation:
        return Augmentation(self.top[batch], self.left[batch], self.flip[batch])


def draw_augmentation(num: int, shift: int, flip: float, generator: torch.Generator) -> Augmentation:
    """Parameters for ``num`` examples: translations uniform in [-shift, shift] pixels."""
    corner = torch.randint(0, 2 * shift + 1, (2, num), generator=generator)
    mirrored = torch.rand(num, generator=generator) < flip
    return Augmentation(corner[0], corner[1], mirrored)


class ImageBank:
    """Images of one split on a device, zero-padded by the recipe's shift, channels last in memory."""

    def __init__(self, images: Tensor, recipe: Recipe, device: torch.device, *, shift: int = 0) -> None:
        """``images``: uint8 [K, c, h, w]; ``shift``: padding in pixels, 0 for a split only evaluated."""
        self._recipe = recipe
        self._shift = shift
        num, self._channels, self._height, self._width = images.shape
        padded_shape = (num, self._height + 2 * shift, self._width + 2 * shift, self._channels)
        # filled in place, so that at no time more than one copy is held
        self._padded = torch.zeros(padded_shape, dtype=torch.uint8, device=device)
        inner = self._padded[:, shift : shift + self._height, shift : shift + self._width]
        inner.copy_(images.permute(0, 2, 3, 1))
        self._device = device

    def __len__(self) -> int:
        return len(self._padded)

    def draw(self, positions: Tensor, generator: torch.Generator) -> Augmentation:
        """Random parameters for the examples at ``positions`` [b]."""
        return draw_augmentation(len(positions), self._shift, self._recipe.flip, generator)

    def augmented(self, positions: Tensor, augmentation: Augmentation) -> Tensor:
        """Training input of the examples at ``positions`` [b]."""
        device = self._device
        positions, top = positions.to(device), augmentation.top.to(device)
        left, flip = augmentation.left.to(device), augmentation.flip.to(device)
        rows = top[:, None] + torch.arange(self._height, device=device)
        offsets = torch.arange(self._width, device=device)
        columns = left[:, None] + torch.where(flip[:, None], offsets.flip(0), offsets)
        _, padded_height, padded_width, _ = self._padded.shape
        pixels = ((positions[:, None] * padded_height + rows) * padded_width)[:, :, None] + columns[:, None]
        batch = self._padded.view(-1, self._channels).index_select(0, pixels.view(-1))
        return network_input(
            batch.view(len(positions), self._height, self._width, self._channels), self._recipe
        )

    def raw(self, batch: slice) -> Tensor:
        """The pixels of consecutive examples, float [b, c, h, w] in [0, 1]."""
        s = self._shift
        return raw_values(self._padded[batch, s : s + self._height, s : s + self._width])

    def clean(self, batch: slice) -> Tensor:
        """Evaluation input of consecutive examples."""
        return normalize(self.raw(batch), self._recipe)
