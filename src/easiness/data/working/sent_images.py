"""Images of one size that travel with the value, for machines that see none of this one's files."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, eq=False)
class SentImages:
    """``pixels``, uint8 [K, height, width, channels]: sent without a copy where arrays are."""

    pixels: npt.NDArray[np.uint8]

    @classmethod
    def of(cls, images: torch.Tensor) -> SentImages:
        """Of images, uint8 [K, c, h, w]."""
        return cls(np.ascontiguousarray(images.permute(0, 2, 3, 1).numpy()))

    def open(self) -> torch.Tensor:
        """The images, uint8 [K, c, h, w] with their channels last in memory; do not write to them."""
        import torch

        with warnings.catch_warnings():  # of memory that all on a machine share and none may write to
            warnings.filterwarnings("ignore", "The given NumPy array is not writable")
            return torch.from_numpy(self.pixels).permute(0, 3, 1, 2)
