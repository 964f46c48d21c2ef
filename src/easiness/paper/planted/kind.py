"""Patterns in noise as a kind of examples: what is drawn for an epoch is a new picture of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from easiness.inputs import IMAGE, InputKind, Packed, Preparation, Signature, Stored, TensorBank, Traits
from easiness.spec import Recipe

_AT_ONCE = 4096  # pictures
_VERSION = 1  # changes whenever the same patterns would give other pictures


def noise_filter(side: int) -> Tensor:
    """The matrix that makes 1/f noise [side ** 2] of white noise; every pixel has mean 0 and variance 1.

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


@dataclass(frozen=True)
class PatternKind(InputKind, Traits):
    """Patches [p, p] of patterns; networks see each at a random place in 1/f noise, new in every epoch.

    Pictures have ``side`` x ``side`` pixels, and patches ``amplitude`` times the deviation of the noise. With
    ``sham`` a picture gets a patch of its own in place of that of its pattern.
    """

    side: int = 16
    amplitude: float = 1.5
    sham: bool = False

    name = "planted"
    noun, nouns, axes, columns = "pattern", "patterns", IMAGE.axes, ()
    networks = ("wrn_10_1",)
    show, exported = IMAGE.show, IMAGE.exported

    def made(self, patches: Tensor, generator: torch.Generator) -> Tensor:
        """Pictures [n, 1, side, side] of patterns with these patches [n, p, p], some at a time."""
        whiten = noise_filter(self.side)
        return torch.cat([self._made(part, whiten, generator) for part in torch.split(patches, _AT_ONCE)])

    def _made(self, patches: Tensor, whiten: Tensor, generator: torch.Generator) -> Tensor:
        num, side, size = len(patches), self.side, patches.shape[1]
        pictures = (torch.randn(num, side * side, generator=generator) @ whiten).view(num, side, side)
        patches = self.amplitude * patches
        if self.sham:
            patches = torch.randn(patches.shape, generator=generator)
            patches *= self.amplitude / patches.square().mean(dim=(1, 2), keepdim=True).sqrt()
        corner = torch.randint(0, side - size + 1, (num, 2), generator=generator)
        reach = torch.arange(size)
        rows = corner[:, 0, None, None] + reach[None, :, None]
        columns = corner[:, 1, None, None] + reach[None, None, :]
        pictures[torch.arange(num)[:, None, None], rows, columns] += patches
        return pictures[:, None]

    @property
    def shape(self) -> tuple[int, int, int]:
        """One channel, and the side twice."""
        return 1, self.side, self.side

    def signature(self, *_: object) -> Signature:
        """The shape of a picture."""
        return Signature(self.shape)

    def joined(self, *_: object) -> PatternKind:
        """Both splits have the same settings."""
        return self

    def pack(self, examples: Any, *_: object) -> Packed:
        """The patches of one split."""
        return Packed.of_array(examples.array)

    def bank(
        self,
        values: Any,
        recipe: Recipe,  # noqa: ARG002
        device: torch.device,
        *,
        augment: bool,
        sharers: int,
        seed: int = 0,
    ) -> PatternBank:
        """Pictures made anew for each pass of training; those of a split that is held out are made once."""
        bank = PatternBank(values, self, device, sharers)
        if not augment:
            bank.draw(torch.arange(len(bank)), torch.Generator().manual_seed(seed))
        return bank

    def observation(self, *_: object) -> str:
        """The pictures of the last pass, or those held out."""
        return "the picture that was trained on last"


planted_kind = PatternKind  # by which a run that names it is shown


class StoredPatterns(Stored):
    """Patches [K, p, p] of examples; each is identified by its patch and all settings of its pictures."""

    noun = "pattern"

    def __init__(self, patches: npt.NDArray[np.float32], kind: PatternKind) -> None:
        self._held, self._kind = patches, kind

    @property
    def traits(self) -> PatternKind:
        """The settings of their pictures."""
        return self._kind

    def subset(self, positions: npt.NDArray[np.int64]) -> StoredPatterns:
        """A copy of the patches at ``positions``."""
        return StoredPatterns(self._held[positions], self._kind)

    def _stored(self, item: npt.NDArray[np.float32]) -> bytes:
        return f"{_VERSION} {self._kind}".encode() + item.astype("<f4").tobytes()


class PatternBank(TensorBank):
    """Pictures of patterns, all made anew for each pass; those of the last one are what is evaluated."""

    def __init__(self, values: Packed, kind: PatternKind, device: torch.device, sharers: int) -> None:
        super().__init__(values, Preparation(), device, sharers=sharers)
        self._kind, self._last = kind, torch.empty(0)

    def draw(self, positions: Tensor, generator: torch.Generator) -> Tensor:
        """Make the pictures of the examples at ``positions`` [K], which are all of them in some order."""
        made = self._kind.made(self.raw(slice(0, len(self))).cpu()[positions], generator)
        self._last = torch.empty_like(made)
        self._last[positions] = made
        return made

    def finish(self, *fetched: Tensor) -> Tensor:
        """The pictures that were drawn."""
        return fetched[1]

    def clean(self, batch: slice) -> Tensor:
        """The last pictures of consecutive examples."""
        return self._last[batch].to(self._device)
