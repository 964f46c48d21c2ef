"""What a network takes and a kind of examples gives."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Signature:
    """One example as network input: its shape without the batch, its type, and how many tokens there are.

    ``shape`` is (channels, height, width) of pictures and (D,) of vectors; ``vocabulary`` is the number of
    tokens where the values are such, and ``None`` elsewhere.
    """

    shape: tuple[int, ...]
    dtype: str = "float32"
    vocabulary: int | None = None
