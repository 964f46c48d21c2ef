"""A curve of matching rates and accuracy against the level of a perturbation, and what is lost of them."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from easiness import show
from easiness.analysis import MIN_GROUP, GroupMatch, Match, Rule, Side, Ties, Votes, match_groups
from easiness.errors import BadInput
from easiness.lazy import Axes, Figure, pd
from easiness.paper.claims import Contrast
from easiness.store import Row

MANY_LEVELS = 6
"""Levels beyond which their names need a smaller letter."""
_SIDES: dict[Side, tuple[str, str]] = {"easy": (show.EASY, "o"), "hard": (show.HARD, "s")}
_SPLITS = {
    "train": (show.TRAIN, "o", "-"),
    "left_out": (show.LEFT_OUT, "^", "-."),
    "held_out": (show.HELD_OUT, "s", "--"),
}
_Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class PerturbedMatch:
    """How a set of regular examples matches that of examples perturbed at ``level``.

    ``same_models``: one set of models, all trials, saw both, as in the paper; NaN in its place is
    ``None``. ``groups``: disjoint groups of trials saw the one and the other, so that the value at the
    neutral level is the noise ceiling; ``None`` with one trial. Both are ``None`` where easiness is
    undefined, since some trial gets no example right at this level. ``replicates`` [R] are the bootstrap
    rates behind ``groups.interval``: those of one run and seed are of the same trials at every level.
    """

    level: float
    side: Side
    ties: Ties
    same_models: Match | None
    groups: GroupMatch | None
    replicates: _Floats = field(repr=False, compare=False)

    @property
    def rates(self) -> tuple[float, float, float]:
        """The rate between groups with the ends of its interval, NaN where there is none."""
        nothing = (math.nan, math.nan, math.nan)
        return nothing if self.groups is None else (self.groups.rate, *self.groups.interval)


@dataclass(frozen=True)
class PerturbationCurve(show.Result):
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
    accuracy: dict[str, _Floats]
    num_silent: dict[float, int]
    changes_nothing: bool
    share: float | None = None
    nouns: str = "pictures"

    @property
    def row(self) -> Row:
        """The epoch or share that everything is of."""
        return Row(self.epoch, self.share)

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
        return self.at(self.neutral, side, ties).rates[0]

    def _lost(self, level: float, side: Side, ties: Ties) -> tuple[float, _Floats, bool]:
        """The loss up to a level, its replicates [R], and whether the groups are large enough to decide."""
        before, after = self.at(self.neutral, side, ties), self.at(level, side, ties)
        decided = before.groups is not None and after.groups is not None and after.groups.decided
        return before.rates[0] - after.rates[0], before.replicates - after.replicates, decided

    def lost(self, level: float, side: Side = "easy", ties: Ties = "refine") -> Contrast:
        """The matching rate between disjoint groups at the neutral level, less that at ``level``."""
        return _loss(*self._lost(level, side, ties))

    def lost_more(self, level: float, other: PerturbationCurve, level_of_other: float) -> Contrast:
        """How much more of easy sets is lost at a level than at one of another curve of the same run.

        Below 0 where this costs less. Each replicate takes the same trials for both.
        """
        value, replicates, decided = self._lost(level, "easy", "refine")
        value_b, replicates_b, decided_b = other._lost(level_of_other, "easy", "refine")
        return _loss(value - value_b, replicates - replicates_b, decided and decided_b)

    def mean_accuracy(self, split: str) -> _Floats:
        """Mean accuracy over trials, at each level [L]."""
        return np.asarray(self.accuracy[split].mean(axis=0))

    def accuracy_se(self, split: str) -> _Floats:
        """Standard error of the mean accuracy over trials, [L]; NaN with one trial."""
        values = self.accuracy[split]
        if len(values) == 1:
            return np.full(values.shape[1], np.nan)
        return np.asarray(values.std(axis=0, ddof=1) / math.sqrt(len(values)))

    def table(self) -> pd.DataFrame:
        """A row for each level, side and policy; NaN where there is no value."""
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
            **self.row.argument,
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
        row["accuracy_chance"] = 1 / self.num_classes
        return {name: math.nan if value is None else value for name, value in row.items()}

    def frames(self) -> list[show.Frame]:
        """Each side under each policy for ties, then accuracy."""
        return [*(self._matching(side, ties) for ties in self.ties for side in self.sides), self._accuracy()]

    def _matching(self, side: Side, ties: Ties) -> show.Frame:
        table = self.table()
        table = table[(table["side"] == side) & (table["ties"] == ties)]
        line = self.line(side, ties)
        sizes = np.array([(math.nan, math.nan) if one.groups is None else one.groups.sizes for one in line])
        silent = ", ".join(level_text(level) for level, num in self.num_silent.items() if num)
        notes = [
            f"Matching rates of the sets from regular and from perturbed examples {self.row.at}, with 95 % "
            "intervals. Rate: between disjoint groups of trials; at the level that changes nothing "
            f"({level_text(self.neutral)}) it is the noise ceiling. Lost: how much of that ceiling, with "
            "the same trials at both levels. Same models: all trials see both; its tie mass is the last "
            f"column. ? marks groups of fewer than {MIN_GROUP} trials, which decide nothing.",
            f"These perturbations change nothing in these {self.nouns}." if self.changes_nothing else "",
            f"Undefined at {silent}: some trial gets no example right." if silent else "",
            "Blank where a set is empty." if (sizes == 0).any() else "",
        ]
        return show.Frame(
            f"{self.model} under {self.kind}: {side} examples, fraction {self.fraction:g}, {ties}",
            " ".join(filter(None, notes)),
            table.assign(size=sizes[:, 0], size_perturbed=sizes[:, 1]),
            {
                "level": show.Column(level_text, title=self.axis),
                "rate": show.numbers(2, low="low", high="high", decided="decided"),
                "lost": show.numbers(2, low="lost_low", high="lost_high"),
                "group_size": show.counts(title="trials a group"),
                "chance": show.numbers(2),
                "class_chance": show.numbers(2, title="class chance"),
                "tie_mass_regular": _pair(2, "tie mass", "tie_mass_perturbed"),
                "size": _pair(0, "set sizes", "size_perturbed"),
                "same_models_rate": show.numbers(2, title="same models"),
                "same_models_tie_mass_regular": _pair(
                    2, "tie mass of same", "same_models_tie_mass_perturbed"
                ),
            },
        )

    def _accuracy(self) -> show.Frame:
        table = self.table().drop_duplicates("level")
        splits = {
            f"{split}_accuracy": show.means(f"{split}_accuracy_se", title=split.replace("_", "-"))
            for split in self.accuracy
        }
        return show.Frame(
            f"{self.model} under {self.kind}: accuracy",
            f"Mean over {len(self.trials)} trials ± its standard error, {self.row.at}.",
            table,
            {
                "level": show.Column(level_text, title=self.axis),
                **splits,
                "accuracy_chance": show.numbers(3, title="chance"),
            },
        )

    def figure(self) -> Figure:
        """Figure 2, the neutral level at the right end of both panels.

        Left, matching rates between regular and perturbed examples: a thick line between disjoint groups of
        trials, with its 95 % interval and its value at the neutral level, the ceiling, as a dashed line; a
        thin one for the same models. Right, accuracy with an error bar of one standard error.
        """
        figure, (left, right) = show.new_panels(7.2, 3.1, 1, 2, width_ratios=(1.25, 1))
        at = level_positions(self)
        for axes in (left, right):
            _level_axis(axes, self)
        self._draw_matching(left, "refine" if "refine" in self.ties else self.ties[0])
        for split in self.accuracy:
            color, marker, line = _SPLITS[split]
            errors = self.accuracy_se(split)
            name = split.replace("_", "-")
            show.draw_curve(
                right, show.Curve(at, self.mean_accuracy(split), name, color, marker, line, errors)
            )
        show.chance_line(right, 1 / self.num_classes)
        right.set_ylabel("accuracy")
        show.legend_above(right, len(self.accuracy))
        return figure

    def _draw_matching(self, axes: Axes, ties: Ties) -> None:
        at, ceilings = level_positions(self), []
        for side in self.sides:
            color, marker = _SIDES[side]
            line = self.line(side, ties)
            same = [math.nan if one.same_models is None else one.same_models.rate for one in line]
            name = f"{side}, same models"
            show.draw_curve(axes, show.Curve(at, same, name, color, marker, ":", filled=False))
            groups = next((one.groups for one in line if one.groups), None)
            if groups is not None:
                rate, low, high = np.array([one.rates for one in line]).T
                name = f"{side}, other models{'' if groups.group_size >= MIN_GROUP else '?'}"
                band = [rate - low, high - rate]
                show.draw_curve(axes, show.Curve(at, rate, name, color, marker, "-", band, band=True))
                ceilings.append((self.ceiling(side, ties), color))
        known = sorted(one for one in ceilings if not math.isnan(one[0]))
        # named on it, or where there are two below the lower and above the higher
        places = ["center"] if len(known) == 1 else ["top", "bottom"]
        for (ceiling, color), place in zip(known, places, strict=False):
            axes.axhline(ceiling, color=color, linewidth=0.8, linestyle=(0, (6, 3)))
            axes.annotate(
                "ceiling",
                (1, ceiling),
                xycoords=("axes fraction", "data"),
                xytext=(3, 0),
                textcoords="offset points",
                va=place,
                color=color,
                fontsize=show.FONT_SIZE - 1,
            )
        defined = [one.same_models.chance for one in self.matches if one.same_models and one.ties == ties]
        show.chance_line(axes, defined[0] if defined else self.fraction)
        axes.set_ylabel(f"matching rate ({ties})")
        show.legend_above(axes, len(self.sides))
        for x, level in zip(at, self.levels, strict=True):
            if self.num_silent[level]:
                axes.axvspan(x - 0.3, x + 0.3, color=show.FAINT, alpha=0.5, linewidth=0)
                style: dict[str, Any] = {"rotation": 90, "ha": "center", "va": "center", "color": show.INK}
                axes.annotate("undefined", (x, 0.5), fontsize=show.FONT_SIZE - 1, **style)


def _loss(value: float, replicates: _Floats, decided: bool) -> Contrast:
    """A loss of matching rate, or a difference of two, with its 95 % bootstrap interval over trials.

    The same groups before and after, with the bias of resampling taken off. Where a rate is undefined, or
    there is one trial, all are NaN.
    """
    defined = replicates[~np.isnan(replicates)]
    if math.isnan(value) or not len(defined):
        return Contrast(value, (math.nan, math.nan), False)
    low, high = np.percentile(defined, (2.5, 97.5)) - (defined.mean() - value)
    return Contrast(value, (float(low), float(high)), decided)


def match_levels(
    votes: Sequence[Votes],
    levels: Sequence[float],
    neutral: int,
    rules: Iterable[Rule],
    num_replicates: int,
) -> list[PerturbedMatch]:
    """Match the votes at each level with those at the position ``neutral``, rule by rule, level by level."""
    # a copy, since votes that are one object are matched over other groups than votes that are two
    regular = copy.copy(votes[neutral])
    found = []
    for rule in rules:
        for level, perturbed in zip(levels, votes, strict=True):
            same = groups = None
            if perturbed is votes[neutral] or perturbed.correct.any(axis=1).all():
                same = rule.match_all(regular, perturbed)
                groups = match_groups(regular, perturbed, rule, num_replicates=num_replicates)
            rates = np.full(num_replicates, np.nan) if groups is None else groups.replicates
            found.append(PerturbedMatch(level, rule.side, rule.ties, same, groups, rates))
    return found


def level_text(level: float) -> str:
    """A level as the tables have it."""
    return f"{level:.4g}"


def level_name(level: float) -> str:
    """``0.25``, ``16``; small shares as ``1/32``."""
    if 0 < level < 0.1 and math.isclose(1 / level, round(1 / level)):
        return f"1/{round(1 / level)}"
    return f"{level:.3g}"


def level_positions(curve: PerturbationCurve) -> _Floats:
    """Where each level lies on the axis, the neutral one at the right: evenly spaced in order."""
    at = np.arange(len(curve.levels), dtype=np.float64)
    return at[::-1] if curve.levels[0] == curve.neutral else at


def _level_axis(axes: Axes, curve: PerturbationCurve) -> None:
    at = level_positions(curve)
    # two lines in each, so that all stand at one height
    names = [f"{level_name(level)}\n{'regular' if level == curve.neutral else ' '}" for level in curve.levels]
    axes.set_xticks(at.tolist(), names)
    if len(names) > MANY_LEVELS:
        axes.tick_params(axis="x", labelsize=show.FONT_SIZE - 2)
    axes.set(xlabel=f"{curve.kind}: {curve.axis}", xlim=(at.min() - 0.3, at.max() + 0.3), ylim=(0, 1.02))


def _pair(digits: int, title: str, second: str) -> show.Column:
    """Numbers of regular and, in the column ``second``, of perturbed examples: ``0.33 0.19``."""

    def both(regular: float, perturbed: float, _: float) -> str:
        return f"{show.number(regular, digits)} {show.number(perturbed, digits)}"

    return show.Column(str, "", title, second, second, both)
