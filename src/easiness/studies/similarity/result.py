"""How far apart easy, hard and any examples of one class are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import numpy.typing as npt

from easiness.show import Result, Section
from easiness.studies.similarity.figure import draw_similarity
from easiness.studies.similarity.found import Distances
from easiness.studies.similarity.sections import similarity_sections

if TYPE_CHECKING:
    from matplotlib.figure import Figure


Space = Literal["pixel", "feature"]
SetName = Literal["easy", "hard", "random as easy", "random as hard", "all"]
SPACES: tuple[Space, ...] = get_args(Space)
SETS: tuple[SetName, ...] = get_args(SetName)
DIFFERENCES: dict[str, tuple[SetName, SetName]] = {
    "easy - random": ("easy", "random as easy"),
    "hard - random": ("hard", "random as hard"),
    "hard - easy": ("hard", "easy"),
    "easy - all": ("easy", "all"),
    "hard - all": ("hard", "all"),
}
"""Which set's mean is taken from which."""

_Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Similarity(Distances, Result):
    """`Distances`, to be shown."""

    def figure(self) -> Figure:
        """See `draw_similarity`."""
        return draw_similarity(self)

    def sections(self) -> list[Section]:
        """Two tables per space: the distances, and the differences between sets."""
        return similarity_sections(self)
