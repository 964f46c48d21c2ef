"""Packed examples of one split as input of a network: drawn, fetched, augmented and finished in batches."""

from __future__ import annotations

import warnings
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from easiness.inputs.kind import Values
from easiness.inputs.packed import Packed
from easiness.inputs.transfer import has_room, moved, moved_in_pieces, staging


class Evaluated(Protocol):
    """Examples that are looked at: how consecutive ones become network input, [b, ...].

    ``ahead`` is the device that a batch is best fetched for while it works on the one before, ``None``
    where that gains nothing; see `fetched_ahead`.
    """

    @property
    def ahead(self) -> torch.device | None:
        """The device that a batch is fetched for ahead, if so."""

    def __len__(self) -> int:
        """Number of examples."""

    def clean(self, batch: slice) -> Tensor:
        """Evaluation input of consecutive examples."""


class Learned(Protocol):
    """Examples that are trained on: what is drawn for each of a pass, and how batches become network input.

    ``home`` is where positions and what is drawn are needed; ``ahead`` is as for `Evaluated`.
    """

    home: torch.device
    ahead: torch.device | None

    def draw(self, positions: Tensor, generator: torch.Generator) -> Tensor:
        """Random parameters [b, ...] of the examples at ``positions`` [b], which are those of a pass."""

    def fetch(self, positions: Tensor, drawn: Tensor) -> tuple[Tensor, ...]:
        """What `finish` needs of the examples at ``positions`` [b]: tensors on the device."""

    def finish(self, *fetched: Tensor) -> Tensor:
        """Training input [b, ...] of examples that were fetched."""


class Preparation(Protocol):
    """How examples of one kind become network input, on any device.

    What is drawn for an example is a row of whole numbers; ``values`` [b, ...] are examples as they are
    stored.
    """

    def draw(self, positions: Tensor, generator: torch.Generator) -> Tensor:
        """Random parameters [b, p] (int64) of the augmentation of the examples at ``positions`` [b]."""

    def raw(self, values: Tensor) -> Tensor:
        """The examples as a perturbation takes them: pictures as float [b, c, h, w] in [0, 1]."""

    def normalized(self, raw: Tensor) -> Tensor:
        """What a network gets of `raw` examples."""

    def finished(self, values: Tensor) -> Tensor:
        """What a network gets of ``values``: `normalized` of `raw`."""


@runtime_checkable
class Gathered(Preparation, Protocol):
    """For examples of one shape, which lie in one tensor."""

    def augmented(self, values: Tensor, positions: Tensor, drawn: Tensor) -> Tensor:
        """The examples at ``positions`` [b] of ``values`` [K, ...], augmented as drawn."""


@runtime_checkable
class Collated(Preparation, Protocol):
    """For examples that differ in shape, which are put together one by one."""

    def collated(self, values: list[npt.NDArray[Any]], drawn: Tensor | None, device: torch.device) -> Tensor:
        """The examples [b, ...] on the device, augmented as drawn, or as they are evaluated without."""


class TensorBank:
    """Examples of one split as network input.

    Those of one shape (`Gathered`) are kept on the device where it has room for them, else on the host, and
    those that differ in shape (`Collated`) always there: then only the batch in use is on the device.
    ``home`` is where positions and what is drawn are needed.
    """

    def __init__(
        self, values: Values, preparation: Gathered | Collated, device: torch.device, *, sharers: int = 1
    ) -> None:
        """``sharers`` processes use the device, each of which may have its part of the memory."""
        self._values = values
        self._preparation: Preparation = preparation
        self._device = device
        self._whole: Tensor | None = None
        self._resident = False
        if isinstance(preparation, Gathered):
            assert isinstance(values, Packed)
            self._whole, self._resident = _placed(values.array(), device, sharers)
        self.home = device if self._resident else torch.device("cpu")
        apart = self._whole is not None or device.type == "cuda"
        self.ahead = device if apart and not self._resident else None

    def __len__(self) -> int:
        return len(self._values.shapes)

    def draw(self, positions: Tensor, generator: torch.Generator) -> Tensor:
        """Random parameters [b, p] of the augmentation of the examples at ``positions`` [b]."""
        return self._preparation.draw(positions, generator)

    def fetch(self, positions: Tensor, drawn: Tensor) -> tuple[Tensor, ...]:
        """What `finish` needs of the examples at ``positions`` [b]: tensors on the device."""
        if self._whole is None:
            return (self._collated(positions.numpy(), drawn),)
        if self._resident:
            return positions.to(self.home), drawn.to(self.home)
        values = staging((len(positions), *self._whole.shape[1:]), self._whole.dtype, self._device)
        torch.index_select(self._whole, 0, positions, out=values)
        return moved(values, self._device), moved(drawn, self._device)

    def finish(self, *fetched: Tensor) -> Tensor:
        """Training input of examples that were fetched, by operations on the device alone."""
        if self._whole is None:
            return self._preparation.finished(fetched[0])
        assert isinstance(self._preparation, Gathered)
        first, drawn = fetched
        values, positions = self._whole, first
        if not self._resident:
            values, positions = first, torch.arange(len(first), device=first.device)
        return self._preparation.finished(self._preparation.augmented(values, positions, drawn))

    def augmented(self, positions: Tensor, drawn: Tensor) -> Tensor:
        """Training input of the examples at ``positions`` [b]."""
        return self.finish(*self.fetch(positions, drawn))

    def raw(self, batch: slice) -> Tensor:
        """Consecutive examples as they are evaluated, before normalization; see `Preparation.raw`."""
        return self._preparation.raw(self._consecutive(batch))

    def normalized(self, raw: Tensor) -> Tensor:
        """Evaluation input from what `raw` gave, or what became of it."""
        return self._preparation.normalized(raw)

    def clean(self, batch: slice) -> Tensor:
        """Evaluation input of consecutive examples."""
        return self._preparation.finished(self._consecutive(batch))

    def _consecutive(self, batch: slice) -> Tensor:
        if self._whole is None:
            return self._collated(np.arange(batch.start, batch.stop), None)
        values = self._whole[batch]
        if self._resident:
            return values
        return moved(staging(tuple(values.shape), values.dtype, self._device).copy_(values), self._device)

    def _collated(self, positions: npt.NDArray[np.int64], drawn: Tensor | None) -> Tensor:
        assert isinstance(self._preparation, Collated)
        return self._preparation.collated(self._values.take(positions), drawn, self._device)


def _placed(values: npt.NDArray[Any], device: torch.device, sharers: int) -> tuple[Tensor, bool]:
    """The values [K, ...] as a tensor, and whether they are on the device."""
    with warnings.catch_warnings():  # of memory that all on a machine share and none may write to
        warnings.filterwarnings("ignore", "The given NumPy array is not writable")
        whole = torch.from_numpy(values)
    if has_room(device, whole.nbytes, sharers):
        try:
            return moved_in_pieces(whole, device), True
        except torch.OutOfMemoryError:  # others took it meanwhile
            pass
    return whole, False
