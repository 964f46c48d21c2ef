"""How vectors become network input: as they are, since they are standardized when they are packed."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class AsTheyAre:
    """Vectors [K, D] in float32; nothing is drawn for them."""

    def draw(self, positions: Tensor, generator: torch.Generator) -> Tensor:  # noqa: ARG002
        """Nothing: [b, 0]."""
        return torch.zeros(len(positions), 0, dtype=torch.int64)

    def augmented(self, values: Tensor, positions: Tensor, drawn: Tensor) -> Tensor:  # noqa: ARG002
        """The vectors at ``positions`` [b]."""
        return values.index_select(0, positions)

    def raw(self, values: Tensor) -> Tensor:
        """The vectors."""
        return values

    def normalized(self, raw: Tensor) -> Tensor:
        """The vectors in single precision."""
        return raw.to(torch.float32)

    def finished(self, values: Tensor) -> Tensor:
        """The vectors."""
        return values
