"""Pictures made anew for every epoch: 1/f noise, and a patch at a random place in it."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from easiness.paper.planted.design import Arm, Examples, Patterns, Preset

_AT_ONCE = 4096  # pictures


def noise_filter(side: int) -> Tensor:
    """What makes 1/f noise [side ** 2] of white noise, as a matrix; every pixel has mean 0 and variance 1.

    The amplitude of a wave is one over its frequency; there is no constant one. Edges go on at the other
    side.
    """
    steps = np.fft.fftfreq(side) * side
    frequency = np.hypot(steps[:, None], steps[None, :])
    frequency[0, 0] = np.inf
    kernel = np.fft.ifft2(1 / frequency).real
    kernel /= np.sqrt((kernel**2).sum())
    rows = [np.roll(kernel, (down, right), (0, 1)).ravel() for down in range(side) for right in range(side)]
    return torch.from_numpy(np.array(rows, np.float32))


class Pictures:
    """Makes pictures of patterns, by a generator alone."""

    def __init__(self, patterns: Patterns, preset: Preset, arm: Arm) -> None:
        """The ``arm`` says what the patches are: those of the patterns, fainter ones, or new ones."""
        self._filter = noise_filter(preset.side)
        amplitude = preset.amplitude / (2 if arm == "half" else 1)
        self._patches = amplitude * torch.from_numpy(patterns.patch)
        self._amplitude, self._anew = amplitude, arm == "sham"
        self._side, self._patch = preset.side, preset.patch

    def make(self, pattern: Tensor, generator: torch.Generator) -> Tensor:
        """Pictures [n, 1, side, side] of the patterns of these numbers [n]."""
        return torch.cat([self._make(part, generator) for part in torch.split(pattern, _AT_ONCE)])

    def _make(self, pattern: Tensor, generator: torch.Generator) -> Tensor:
        num, side, size = len(pattern), self._side, self._patch
        pictures = (torch.randn(num, side * side, generator=generator) @ self._filter).view(num, side, side)
        patches = self._patches[pattern]
        if self._anew:
            patches = torch.randn(patches.shape, generator=generator)
            patches *= self._amplitude / patches.square().mean(dim=(1, 2), keepdim=True).sqrt()
        corner = torch.randint(0, side - size + 1, (num, 2), generator=generator)
        reach = torch.arange(size)
        rows = corner[:, 0, None, None] + reach[None, :, None]
        columns = corner[:, 1, None, None] + reach[None, None, :]
        pictures[torch.arange(num)[:, None, None], rows, columns] += patches
        return pictures[:, None]


class FreshBank:
    """Stands for a bank of examples in training; what `draw` draws for a pass is all of its pictures.

    They lie on the host until the next pass: after the last one, those that were trained on last are there.
    """

    def __init__(self, pictures: Pictures, examples: Examples, device: torch.device) -> None:
        self._pictures, self._device = pictures, device
        self._patterns = torch.from_numpy(examples.pattern)
        self.last = torch.empty(0)
        self.home = torch.device("cpu")
        self.ahead: torch.device | None = None

    def __len__(self) -> int:
        return len(self._patterns)

    def draw(self, positions: Tensor, generator: torch.Generator) -> Tensor:
        """Make the pictures of the examples at ``positions`` [b], which are all of them in some order."""
        made = self._pictures.make(self._patterns[positions], generator)
        self.last = torch.empty_like(made)
        self.last[positions] = made
        return positions

    def fetch(self, positions: Tensor, drawn: Tensor) -> tuple[Tensor, ...]:  # noqa: ARG002 - as of all banks
        """The pictures of this pass, on the device."""
        return (self.last[positions].to(self._device),)

    def finish(self, *fetched: Tensor) -> Tensor:
        """Training input, which they are."""
        return fetched[0]
