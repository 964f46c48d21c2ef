"""Images of one size in a file that several processes map into memory, so that all hold them once."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch

_AT_ONCE = 1024  # images written at a time: their channels are put last on the way


@dataclass(frozen=True)
class SharedImages:
    """Where the images lie: pixel after pixel with its channels, as training reads them."""

    path: Path
    shape: tuple[int, int, int, int]  # [K, channels, height, width]

    def open(self) -> torch.Tensor:
        """The images, uint8 [K, c, h, w] with their channels last in memory; nothing is read yet."""
        import torch

        num, channels, height, width = self.shape
        flat = torch.from_file(str(self.path), shared=False, size=math.prod(self.shape), dtype=torch.uint8)
        return flat.view(num, height, width, channels).permute(0, 3, 1, 2)


def share_images(images: torch.Tensor, path: Path) -> SharedImages:
    """Write images, uint8 [K, c, h, w], to the file at ``path``, for others to `SharedImages.open`.

    Raises:
        OSError: it cannot be written.
    """
    import torch

    with path.open("wb") as file:
        for part in torch.split(images, _AT_ONCE):
            file.write(np.ascontiguousarray(part.permute(0, 2, 3, 1).numpy()).data)
    num, channels, height, width = images.shape
    return SharedImages(path, (num, channels, height, width))
