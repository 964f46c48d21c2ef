"""How far apart easy, hard and any examples of one class are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from easiness import show
from easiness.analysis import MIN_GROUP, Side
from easiness.store import Row

if TYPE_CHECKING:
    import pandas as pd
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
"""Pairs of sets: the mean of the second is taken from that of the first."""

_SHOWN: tuple[tuple[SetName, str, str], ...] = (
    ("easy", "easy", show.EASY),
    ("all", "any", show.INK),
    ("hard", "hard", show.HARD),
)
_TITLES: dict[Space, str] = {"pixel": "in pixels", "feature": "in features"}
_INPUT = "in input space"  # the title of `pixel` for examples that are no pictures
_NAMES: dict[SetName, str] = {
    "easy": "easy",
    "hard": "hard",
    "random as easy": "random, as many as easy",
    "random as hard": "random, as many as hard",
    "all": "any two",
}
_UNITS: dict[Space, str] = {
    "pixel": "Images after global contrast normalization. Distances are divided by the root of the number of "
    "values: unrelated images are 1.41 apart.",
    "feature": "Input of the classifier layer of trial {trial}. Distances are in units of the root "
    "mean squared norm.",
}
_INPUT_UNIT = "Standardized values. Distances are divided by the root of the number of values."

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
class Similarity(show.Result):
    """The distances that `similarity` found.

    ``classes`` are those that count: with two examples or more in the easy and in the hard set;
    ``num_classes`` is how many there are. ``sizes`` are the examples looked at per set, in these classes,
    and ``smallest`` those of the smallest easy or hard set of a class. ``tie_mass`` is that of the two
    cuts. ``trial`` is the one whose features were read, ``None`` where no features were.
    ``pictures`` tells whether the examples are pictures.
    """

    model: str
    row: Row
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
    pictures: bool = True

    @property
    def decided(self) -> bool:
        """Are there trials enough for the sets to mean something?"""
        return self.num_trials >= MIN_GROUP

    def table(self) -> pd.DataFrame:
        """A row per space and set, and per space and difference."""
        import pandas as pd

        fixed = {
            "model": self.model,
            **self.row.asked,
            "trials": self.num_trials,
            "fraction": self.fraction,
            "classes": len(self.classes),
            "tie_mass_easy": self.tie_mass["easy"],
            "tie_mass_hard": self.tie_mass["hard"],
        }
        rows = []
        for space in self.spaces.values():
            sizes = {name: sum(self.sizes[one] for one in pair) for name, pair in DIFFERENCES.items()}
            of_kind: dict[str, tuple[Mapping[Any, Estimate], Mapping[Any, int]]] = {
                "distance": (space.sets, self.sizes),
                "difference": (space.differences, sizes),
            }
            rows += [
                {
                    "space": space.space,
                    "kind": kind,
                    "name": name,
                    "value": estimate.value,
                    "low": estimate.interval[0],
                    "high": estimate.interval[1],
                    "examples": num[name],
                    **fixed,
                }
                for kind, (estimates, num) in of_kind.items()
                for name, estimate in estimates.items()
            ]
        return pd.DataFrame(rows)

    def figure(self) -> Figure:
        """A panel per space: the mean over classes with its interval, and a faint line for each class."""
        figure, panels = show.new_panels(2.7 * len(self.spaces) + 0.3, 2.9, 1, len(self.spaces))
        at = range(len(_SHOWN))
        for axes, space in zip(panels, self.spaces.values(), strict=True):
            for values in zip(*(space.by_class[name] for name, _, _ in _SHOWN), strict=True):
                axes.plot(at, values, color=show.FAINT, linewidth=0.8)
            for x, (name, _, color) in zip(at, _SHOWN, strict=True):
                value, (low, high) = space.sets[name].value, space.sets[name].interval
                show.draw_curve(
                    axes, show.Curve([x], [value], color=color, errors=[[value - low], [high - value]])
                )
            axes.set_xticks(list(at), [label for _, label, _ in _SHOWN])
            axes.set_xlim(-0.4, len(_SHOWN) - 0.6)
            axes.set_title(self._title(space.space), color=show.INK, fontsize=show.FONT_SIZE, loc="left")
        panels[0].set_ylabel("mean distance within a class", color=show.INK, fontsize=show.FONT_SIZE)
        return figure

    def frames(self) -> list[show.Frame]:
        """Two per space: the distances, and the differences between sets."""
        sets = (
            f"Easiest and hardest {100 * self.fraction:g} % {self.row.at}, {self.num_trials} "
            f"trials of {self.model}, ties refined (tie mass {show.number(self.tie_mass['easy'])} and "
            f"{show.number(self.tie_mass['hard'])}). {self._counted()} "
            "95 % intervals from a bootstrap over examples."
        )
        if not self.decided:
            sets += f" With fewer than {MIN_GROUP} trials nothing is decided."
        random = "Random: a random set of the same size in each class. Below 0: closer to each other."
        table = self.table().assign(decided=self.decided, in_words=lambda rows: rows["name"].replace(_NAMES))
        value = partial(show.numbers, 3, low="low", high="high", decided="decided")
        frames = []
        for space in self.spaces:
            unit, name = _UNITS[space].format(trial=self.trial), f"{space} space"
            if space == "pixel" and not self.pictures:
                unit, name = _INPUT_UNIT, "input space"
            own = {kind: rows for kind, rows in table[table["space"] == space].groupby("kind")}
            distances = {
                "in_words": show.names(title="examples of a class"),
                "value": value(title="mean distance"),
                "examples": show.counts(),
            }
            differences = {"name": show.names(title="difference"), "value": value()}
            frames += [
                show.Frame(
                    f"Mean distance within a class, {name}", f"{unit} {sets}", own["distance"], distances
                ),
                show.Frame(f"Differences, {name}", random, own["difference"], differences),
            ]
        return frames

    def sentence(self) -> str:
        """The distances in pixels in a sentence or two."""
        space = self.spaces["pixel"]
        sets = (space.sets[name] for name in ("easy", "hard", "all"))
        easy, hard, every = (show.with_interval(one.value, *one.interval) for one in sets)
        normalized = "unrelated images are 1.41 apart"
        if not self.pictures:
            normalized = "standardized values"
        text = (
            f"{self._title('pixel').capitalize()}, the mean distance between two examples of a class "
            f"is {easy} among the easiest {100 * self.fraction:g} % of all examples, {hard} among the "
            f"hardest, and {every} among all ({normalized}; 95 % intervals over examples). "
            f"{self._counted()}"
        )
        if not self.decided:
            text += f" With fewer than {MIN_GROUP} trials this decides nothing."
        return text

    def _title(self, space: Space) -> str:
        return _INPUT if space == "pixel" and not self.pictures else _TITLES[space]

    def _counted(self) -> str:
        if len(self.classes) == self.num_classes:
            return f"Each of the {self.num_classes} classes counts equally."
        return (
            f"Only {len(self.classes)} of {self.num_classes} classes have two easy and two hard examples; "
            "each of these counts equally."
        )
