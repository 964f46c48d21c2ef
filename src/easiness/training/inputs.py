"""What the training loop needs of the images of a split, whatever their kind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import torch
from torch import Tensor

from easiness.data import WorkingImages
from easiness.inputs import HostImageBank, ImageBank, PhotoBank
from easiness.spec import Recipe
from easiness.training.device import has_room


class Evaluated(Protocol):
    """Images that are looked at: how consecutive ones become network input, float [b, c, h, w].

    ``ahead`` is the device that a batch is best fetched for while it works on the one before, ``None``
    where that gains nothing; see `fetched_ahead`.
    """

    @property
    def ahead(self) -> torch.device | None:
        """The device that a batch is fetched for ahead, if so."""
        ...

    def __len__(self) -> int:
        """Number of images."""
        ...

    def clean(self, batch: slice) -> Tensor:
        """Evaluation input of consecutive images."""
        ...


class Bank(Evaluated, Protocol):
    """Images of one split, which are trained on as well.

    ``home`` is where positions are needed: the device, or the CPU where images are fetched from there.
    """

    home: torch.device

    def draw(self, positions: Tensor, generator: torch.Generator) -> Any:
        """Random parameters of the augmentation of the images at ``positions`` [b], to be indexed alike."""
        ...

    def joined(self, parts: Sequence[Any]) -> Any:
        """What `draw` gave for some images and then others, as one, where `fetch` needs it."""
        ...

    def fetch(self, positions: Tensor, drawn: Any) -> tuple[Tensor, ...]:
        """What `finish` needs of the images at ``positions`` [b]: tensors on the device."""
        ...

    def finish(self, *fetched: Tensor) -> Tensor:
        """Training input of images that were fetched, by operations on the device alone."""
        ...

    def augmented(self, positions: Tensor, drawn: Any) -> Tensor:
        """Training input of the images at ``positions`` [b]."""
        ...

    def raw(self, batch: slice) -> Tensor:
        """The pixels of consecutive images as they are evaluated, before normalization: in [0, 1]."""
        ...


def make_bank(
    images: WorkingImages, recipe: Recipe, device: torch.device, *, augment: bool, sharers: int = 1
) -> Bank:
    """The bank for these images; without ``augment`` for a split that is only evaluated.

    Images of one size are kept on the device where it has room for them: ``sharers`` processes use it.
    """
    if not isinstance(images, Tensor):
        return PhotoBank(images, recipe, device)
    shift = recipe.shift(min(images.shape[2:])) if augment else 0
    if has_room(device, images.nbytes, sharers):
        try:
            return ImageBank(images, recipe, device, shift=shift)
        except torch.OutOfMemoryError:  # others took it meanwhile
            pass
    return HostImageBank(images, recipe, device, shift=shift)
