"""Images of one size on the device as one uint8 tensor, and how they become network input."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from easiness.inputs.image.normalize import network_input, normalize, raw_values
from easiness.inputs.transfer import moved, moved_in_pieces, staging
from easiness.spec import Recipe


@dataclass(frozen=True)
class Augmentation:
    """Random parameters for the examples of a batch: rows and columns of the crop's corner, mirrored or not.

    ``values`` is an int64 tensor [b, 3] of these three. The corner lies in the image padded with zeros, so
    that ``top = left = shift`` is no translation.
    """

    values: Tensor

    def __getitem__(self, batch: Tensor | slice) -> Augmentation:
        return Augmentation(self.values[batch])

    @property
    def top(self) -> Tensor:
        """Row of the corner [b]."""
        return self.values[:, 0]

    @property
    def left(self) -> Tensor:
        """Column of the corner [b]."""
        return self.values[:, 1]

    @property
    def flip(self) -> Tensor:
        """Mirrored or not [b], bool."""
        return self.values[:, 2] != 0


def draw_augmentation(num: int, shift: int, flip: float, generator: torch.Generator) -> Augmentation:
    """Parameters for ``num`` examples: translations uniform in [-shift, shift] pixels."""
    corner = torch.randint(0, 2 * shift + 1, (2, num), generator=generator)
    mirrored = torch.rand(num, generator=generator) < flip
    return Augmentation(torch.stack([corner[0], corner[1], mirrored.long()], dim=1))


def _augmented(pixels: Tensor, positions: Tensor, augmentation: Augmentation, shift: int) -> Tensor:
    """The ``pixels`` [K, h, w, c] at ``positions`` [b], augmented as drawn: [b, h, w, c]."""
    _, height, width, channels = pixels.shape
    rows = augmentation.top[:, None] - shift + torch.arange(height, device=pixels.device)
    offsets = torch.arange(width, device=pixels.device)
    mirrored = torch.where(augmentation.flip[:, None], offsets.flip(0), offsets)
    columns = augmentation.left[:, None] - shift + mirrored
    lines = positions[:, None] * height + rows.clamp(0, height - 1)
    at = (lines * width)[:, :, None] + columns.clamp(0, width - 1)[:, None]
    batch = pixels.view(-1, channels).index_select(0, at.view(-1))
    if shift:
        inside = ((columns >= 0) & (columns < width)).to(torch.uint8)
        # each row with all its channels at once, which a CPU does three times as fast as pixel by pixel
        across = inside[:, :, None].expand(-1, -1, channels).reshape(len(positions), 1, -1)
        down = ((rows >= 0) & (rows < height)).to(torch.uint8)[:, :, None]
        batch.view(len(positions), height, -1).mul_(across * down)
    return batch.view(len(positions), height, width, channels)


class ImageBank:
    """Images of one split on a device, channels last in memory; beyond their borders they are zero."""

    def __init__(self, images: Tensor, recipe: Recipe, device: torch.device, *, shift: int = 0) -> None:
        """``images``: uint8 [K, c, h, w]; ``shift``: largest translation, 0 for a split only evaluated.

        Images that are on the device already with their channels last are used where they are.
        """
        self._recipe = recipe
        self._shift = shift
        self._pixels = moved_in_pieces(images, device)
        self.home = device
        self.ahead: torch.device | None = None

    def __len__(self) -> int:
        return len(self._pixels)

    def draw(self, positions: Tensor, generator: torch.Generator) -> Augmentation:
        """Random parameters for the examples at ``positions`` [b]."""
        return draw_augmentation(len(positions), self._shift, self._recipe.flip, generator)

    def joined(self, parts: Sequence[Augmentation]) -> Augmentation:
        """The parameters drawn for some examples and then others, on the device."""
        return Augmentation(torch.cat([part.values for part in parts]).to(self.home))

    def fetch(self, positions: Tensor, augmentation: Augmentation) -> tuple[Tensor, ...]:
        """What `finish` needs of the examples at ``positions`` [b]."""
        return positions.to(self.home), augmentation.values.to(self.home)

    def finish(self, *fetched: Tensor) -> Tensor:
        """Training input of the examples that were fetched."""
        positions, values = fetched
        pixels = _augmented(self._pixels, positions, Augmentation(values), self._shift)
        return network_input(pixels, self._recipe)

    def augmented(self, positions: Tensor, augmentation: Augmentation) -> Tensor:
        """Training input of the examples at ``positions`` [b]."""
        return self.finish(*self.fetch(positions, augmentation))

    def raw(self, batch: slice) -> Tensor:
        """The pixels of consecutive examples, float [b, c, h, w] in [0, 1]."""
        return raw_values(self._pixels[batch])

    def clean(self, batch: slice) -> Tensor:
        """Evaluation input of consecutive examples."""
        return normalize(self.raw(batch), self._recipe)


class HostImageBank:
    """As `ImageBank`, for images that a device has no room for: only the batch in use is there."""

    def __init__(self, images: Tensor, recipe: Recipe, device: torch.device, *, shift: int = 0) -> None:
        """``images``: uint8 [K, c, h, w] in memory of the host, used where they are."""
        self._recipe = recipe
        self._shift = shift
        self._device = device
        self._pixels = images.permute(0, 2, 3, 1)
        self.home = torch.device("cpu")
        self.ahead = device

    def __len__(self) -> int:
        return len(self._pixels)

    def draw(self, positions: Tensor, generator: torch.Generator) -> Augmentation:
        """Random parameters for the examples at ``positions`` [b]."""
        return draw_augmentation(len(positions), self._shift, self._recipe.flip, generator)

    def joined(self, parts: Sequence[Augmentation]) -> Augmentation:
        """The parameters drawn for some examples and then others, on the host."""
        return Augmentation(torch.cat([part.values for part in parts]))

    def fetch(self, positions: Tensor, augmentation: Augmentation) -> tuple[Tensor, ...]:
        """The pixels [b, h, w, c] of the examples at ``positions`` [b], and what was drawn, on the device."""
        pixels = staging((len(positions), *self._pixels.shape[1:]), torch.uint8, self._device)
        torch.index_select(self._pixels, 0, positions, out=pixels)
        return moved(pixels, self._device), moved(augmentation.values, self._device)

    def finish(self, *fetched: Tensor) -> Tensor:
        """Training input of the examples that were fetched."""
        pixels, values = fetched
        every = torch.arange(len(pixels), device=pixels.device)
        return network_input(_augmented(pixels, every, Augmentation(values), self._shift), self._recipe)

    def augmented(self, positions: Tensor, augmentation: Augmentation) -> Tensor:
        """Training input of the examples at ``positions`` [b]."""
        return self.finish(*self.fetch(positions, augmentation))

    def raw(self, batch: slice) -> Tensor:
        """The pixels of consecutive examples, float [b, c, h, w] in [0, 1]."""
        seen = self._pixels[batch]
        pixels = staging(tuple(seen.shape), torch.uint8, self._device).copy_(seen)
        return raw_values(moved(pixels, self._device))

    def clean(self, batch: slice) -> Tensor:
        """Evaluation input of consecutive examples."""
        return normalize(self.raw(batch), self._recipe)
