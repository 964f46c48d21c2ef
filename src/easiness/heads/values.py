"""Features of a split as heads read them: in batches, around the mean of the training examples."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from easiness.inputs import Packed

AT_ONCE = 8192  # rows that are widened to single precision


@dataclass(frozen=True, eq=False)
class Rows:
    """The features [K, D] of a split, half or single precision, in memory or in a file.

    Rows are read less ``center`` [D], the mean of the training examples, and times ``scale``, by which these
    have a mean squared length of one. So sums stay small; the columns stay as unlike as they are, since that
    serves features of networks best.
    """

    values: npt.NDArray[np.floating]
    device: torch.device
    center: Tensor
    scale: float

    @classmethod
    def of(cls, packed: Packed, device: torch.device, like: Rows | None = None) -> Rows:
        """The rows of packed vectors: of training examples, or of others ``like`` these."""
        values = packed.array()
        if like is not None:
            return cls(values, device, like.center, like.scale)
        plain = cls(values, device, torch.zeros(values.shape[1], device=device), 1.0)
        sums = torch.zeros(values.shape[1], dtype=torch.float64, device=device)
        squares = torch.zeros((), dtype=torch.float64, device=device)
        for _, x in plain.in_order():
            sums += x.sum(dim=0, dtype=torch.float64)
            squares += x.double().square().sum()
        center = sums / len(plain)
        length = float(squares / len(plain) - center.square().sum())
        return cls(values, device, center.float(), 1 / max(length, 1e-12) ** 0.5)

    def __len__(self) -> int:
        return len(self.values)

    def take(self, positions: npt.NDArray[np.int64] | slice) -> Tensor:
        """The rows at ``positions`` [n, D]."""
        x = torch.from_numpy(np.array(self.values[positions])).to(self.device).float()
        return (x - self.center) * self.scale

    def batches(self, positions: npt.NDArray[np.int64]) -> Iterator[tuple[npt.NDArray[np.int64], Tensor]]:
        """``positions`` in parts, and the rows there."""
        for at in range(0, len(positions), AT_ONCE):
            some = positions[at : at + AT_ONCE]
            yield some, self.take(some)

    def in_order(self) -> Iterator[tuple[int, Tensor]]:
        """All rows, in parts: the position of the first, then they and those after it."""
        for first in range(0, len(self), AT_ONCE):
            yield first, self.take(slice(first, first + AT_ONCE))
