"""A curve of matching rates and accuracy against the level of a perturbation."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from easiness.analysis import MIN_GROUP, Side, Ties
from easiness.errors import BadInput
from easiness.paper.perturbation.figure import draw_perturbation
from easiness.paper.perturbation.match import Loss, PerturbedMatch, loss_between
from easiness.show import Result, Section, interval_text, marked, number, plus_minus
from easiness.store import Row

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class PerturbationCurve(Result):
    """Matching rates and accuracy of the networks of a run, against the level of a perturbation.

    ``levels`` go from ``neutral``, which changes nothing, to the strongest (those of a kind with
    levels on both sides of it ascend); ``axis`` names them. ``matches`` are ordered by policy for ties,
    side and level. ``accuracy`` has an array [trials, levels] of shares in [0, 1] for ``train`` (the
    examples trained on) and, where there are any, ``left_out`` and ``held_out``. ``num_silent`` says
    for each level how many trials get no example of the training split right there, ``changes_nothing``
    that all levels are alike to the networks, as color is where images are grey. Everything is of the
    run's last epoch, ``epoch``, since the weights are; of heads on features, of their largest ``share``.
    ``nouns`` are what people call the examples.
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
    share: float | None = None
    nouns: str = "pictures"

    @property
    def row(self) -> Row:
        """The epoch or share that everything is of."""
        return Row(self.epoch, self.share)

    @property
    def chance_accuracy(self) -> float:
        """Accuracy of guessing a class."""
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
        """The match at a level."""
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

    def lost(self, level: float, side: Side = "easy", ties: Ties = "refine") -> Loss:
        """The matching rate between disjoint groups at the neutral level, less that at ``level``."""
        return loss_between(self.at(self.neutral, side, ties), self.at(level, side, ties))

    def mean_accuracy(self, split: str) -> npt.NDArray[np.float64]:
        """Mean accuracy over trials, at each level [L]."""
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
        loss = self.lost(match.level, match.side, match.ties)
        same, groups = match.same_models, match.groups
        row: dict[str, Any] = {
            "kind": self.kind,
            "level": match.level,
            "neutral": match.level == self.neutral,
            "side": match.side,
            "ties": match.ties,
            "model": self.model,
            **self.row.asked,
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

    def figure(self) -> Figure:
        """Figure 2, see `draw_perturbation`."""
        return draw_perturbation(self)

    def sections(self) -> list[Section]:
        """The tables of `easiness perturb`: each side under each policy for ties, then accuracy."""
        tables = [_matching(self, side, ties) for ties in self.ties for side in self.sides]
        return [*tables, _accuracy(self)]


def level_text(level: float) -> str:
    """A level as the tables have it."""
    return f"{level:.4g}"


def _matching(curve: PerturbationCurve, side: Side, ties: Ties) -> Section:
    rows = [
        [
            curve.axis,
            "rate",
            "95 % interval",
            "lost",
            "95 % of lost",
            "trials a group",
            "chance",
            "class chance",
            "tie mass",
            "set sizes",
            "same models",
            "tie mass of same",
        ]
    ]
    rows += [_row(curve, match) for match in curve.line(side, ties)]
    nothing = f" These perturbations change nothing in these {curve.nouns}." if curve.changes_nothing else ""
    silent = " undefined: some trial gets no example right." if any(curve.num_silent.values()) else ""
    return Section(
        f"{curve.model} under {curve.kind}: {side} examples, fraction {curve.fraction:g}, {ties}",
        f"Matching rates of the sets from regular and from perturbed examples {curve.row.at}. Rate: "
        "between disjoint groups of trials; at the level that changes nothing "
        f"({level_text(curve.neutral)}) it is the noise ceiling. Lost: how much of that ceiling, with "
        "the same trials at both levels. Same models: all trials see both; its tie mass is the last column. "
        f"? marks groups of fewer than {MIN_GROUP} trials, which decide nothing." + nothing + silent,
        rows,
    )


def _row(curve: PerturbationCurve, match: PerturbedMatch) -> list[str]:
    level, groups, same = level_text(match.level), match.groups, match.same_models
    if same is None:
        return [level, "undefined", *[""] * 8, "undefined", ""]
    if groups is None:
        cells = ["none", "", "", "", "", number(same.chance), number(same.class_chance), "", ""]
    else:
        loss = curve.lost(match.level, match.side, match.ties)
        cells = [
            marked(number(groups.rate) or "empty", groups.decided),
            interval_text(*groups.interval),
            number(loss.value),
            interval_text(*loss.interval),
            str(groups.group_size),
            number(groups.chance),
            number(groups.class_chance),
            _pair(groups.tie_mass, 2),
            _pair(groups.sizes, 0),
        ]
    return [level, *cells, number(same.rate) or "empty", _pair(same.tie_mass, 2)]


def _pair(values: tuple[float, float], digits: int) -> str:
    return " ".join(number(value, digits) for value in values)


def _accuracy(curve: PerturbationCurve) -> Section:
    splits = list(curve.accuracy)
    rows = [[curve.axis, *(split.replace("_", "-") for split in splits), "chance"]]
    for at, level in enumerate(curve.levels):
        cells = [plus_minus(curve.mean_accuracy(split)[at], curve.accuracy_se(split)[at]) for split in splits]
        rows.append([level_text(level), *cells, number(curve.chance_accuracy, 3)])
    return Section(
        f"{curve.model} under {curve.kind}: accuracy",
        f"Mean over {len(curve.trials)} trials ± its standard error, {curve.row.at}.",
        rows,
    )
