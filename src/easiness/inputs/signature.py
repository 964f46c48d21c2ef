"""The input that a network takes and a kind gives; light, since the help of commands names networks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Signature:
    """One example as network input: its shape without the batch, its type, and how many tokens there are.

    ``shape`` is (channels, height, width) of pictures, (D,) of vectors and (L,) of texts; ``vocabulary`` is
    the number of tokens where the values are such (int64, 0 for padding), and ``None`` elsewhere.
    """

    shape: tuple[int, ...]
    dtype: str = "float32"
    vocabulary: int | None = None

    @classmethod
    def of(cls, given: Signature | tuple[int, ...]) -> Signature:
        """The signature; a shape stands for that of float32 values."""
        return given if isinstance(given, Signature) else cls(tuple(given))

    def blank(self, num: int = 1, device: torch.device | None = None) -> torch.Tensor:
        """So many examples with nothing in them: zeros, or the first token over and over."""
        import torch

        dtype = getattr(torch, self.dtype)
        return torch.full((num, *self.shape), int(self.vocabulary is not None), dtype=dtype, device=device)
