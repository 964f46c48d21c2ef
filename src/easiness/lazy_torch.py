"""torch, which loads when something of it is first used, as the libraries of `easiness.lazy`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from easiness.lazy import Lazy

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn
else:
    torch, nn = Lazy("torch"), Lazy("torch.nn")
    Tensor = Any

__all__ = ["Tensor", "nn", "torch"]
