"""Color: every pixel moved towards its grey."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from easiness.errors import BadInput
from easiness.perturb.kind import Ids, Kind, as_batch


@dataclass(frozen=True)
class Color:
    """X_a = a X + (1 - a) Grey, with Grey the mean of the channels (Kishida and Nakayama 2019, Eq. 3).

    ``alpha`` is in [0, 1]: 1 changes nothing, 0 makes all channels equal. Images of one channel are
    grey already and stay as they are.

    Raises:
        BadInput: alpha outside [0, 1].
    """

    alpha: float

    def __post_init__(self) -> None:
        if not 0 <= self.alpha <= 1:
            raise BadInput(f"color alpha {self.alpha}: not in [0, 1]; 1 keeps the color, 0 leaves grey")

    def __call__(self, images: Tensor, *, ids: Ids | None = None) -> Tensor:
        """The images [b, c, h, w], with values in the range that they had; ``ids`` do not matter."""
        images = as_batch(images, ids)
        if self.alpha == 1 or images.shape[1] == 1:
            return images
        return self.alpha * images + (1 - self.alpha) * images.mean(1, keepdim=True)


COLOR = Kind(
    "color",
    Color,
    (0, 0.25, 0.5, 0.75, 1),
    neutral=1,
    label="alpha",
    clamped=False,
    digest="cb2874cdf0f53ae0345319ccd042958bb0105d7b2b6a87bbb3d9fed22e58d8ae",
)
