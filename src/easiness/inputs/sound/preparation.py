"""Log-mel pictures as network input: shifted, made louder or quieter, masked, and standardized."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from easiness.inputs.bank import Preparation
from easiness.inputs.image.preparation import global_contrast_normalization
from easiness.inputs.sound.log_mel import RANGE
from easiness.spec import Recipe

STEPS = 10  # steps of gain to a decibel
_EPSILON = 1e-6
_LARGE = 2**31 - 1


@dataclass(frozen=True)
class LogMels(Preparation):
    """Log-mel pictures [K, mels, frames] in [0, 1], 0 for silence; changed where ``augment`` is set."""

    recipe: Recipe
    augment: bool

    def draw(self, positions: Tensor, generator: torch.Generator) -> Tensor:
        """Shift in frames, gain in steps, start and length of masks in time and frequency: int64 [b, n]."""
        num, recipe = len(positions), self.recipe
        if not self.augment:
            return torch.zeros(num, 0, dtype=torch.int64)
        parts = [_below(2 * most + 1, num, generator) for most in (self._most_shift, self._most_gain)]
        for side, share in ((recipe.frames, recipe.time_mask), (recipe.mels, recipe.mel_mask)):
            for _ in range(recipe.masks):
                length = _below(int(share * side) + 1, num, generator)
                parts += [_below(_LARGE, num, generator) % (side - length + 1), length]
        return torch.stack(parts, dim=1)

    def augmented(self, values: Tensor, positions: Tensor, draws: Tensor) -> Tensor:
        batch = values.index_select(0, positions).to(torch.float32)
        if not self.augment:
            return batch
        _, mels, frames = batch.shape
        shift, gain = draws[:, 0] - self._most_shift, draws[:, 1] - self._most_gain
        columns = torch.arange(frames, device=batch.device) - shift[:, None]
        in_time = (columns >= 0) & (columns < frames)
        masks = draws[:, 2:].reshape(len(batch), 2, self.recipe.masks, 2)
        in_time = in_time & _outside(masks[:, 0], frames)
        batch = batch.gather(2, columns.clamp(0, frames - 1)[:, None].expand(-1, mels, -1))
        # silence stays silent, however loud it is played
        audible = (batch > 0) & in_time[:, None] & _outside(masks[:, 1], mels)[:, :, None]
        louder = gain.to(torch.float32)[:, None, None] / (STEPS * RANGE)
        return (batch + louder).clamp_(0, 1).mul_(audible)

    def raw(self, values: Tensor) -> Tensor:
        return values.to(torch.float32).unsqueeze(1)

    def normalized(self, raw: Tensor) -> Tensor:
        """Network input: each picture less its mean, over its standard deviation."""
        return global_contrast_normalization(raw.to(torch.float32).contiguous(), _EPSILON)

    @property
    def _most_shift(self) -> int:
        return int(self.recipe.time_shift * self.recipe.frames)

    @property
    def _most_gain(self) -> int:
        return int(self.recipe.gain * STEPS)


def _below(stop: int, num: int, generator: torch.Generator) -> Tensor:
    return torch.randint(0, stop, (num,), generator=generator)


def _outside(masks: Tensor, side: int) -> Tensor:
    """Mask [b, side] of the places that no mask covers; ``masks`` [b, n, 2] are starts and lengths."""
    places = torch.arange(side, device=masks.device)
    start, length = masks[..., :1], masks[..., 1:]
    return ~((places >= start) & (places < start + length)).any(dim=1)
