"""Pictures as a frozen network wants them: in color, of its size, normalized."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from easiness.inputs import Pixels, to_pil

RULE = 1
"""Of the preparation: a change in what it gives makes other features."""


@dataclass(frozen=True)
class Preparation:
    """How a network wants pictures.

    A picture whose short side is larger than ``size`` (height, width) is resized and its middle taken, so
    that ``kept`` of it is seen along the short side; any other is resized to the whole size. Values in [0, 1]
    less ``mean`` are divided by ``std``.
    """

    size: tuple[int, int]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    kept: float = 1.0
    interpolation: str = "bicubic"

    def identity(self) -> dict[str, Any]:
        """All that the result depends on."""
        return {"rule": RULE, **asdict(self)}

    def prepared(self, pixels: Pixels) -> npt.NDArray[np.uint8]:
        """The picture [height, width, channels] in three channels: [3, *size]."""
        height, width = self.size
        if pixels.shape[:2] != self.size:
            pixels = self._resized(pixels)
        return np.array(np.broadcast_to(pixels.transpose(2, 0, 1), (3, height, width)))

    def _resized(self, pixels: Pixels) -> Pixels:
        from PIL import Image

        filters = {"bilinear": Image.Resampling.BILINEAR, "nearest": Image.Resampling.NEAREST}
        kind = filters.get(self.interpolation, Image.Resampling.BICUBIC)
        height, width = self.size
        made = to_pil(pixels).resize((width, height), kind, self._box(*pixels.shape[:2]))
        resized = np.array(made)
        return resized[..., None] if resized.ndim == 2 else resized

    def _box(self, height: int, width: int) -> tuple[float, float, float, float] | None:
        """Left, top, right and bottom of what is seen of a picture; ``None`` for all of it."""
        if min(height, width) <= min(self.size):
            return None
        # the part of the picture's form that, resized, has the wanted size
        scale = self.kept * min(height / self.size[0], width / self.size[1])
        tall, wide = scale * self.size[0], scale * self.size[1]
        top, left = (height - tall) / 2, (width - wide) / 2
        return left, top, left + wide, top + tall

    def normalizing(self) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """What prepared values are multiplied by, and what is added then: [3, 1, 1] each."""
        mean, std = (np.array(one, np.float64)[:, None, None] for one in (self.mean, self.std))
        return (1 / (255 * std)).astype(np.float32), (-mean / std).astype(np.float32)
