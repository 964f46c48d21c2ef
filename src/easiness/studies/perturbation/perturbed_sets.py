"""A curve of matching rates and accuracy against the level of a perturbation."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from easiness.analysis import Side, Ties
from easiness.errors import BadInput
from easiness.studies.perturbation.match import PerturbedMatch, loss_between

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class PerturbedSets:
    """Matching rates and accuracy of the networks of a run, against the level of a perturbation.

    ``levels`` go from ``neutral``, which changes nothing, to the strongest (those of a kind with
    levels on both sides of it ascend); ``axis`` names them. ``matches`` are ordered by policy for ties,
    side and level. ``accuracy`` has an array [trials, levels] of shares in [0, 1] for ``train`` (the
    examples trained on) and, where there are any, ``left_out`` and ``held_out``. ``num_silent`` says
    for each level how many trials get no example of the training split right there, ``changes_nothing``
    that all levels are alike to the networks, as color is where images are grey. Everything is of the
    run's last epoch, ``epoch``, since the weights are.
    """

    run: str
    model: str
    epoch: int
    trials: tuple[int, ...]
    num_examples: int
    num_classes: int
    kind: str
    axis: str
    levels: tuple[float, ...]
    neutral: float
    fraction: float
    seed: int
    matches: list[PerturbedMatch]
    accuracy: dict[str, npt.NDArray[np.float64]]
    num_silent: dict[float, int]
    changes_nothing: bool

    @property
    def chance_accuracy(self) -> float:
        """That of guessing a class."""
        return 1 / self.num_classes

    @property
    def sides(self) -> tuple[Side, ...]:
        """The sides compared."""
        return tuple(dict.fromkeys(match.side for match in self.matches))

    @property
    def ties(self) -> tuple[Ties, ...]:
        """The policies for ties."""
        return tuple(dict.fromkeys(match.ties for match in self.matches))

    def at(self, level: float, side: Side, ties: Ties) -> PerturbedMatch:
        """The match at a level.

        Raises:
            BadInput: the curve has no such point.
        """
        for match in self.matches:
            if (match.side, match.ties) == (side, ties) and math.isclose(match.level, level, abs_tol=1e-9):
                return match
        shown = ", ".join(f"{one:g}" for one in self.levels)
        raise BadInput(
            f"{self.kind} curve: has no level {level:g} for {side} examples under {ties}; it has {shown}"
        )

    def line(self, side: Side, ties: Ties) -> list[PerturbedMatch]:
        """The matches of one side and policy, in the order of ``levels``."""
        return [match for match in self.matches if (match.side, match.ties) == (side, ties)]

    def ceiling(self, side: Side, ties: Ties) -> float:
        """The matching rate between groups at the neutral level; NaN where there is none."""
        groups = self.at(self.neutral, side, ties).groups
        return math.nan if groups is None else groups.rate

    def mean_accuracy(self, split: str) -> npt.NDArray[np.float64]:
        """Over trials, at each level [L]."""
        mean: npt.NDArray[np.float64] = self.accuracy[split].mean(axis=0)
        return mean

    def accuracy_se(self, split: str) -> npt.NDArray[np.float64]:
        """Standard error of the mean accuracy over trials, [L]; NaN with one trial."""
        values = self.accuracy[split]
        if len(values) == 1:
            return np.full(values.shape[1], np.nan)
        deviation: npt.NDArray[np.float64] = values.std(axis=0, ddof=1) / math.sqrt(len(values))
        return deviation

    def table(self) -> pd.DataFrame:
        """A row for each level, side and policy; NaN where there is no value."""
        import pandas as pd

        return pd.DataFrame([self._row(match) for match in self.matches])

    def _row(self, match: PerturbedMatch) -> dict[str, Any]:
        at = self.levels.index(match.level)
        loss = loss_between(self.at(self.neutral, match.side, match.ties), match)
        same, groups = match.same_models, match.groups
        row: dict[str, Any] = {
            "kind": self.kind,
            "level": match.level,
            "neutral": match.level == self.neutral,
            "side": match.side,
            "ties": match.ties,
            "model": self.model,
            "epoch": self.epoch,
            "num_trials": len(self.trials),
            "num_examples": self.num_examples,
            "fraction": self.fraction,
            "num_silent": self.num_silent[match.level],
            "same_models_rate": same and same.rate,
            "same_models_chance": same and same.chance,
            "same_models_class_chance": same and same.class_chance,
            "same_models_tie_mass_regular": same and same.tie_mass[0],
            "same_models_tie_mass_perturbed": same and same.tie_mass[1],
            "same_models_size_regular": same and same.sizes[0],
            "same_models_size_perturbed": same and same.sizes[1],
            "rate": groups and groups.rate,
            "low": groups and groups.interval[0],
            "high": groups and groups.interval[1],
            "bias": groups and groups.bias,
            "decided": groups is not None and groups.decided,
            "group_size": groups and groups.group_size,
            "num_splits": groups and groups.num_splits,
            "num_empty": groups and groups.num_empty,
            "chance": groups and groups.chance,
            "class_chance": groups and groups.class_chance,
            "tie_mass_regular": groups and groups.tie_mass[0],
            "tie_mass_perturbed": groups and groups.tie_mass[1],
            "lost": loss.value,
            "lost_low": loss.interval[0],
            "lost_high": loss.interval[1],
        }
        for split in self.accuracy:
            row[f"{split}_accuracy"] = self.mean_accuracy(split)[at]
            row[f"{split}_accuracy_se"] = self.accuracy_se(split)[at]
        row["accuracy_chance"] = self.chance_accuracy
        return {name: math.nan if value is None else value for name, value in row.items()}
