"""Pseudo patterns: perturbed examples that every fully trained network still classifies correctly."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from easiness.studies.perturbation.observing import ProbeName

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class PseudoLevel:
    """How many of K examples all N networks get right at a level, and how many they would by chance.

    ``accuracy`` [N] is that of each network at the level. ``chance`` is K * (mean accuracy)^N, what N
    independent networks would share; ``chance_product`` is K times the product of the accuracies, never
    more. ``class_chance`` is the sum over classes of n_c * (mean accuracy in c)^N: it is large where all
    networks take everything for the same class. ``interval`` is the 95 % Jeffreys interval of the count.
    """

    level: float
    count: int
    num_examples: int
    accuracy: tuple[float, ...]
    chance: float
    chance_product: float
    class_chance: float
    interval: tuple[float, float]

    @property
    def beyond_chance(self) -> bool | None:
        """Whether the interval is wholly above ``chance``; ``None`` where it contains it."""
        low, high = self.interval
        if low <= self.chance <= high:
            return None
        return low > self.chance


@dataclass(frozen=True)
class Patterns:
    """The examples of a split that all networks of a run still classify correctly at ``level``.

    ``positions`` [n] are those in the split, best first: by the mean probability of their label over
    networks, ``p_label`` [n]; ``ids`` and ``labels`` [n] go with them. ``levels`` has the counts at every
    level asked for, ``level`` among them.
    """

    run: str
    model: str
    epoch: int
    kind: str
    axis: str
    probe: ProbeName
    seed: int
    num_trials: int
    classes: tuple[str, ...]
    level: float
    levels: list[PseudoLevel]
    positions: npt.NDArray[np.int64] = field(repr=False)
    ids: npt.NDArray[Any] = field(repr=False)
    labels: npt.NDArray[np.int64] = field(repr=False)
    p_label: npt.NDArray[np.float64] = field(repr=False)

    @property
    def at_level(self) -> PseudoLevel:
        """The counts at ``level``."""
        return next(one for one in self.levels if one.level == self.level)

    def shown(self, num: int) -> npt.NDArray[np.int64]:
        """Indices of the ``num`` patterns to show: the best of each class in turn, put class by class."""
        turn = np.empty(len(self.labels), np.int64)
        for label in np.unique(self.labels):
            members = np.flatnonzero(self.labels == label)
            turn[members] = np.arange(len(members))
        chosen = np.lexsort((self.labels, turn))[:num]
        return chosen[np.lexsort((turn[chosen], self.labels[chosen]))]

    def table(self) -> pd.DataFrame:
        """A row for each level."""
        import pandas as pd

        rows = [
            {
                "kind": self.kind,
                "level": one.level,
                "probe": self.probe,
                "model": self.model,
                "epoch": self.epoch,
                "num_trials": self.num_trials,
                "num_examples": one.num_examples,
                "count": one.count,
                "low": one.interval[0],
                "high": one.interval[1],
                "chance": one.chance,
                "chance_product": one.chance_product,
                "class_chance": one.class_chance,
                "accuracy": float(np.mean(one.accuracy)),
                "accuracy_least": min(one.accuracy),
                "accuracy_most": max(one.accuracy),
            }
            for one in self.levels
        ]
        return pd.DataFrame(rows)
