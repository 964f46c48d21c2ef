"""Packed examples of one split as input of a network, in batches.

Values move from the host to a device without waiting, while the device works on the batch before.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar, cast

import numpy as np
import torch
from torch import Tensor

from easiness.inputs.pack import Pack, Value, Values
from easiness.lazy import Array, Integers

Item = TypeVar("Item")

_END = object()


class EvaluationInput(Protocol):
    """Examples to evaluate; ``ahead`` is the device for which `fetched_ahead` gains something."""

    @property
    def ahead(self) -> torch.device | None: ...

    def __len__(self) -> int: ...

    def clean(self, batch: slice) -> Tensor: ...


class Preparation:
    """The way of stored examples, ``values`` [b, ...], to network input; by default as they are.

    A draw for an example is a row of whole numbers. Examples of one shape are gathered in one tensor.
    """

    is_gathered = True

    def draw(self, positions: Tensor, generator: torch.Generator) -> Tensor:  # noqa: ARG002
        """Random parameters [b, p] (int64) of the augmentation of the examples at ``positions`` [b]."""
        return torch.zeros(len(positions), 0, dtype=torch.int64)

    def augmented(self, values: Tensor, positions: Tensor, draws: Tensor) -> Tensor:  # noqa: ARG002
        """The examples at ``positions`` [b] of ``values`` [K, ...], augmented as drawn."""
        return values.index_select(0, positions)

    def collate(self, values: list[Value], draws: Tensor | None, device: torch.device) -> Tensor:
        """Examples [b, ...] on the device, augmented as drawn, or as they are evaluated without."""
        raise NotImplementedError

    def raw(self, values: Tensor) -> Tensor:
        """The examples as a perturbation takes them: pictures as float [b, c, h, w] in [0, 1]."""
        return values

    def normalized(self, raw: Tensor) -> Tensor:
        return raw.to(torch.float32)

    def finish(self, values: Tensor) -> Tensor:
        return self.normalized(self.raw(values))


class TensorBank:
    """Examples of one split as network input.

    Examples of one shape are on the device if it has room for them, others on the host. ``home`` is the
    device of positions and draws.
    """

    def __init__(
        self, values: Values, preparation: Preparation, device: torch.device, *, sharers: int = 1
    ) -> None:
        """Each of ``sharers`` processes may use its part of the memory of the device."""
        self._values = values
        self._preparation = preparation
        self._device = device
        self._whole: Tensor | None = None
        self._resident = False
        if preparation.is_gathered:
            assert isinstance(values, Pack)
            self._whole, self._resident = _place(values.array(), device, sharers)
        self.home = device if self._resident else torch.device("cpu")
        apart = self._whole is not None or device.type == "cuda"
        self.ahead = device if apart and not self._resident else None

    def __len__(self) -> int:
        return len(self._values.shapes)

    def draw(self, positions: Tensor, generator: torch.Generator) -> Tensor:
        return self._preparation.draw(positions, generator)

    def fetch(self, positions: Tensor, draws: Tensor) -> tuple[Tensor, ...]:
        """Arguments of `finish` for the examples at ``positions`` [b]: tensors on the device."""
        if self._whole is None:
            return (self._collate(positions.numpy(), draws),)
        if self._resident:
            return positions.to(self.home), draws.to(self.home)
        values = staging((len(positions), *self._whole.shape[1:]), self._whole.dtype, self._device)
        torch.index_select(self._whole, 0, positions, out=values)
        return move(values, self._device), move(draws, self._device)

    def finish(self, *tensors: Tensor) -> Tensor:
        """Training input of the examples in ``tensors``, by operations on the device alone."""
        if self._whole is None:
            return self._preparation.finish(tensors[0])
        first, draws = tensors
        values, positions = self._whole, first
        if not self._resident:
            values, positions = first, torch.arange(len(first), device=first.device)
        return self._preparation.finish(self._preparation.augmented(values, positions, draws))

    def augmented(self, positions: Tensor, draws: Tensor) -> Tensor:
        return self.finish(*self.fetch(positions, draws))

    def raw(self, batch: slice) -> Tensor:
        """Consecutive examples as they are evaluated, before normalization; see `Preparation.raw`."""
        return self._preparation.raw(self._consecutive(batch))

    def normalized(self, raw: Tensor) -> Tensor:
        return self._preparation.normalized(raw)

    def clean(self, batch: slice) -> Tensor:
        return self._preparation.finish(self._consecutive(batch))

    def _consecutive(self, batch: slice) -> Tensor:
        if self._whole is None:
            return self._collate(np.arange(batch.start, batch.stop), None)
        values = self._whole[batch]
        if self._resident:
            return values
        return move(staging(tuple(values.shape), values.dtype, self._device).copy_(values), self._device)

    def _collate(self, positions: Integers, draws: Tensor | None) -> Tensor:
        return self._preparation.collate(self._values.take(positions), draws, self._device)


def _place(values: Array, device: torch.device, sharers: int) -> tuple[Tensor, bool]:
    with warnings.catch_warnings():  # memory that processes share is read-only
        warnings.filterwarnings("ignore", "The given NumPy array is not writable")
        whole = torch.from_numpy(values)
    if has_room(device, whole.nbytes, sharers):
        try:
            return whole.to(device), True
        except torch.OutOfMemoryError:  # other processes took the memory meanwhile
            pass
    return whole, False


def _is_apart(device: torch.device) -> bool:
    return device.type == "cuda"


def staging(shape: tuple[int, ...], dtype: torch.dtype, device: torch.device) -> Tensor:
    return torch.empty(shape, dtype=dtype, pin_memory=_is_apart(device))


def move(values: Tensor, device: torch.device) -> Tensor:
    """Copy the values to the device without waiting; do not write over values in `staging` memory."""
    if _is_apart(device) and values.device.type == "cpu":
        values = values.pin_memory()
    return values.to(device, non_blocking=_is_apart(device))


def has_room(device: torch.device, num_bytes: int, sharers: int = 1) -> bool:
    """Does the part of each of ``sharers`` hold the examples twice, to leave room for training?"""
    if device.type == "mps":
        whole = torch.mps.recommended_max_memory()
        free = whole - torch.mps.driver_allocated_memory()
    elif device.type == "cuda":
        free, whole = torch.cuda.mem_get_info(device)
    else:
        return True
    return 2 * num_bytes <= min(free, whole // sharers)


def fetched_ahead(items: Iterator[Item], device: torch.device | None) -> Iterator[Item]:
    """Yield the items; with a ``device`` a thread takes the next one ahead of its use."""
    if device is None:
        yield from items
        return
    with ThreadPoolExecutor(1) as pool:
        following = pool.submit(next, items, _END)
        while (item := following.result()) is not _END:
            following = pool.submit(next, items, _END)
            yield cast(Item, item)
