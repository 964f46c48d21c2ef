"""torch, which loads when something of it is first used, as the libraries of `easiness.lazy`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from easiness.lazy import Lazy

if TYPE_CHECKING:
    import torch
    from safetensors import torch as safetensors
    from torch import Tensor, nn
else:
    torch, nn, safetensors = map(Lazy, ("torch", "torch.nn", "safetensors.torch"))
    Tensor = Any

__all__ = ["Tensor", "nn", "safetensors", "torch"]
