"""How pictures become network input: moved and mirrored where they have one size, else cropped to one."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from easiness.inputs.image.crops import crop_centre, crop_random, draw_crops
from easiness.inputs.image.normalize import network_input, normalize, raw_values
from easiness.inputs.image.stored import Pixels
from easiness.spec import Recipe

_DRAWN_AT_ONCE = 65536  # ten attempts for each of millions would take gigabytes
_NORMALIZED_AT_ONCE = 4  # photos whose values stay in a core's cache from one operation to the next


def draw_moves(num: int, shift: int, flip: float, generator: torch.Generator) -> Tensor:
    """Moves of ``num`` pictures: rows and columns of the corner, mirrored or not, int64 [num, 3].

    Translations are uniform in [-shift, shift] pixels. The corner lies in the picture padded with zeros, so
    that a row and a column of ``shift`` are no translation.
    """
    corner = torch.randint(0, 2 * shift + 1, (2, num), generator=generator)
    mirrored = torch.rand(num, generator=generator) < flip
    return torch.stack([corner[0], corner[1], mirrored.long()], dim=1)


@dataclass(frozen=True)
class _Pictures:
    """What becomes of pixels, however they were fetched."""

    recipe: Recipe

    def raw(self, values: Tensor) -> Tensor:
        """Pixels as float [b, c, h, w] in [0, 1]."""
        return raw_values(values)

    def normalized(self, raw: Tensor) -> Tensor:
        """What a network gets."""
        return normalize(raw, self.recipe)

    def finished(self, values: Tensor) -> Tensor:
        """What a network gets of pixels in 0..255."""
        return network_input(values, self.recipe)


@dataclass(frozen=True)
class Moved(_Pictures):
    """Pictures of one size, [K, h, w, c] in 0..255; beyond their borders they are zero.

    ``shift`` is the largest translation in pixels, 0 for a split that is only evaluated.
    """

    shift: int = 0

    def draw(self, positions: Tensor, generator: torch.Generator) -> Tensor:
        """`draw_moves` for the pictures at ``positions`` [b]."""
        return draw_moves(len(positions), self.shift, self.recipe.flip, generator)

    def augmented(self, values: Tensor, positions: Tensor, drawn: Tensor) -> Tensor:
        """The pictures at ``positions`` [b] of ``values`` [K, h, w, c], moved as drawn: [b, h, w, c]."""
        _, height, width, channels = values.shape
        top, left, mirrored = drawn.unbind(1)
        rows = top[:, None] - self.shift + torch.arange(height, device=values.device)
        offsets = torch.arange(width, device=values.device)
        across = torch.where(mirrored[:, None] != 0, offsets.flip(0), offsets)
        columns = left[:, None] - self.shift + across
        lines = positions[:, None] * height + rows.clamp(0, height - 1)
        at = (lines * width)[:, :, None] + columns.clamp(0, width - 1)[:, None]
        batch = values.view(-1, channels).index_select(0, at.view(-1))
        if self.shift:
            inside = ((columns >= 0) & (columns < width)).to(torch.uint8)
            # each row with all its channels at once, which a CPU does three times as fast as pixel by pixel
            in_row = inside[:, :, None].expand(-1, -1, channels).reshape(len(positions), 1, -1)
            in_column = ((rows >= 0) & (rows < height)).to(torch.uint8)[:, :, None]
            batch.view(len(positions), height, -1).mul_(in_row * in_column)
        return batch.view(len(positions), height, width, channels)


@dataclass(frozen=True)
class Cropped(_Pictures):
    """Photos of any size, cropped to ``recipe.crop`` pixels: at random in training, at the centre else.

    ``sizes`` [K, 2] are (height, width) of all photos of the split.
    """

    sizes: Tensor

    def draw(self, positions: Tensor, generator: torch.Generator) -> Tensor:
        """Random crops [b, 5] of the photos at ``positions`` [b]; see `draw_crops`."""
        recipe = self.recipe
        parts = [
            draw_crops(self.sizes[part], recipe.crop_scale, recipe.crop_ratio, recipe.flip, generator)
            for part in torch.split(positions, _DRAWN_AT_ONCE)
        ]
        return torch.cat(parts)

    def collated(self, values: list[Pixels], drawn: Tensor | None, device: torch.device) -> Tensor:
        """The pixels [b, side, side, channels] of the crops, in 0..255."""
        recipe = self.recipe
        if drawn is None:
            return crop_centre(values, recipe.resize, recipe.crop, device)
        return crop_random(values, drawn, recipe.crop, device).to(device)

    def finished(self, values: Tensor) -> Tensor:
        """What a network gets of pixels in 0..255; on a CPU computed a few photos at a time."""
        num_parts = len(values) // _NORMALIZED_AT_ONCE
        if values.device.type != "cpu" or num_parts < 2:
            return network_input(values, self.recipe)
        made = torch.empty(values.shape)
        # parts of equal size, since torch adds up a photo that is alone in another order
        for part, into in zip(values.tensor_split(num_parts), made.tensor_split(num_parts), strict=True):
            into.copy_(network_input(part, self.recipe).permute(0, 2, 3, 1))
        return made.permute(0, 3, 1, 2)
