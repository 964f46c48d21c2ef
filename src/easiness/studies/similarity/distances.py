"""How far apart easy, hard and any examples of one class are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import numpy.typing as npt

from easiness import show
from easiness.analysis import MIN_GROUP, Side
from easiness.store import Row

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
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

    def figure(self) -> Figure:
        """A panel per space: the mean over classes with its interval, and a faint line for each class."""
        from matplotlib.figure import Figure

        figure = Figure(figsize=(2.7 * len(self.spaces) + 0.3, 2.9), layout="constrained")
        panels = figure.subplots(1, len(self.spaces), squeeze=False)[0]
        for axes, space in zip(panels, self.spaces.values(), strict=True):
            _draw_space(axes, space, self._title(space.space))
        panels[0].set_ylabel("mean distance within a class", color=show.INK, fontsize=show.FONT_SIZE)
        return figure

    def sections(self) -> list[show.Section]:
        """Two tables per space: the distances, and the differences between sets."""
        sets = (
            f"Easiest and hardest {100 * self.fraction:g} % {self.row.at}, {self.num_trials} "
            f"trials of {self.model}, ties refined (tie mass {show.number(self.tie_mass['easy'])} and "
            f"{show.number(self.tie_mass['hard'])}). {self._counted()} "
            "95 % intervals from a bootstrap over examples."
        )
        if not self.decided:
            sets += f" With fewer than {MIN_GROUP} trials nothing is decided."
        sections = []
        for space in self.spaces.values():
            rows = [["examples of a class", "mean distance", "95 % interval", "examples"]]
            rows += [
                [_NAMES[name], *_cells(space.sets[name], self.decided), str(self.sizes[name])]
                for name in SETS
            ]
            unit = _UNITS[space.space].format(trial=self.trial)
            name = f"{space.space} space"
            if space.space == "pixel" and not self.pictures:
                unit, name = _INPUT_UNIT, "input space"
            sections.append(show.Section(f"Mean distance within a class, {name}", f"{unit} {sets}", rows))
            rows = [["difference", "value", "95 % interval"]]
            rows += [[name, *_cells(space.differences[name], self.decided)] for name in DIFFERENCES]
            sections.append(
                show.Section(
                    f"Differences, {name}",
                    "Random: a random set of the same size in each class. Below 0: closer to each other.",
                    rows,
                )
            )
        return sections

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


def _draw_space(axes: Axes, space: SpaceDistances, title: str) -> None:
    show.quiet(axes)
    at = range(len(_SHOWN))
    for values in zip(*(space.by_class[name] for name, _, _ in _SHOWN), strict=True):
        axes.plot(at, values, color=show.FAINT, linewidth=0.8)
    for x, (name, _, color) in zip(at, _SHOWN, strict=True):
        mean = space.sets[name]
        low, high = mean.interval
        axes.errorbar(
            x,
            mean.value,
            [[max(0, mean.value - low)], [max(0, high - mean.value)]],
            fmt="o",
            color=color,
            markersize=6,
            capsize=3,
            linewidth=1.6,
        )
    axes.set_xticks(list(at), [label for _, label, _ in _SHOWN])
    axes.set_xlim(-0.4, len(_SHOWN) - 0.6)
    axes.set_title(title, color=show.INK, fontsize=show.FONT_SIZE, loc="left")


def _cells(estimate: Estimate, decided: bool) -> list[str]:
    return [show.marked(show.number(estimate.value, 3), decided), show.interval_text(*estimate.interval, 3)]
