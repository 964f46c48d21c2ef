"""How far apart easy, hard and any examples of one class are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import numpy.typing as npt

from easiness.analysis import MIN_GROUP, Side

if TYPE_CHECKING:
    import pandas as pd


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
class Estimate:
    """A mean distance, or a difference of two, with its 95 % bootstrap interval over examples."""

    value: float
    interval: tuple[float, float]


@dataclass(frozen=True)
class SpaceDistances:
    """Mean distances in one space: of each of `SETS`, their `DIFFERENCES`, and each class alone [C]."""

    space: Space
    sets: dict[SetName, Estimate]
    differences: dict[str, Estimate]
    by_class: dict[SetName, _Floats]


@dataclass(frozen=True)
class Distances:
    """What `similarity` found.

    ``classes`` are those that count: with two examples or more in the easy and in the hard set;
    ``num_classes`` is how many there are. ``sizes`` are the examples looked at per set, in these classes,
    and ``smallest`` those of the smallest easy or hard set of a class. ``tie_mass`` is that of the two
    cuts. ``trial`` is the one whose features were read, ``None`` where no features were.
    """

    model: str
    epoch: int
    num_trials: int
    fraction: float
    tie_mass: dict[Side, float]
    classes: tuple[str, ...]
    num_classes: int
    at_most: int
    sizes: dict[SetName, int]
    smallest: int
    trial: int | None
    spaces: dict[Space, SpaceDistances]

    @property
    def decided(self) -> bool:
        """Are there trials enough for the sets to mean something?"""
        return self.num_trials >= MIN_GROUP

    def table(self) -> pd.DataFrame:
        """A row per space and set, and per space and difference."""
        import pandas as pd

        fixed = {
            "model": self.model,
            "epoch": self.epoch,
            "trials": self.num_trials,
            "fraction": self.fraction,
            "classes": len(self.classes),
            "tie_mass_easy": self.tie_mass["easy"],
            "tie_mass_hard": self.tie_mass["hard"],
        }
        rows = []
        for space in self.spaces.values():
            named: list[tuple[str, str, Estimate, int]] = [
                ("distance", name, estimate, self.sizes[name]) for name, estimate in space.sets.items()
            ]
            for name, estimate in space.differences.items():
                both = sum(self.sizes[part] for part in DIFFERENCES[name])
                named.append(("difference", name, estimate, both))
            rows += [
                {
                    "space": space.space,
                    "kind": kind,
                    "name": name,
                    "value": estimate.value,
                    "low": estimate.interval[0],
                    "high": estimate.interval[1],
                    "examples": size,
                    **fixed,
                }
                for kind, name, estimate, size in named
            ]
        return pd.DataFrame(rows)
