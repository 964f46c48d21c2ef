"""A curve of matching rates and accuracy against the level of a perturbation, and the loss of either."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from easiness import show
from easiness.analysis import MIN_GROUP, Rule, Side, Ties, Votes, match_groups, shifted_interval
from easiness.errors import BadInput
from easiness.lazy import Axes, Figure, Floats, pd
from easiness.paper.claims import Contrast
from easiness.store import Row

_SIDES: dict[Side, tuple[str, str]] = {"easy": (show.EASY, "o"), "hard": (show.HARD, "s")}
_SPLITS = {
    "train": (show.TRAIN, "o", "-"),
    "left_out": (show.LEFT_OUT, "^", "-."),
    "held_out": (show.HELD_OUT, "s", "--"),
}
_OF_SAME_MODELS = {
    "rate": ["same_models_rate"],
    "chance": ["same_models_chance"],
    "class_chance": ["same_models_class_chance"],
    "tie_mass": ["same_models_tie_mass_regular", "same_models_tie_mass_perturbed"],
    "sizes": ["same_models_size_regular", "same_models_size_perturbed"],
}
_OF_GROUPS = {
    "rate": ["rate"],
    "interval": ["low", "high"],
    **{name: [name] for name in ("bias", "decided", "group_size", "num_splits", "num_empty")},
    **{name: [name] for name in ("chance", "class_chance")},
    "tie_mass": ["tie_mass_regular", "tie_mass_perturbed"],
    "sizes": ["size", "size_perturbed"],
}
_UNWRITTEN = ["size", "size_perturbed"]
"""Columns that only tables to read have."""


@dataclass(frozen=True)
class PerturbationCurve(show.Result):
    """Matching rates and accuracy of the networks of a run, against the level of a perturbation.

    ``rows`` has a row for each policy for ties, side and level, from the neutral level, which changes
    nothing, to the strongest (levels on both sides of the neutral one ascend); ``axis`` names them. The
    ``rate`` is between disjoint groups of trials, so that at the neutral level it is the noise ceiling; NaN
    with one trial. ``same_models_rate``: all trials saw both, as in the paper. Both are NaN where some trial
    gets no example right: ``num_silent`` counts these trials. ``replicates`` [levels, R] by side and policy
    are the bootstrap rates behind the intervals: those of one run and seed are of the same trials.

    ``changes_nothing``: all levels are alike to the networks, as color is where images are grey. Everything
    is of the ``row`` of the run's last epoch, since the weights are, or of the largest share of heads on
    features. ``nouns`` are what people call the examples.
    """

    rows: pd.DataFrame
    replicates: Mapping[tuple[Side, Ties], Floats] = field(repr=False)
    axis: str
    row: Row
    changes_nothing: bool = False
    nouns: str = "pictures"

    @cached_property
    def about(self) -> dict[Any, Any]:
        """The first row, for columns that are the same in all."""
        return self.rows.iloc[0].to_dict()

    @property
    def levels(self) -> list[float]:
        return self.rows["level"].unique().tolist()

    @property
    def neutral(self) -> float:
        return float(self.rows["level"][self.rows["neutral"]].iloc[0])

    @property
    def sides(self) -> list[Side]:
        return self.rows["side"].unique().tolist()

    @property
    def ties(self) -> list[Ties]:
        return self.rows["ties"].unique().tolist()

    def line(self, side: Side, ties: Ties) -> pd.DataFrame:
        return self.rows[(self.rows["side"] == side) & (self.rows["ties"] == ties)].reset_index(drop=True)

    def _loss(self, level: float, side: Side, ties: Ties) -> tuple[float, Floats, bool]:
        """The loss up to a level, its replicates [R], and whether the groups are large enough to decide."""
        line = self.line(side, ties)
        at = np.flatnonzero(np.isclose(line["level"], level, rtol=0, atol=1e-9))
        if not len(at):
            levels = ", ".join(f"{one:g}" for one in self.levels)
            raise BadInput(
                f"{self.about['kind']} curve: has no level {level:g} for {side} examples under {ties}; "
                f"it has {levels}"
            )
        return _loss_at(line, self.replicates[side, ties], int(at[0]))

    def loss(self, level: float, side: Side = "easy", ties: Ties = "refine") -> Contrast:
        """The matching rate between disjoint groups at the neutral level, less that at ``level``."""
        return _contrast(*self._loss(level, side, ties))

    def lost_more(self, level: float, other: PerturbationCurve, level_of_other: float) -> Contrast:
        """How much more of easy sets is lost at a level than at one of another curve of the same run.

        Below 0 where this costs less. Each replicate takes the same trials for both.
        """
        value, replicates, enough = self._loss(level, "easy", "refine")
        value_b, replicates_b, enough_b = other._loss(level_of_other, "easy", "refine")
        return _contrast(value - value_b, replicates - replicates_b, enough and enough_b)

    def table(self) -> pd.DataFrame:
        return self.rows.drop(columns=_UNWRITTEN)

    def frames(self) -> list[show.Frame]:
        return [*(self._matching(side, ties) for ties in self.ties for side in self.sides), self._accuracy()]

    def _matching(self, side: Side, ties: Ties) -> show.Frame:
        line = self.line(side, ties)
        silent = ", ".join(map(level_text, line["level"][line["num_silent"] > 0]))
        notes = [
            f"Matching rates of the sets from regular and from perturbed examples {self.row.at}, with 95 % "
            "intervals. Rate: between disjoint groups of trials; at the level that changes nothing "
            f"({level_text(self.neutral)}) it is the noise ceiling. Lost: how much of that ceiling, with "
            "the same trials at both levels. Same models: all trials see both; its tie mass is the last "
            f"column. ? marks groups of fewer than {MIN_GROUP} trials, which decide nothing.",
            f"These perturbations change nothing in these {self.nouns}." if self.changes_nothing else "",
            f"Undefined at {silent}: some trial gets no example right." if silent else "",
            "Blank where a set is empty." if (line[_UNWRITTEN] == 0).any(axis=None) else "",
        ]
        return show.Frame(
            f"{self._title}: {side} examples, fraction {self.about['fraction']:g}, {ties}",
            " ".join(filter(None, notes)),
            line,
            {
                "level": show.Column(level_text, title=self.axis),
                "rate": show.numbers(2, low="low", high="high", decisive="decided"),
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
        splits = {
            f"{split}_accuracy": show.means(f"{split}_accuracy_se", title=split.replace("_", "-"))
            for split in self._splits
        }
        return show.Frame(
            f"{self._title}: accuracy",
            f"Mean over {self.about['num_trials']} trials ± its standard error, {self.row.at}.",
            self.rows.drop_duplicates("level"),
            {
                "level": show.Column(level_text, title=self.axis),
                **splits,
                "accuracy_chance": show.numbers(3, title="chance"),
            },
        )

    @property
    def _title(self) -> str:
        return f"{self.about['model']} under {self.about['kind']}"

    @property
    def _splits(self) -> list[str]:
        return [split for split in _SPLITS if f"{split}_accuracy" in self.rows]

    def figure(self) -> Figure:
        """Figure 2, the neutral level at the right end of both panels.

        Left, matching rates between regular and perturbed examples: a thick line between disjoint groups of
        trials, with its 95 % interval and its value at the neutral level, the ceiling, as a dashed line; a
        thin one for the same models. Right, accuracy with an error bar of one standard error.
        """
        figure, (left, right) = show.new_panels(7.2, 3.1, 1, 2, width_ratios=(1.25, 1))
        at = np.arange(len(self.levels), dtype=np.float64)
        at = at[::-1] if self.levels[0] == self.neutral else at
        # two lines in each, so that all stand at one height
        names = [f"{level_name(one)}\n{'regular' if one == self.neutral else ' '}" for one in self.levels]
        for axes in (left, right):
            axes.set_xticks(at.tolist(), names, fontsize=show.FONT_SIZE - 2)
            limits = {"xlim": (at.min() - 0.3, at.max() + 0.3), "ylim": (0, 1.02)}
            axes.set(xlabel=f"{self.about['kind']}: {self.axis}", **limits)
        self._draw_matching(left, at, "refine" if "refine" in self.ties else self.ties[0])
        accuracy = self.rows.drop_duplicates("level")
        for split in self._splits:
            values, errors = accuracy[f"{split}_accuracy"], accuracy[f"{split}_accuracy_se"]
            name, style = split.replace("_", "-"), _SPLITS[split]
            show.draw_curve(right, show.Curve(at, values, name, *style, errors=errors))
        show.chance_line(right, self.about["accuracy_chance"])
        right.set_ylabel("accuracy")
        show.legend_above(right, len(self._splits))
        return figure

    def _draw_matching(self, axes: Axes, at: Floats, ties: Ties) -> None:
        for side in self.sides:
            (color, marker), line = _SIDES[side], self.line(side, ties)
            name, same = f"{side}, same models", line["same_models_rate"]
            show.draw_curve(axes, show.Curve(at, same, name, color, marker, ":", solid=False))
            if line["rate"].notna().any():
                rate, size = line["rate"], line["group_size"].max()
                band = [rate - line["low"], line["high"] - rate]
                name = f"{side}, other models{'' if size >= MIN_GROUP else '?'}"
                show.draw_curve(axes, show.Curve(at, rate, name, color, marker, "-", band, band=True))
                ceiling = float(rate[line["neutral"]].iloc[0])
                axes.axhline(ceiling, color=color, linewidth=0.8, linestyle=(0, (6, 3)))
        chance = self.line(self.sides[0], ties)["same_models_chance"].dropna()
        show.chance_line(axes, chance.iloc[0] if len(chance) else self.about["fraction"])
        axes.set_ylabel(f"matching rate ({ties}); dashed: ceiling")
        show.legend_above(axes, len(self.sides))
        for x, silent in zip(at, self.rows.drop_duplicates("level")["num_silent"], strict=True):
            if silent:
                axes.axvspan(x - 0.3, x + 0.3, color=show.FAINT, alpha=0.5, linewidth=0)
                style: dict[str, Any] = {"rotation": 90, "ha": "center", "va": "center", "color": show.INK}
                axes.annotate("undefined", (x, 0.5), fontsize=show.FONT_SIZE - 1, **style)


def _loss_at(line: pd.DataFrame, replicates: Floats, at: int) -> tuple[float, Floats, bool]:
    neutral = int(np.argmax(line["neutral"]))
    value = float(line["rate"][neutral] - line["rate"][at])
    return value, replicates[neutral] - replicates[at], bool(line["decided"][at])


def _contrast(value: float, replicates: Floats, enough: bool) -> Contrast:
    """A loss of matching rate, or a difference of two, with its 95 % bootstrap interval over trials.

    The same groups before and after, with the bias of resampling taken off. Where a rate is undefined, or
    there is one trial, all are NaN.
    """
    interval, bias = shifted_interval(value, replicates, within=(-math.inf, math.inf))
    return Contrast(value, interval, enough and not math.isnan(bias))


def match_levels(
    votes: Sequence[Votes],
    levels: Sequence[float],
    neutral: int,
    rules: Iterable[Rule],
    num_replicates: int,
    about: Mapping[str, Any],
    accuracy: Mapping[str, Floats],
) -> tuple[pd.DataFrame, dict[tuple[Side, Ties], Floats]]:
    """Rows and replicates of a `PerturbationCurve`: votes at each level against those at ``neutral``.

    ``about`` are columns of all rows, and ``accuracy`` has arrays [trials, levels] by split.
    """
    # a copy, since votes that are one object are matched over other groups than votes that are two
    regular = copy.copy(votes[neutral])
    tables, replicates = [], {}
    for rule in rules:
        rows, rates = [], []
        for at, (level, after) in enumerate(zip(levels, votes, strict=True)):
            same = groups = None
            if at == neutral or after.correct.any(axis=1).all():
                same = rule.match_all(regular, after)
                groups = match_groups(regular, after, rule, num_replicates=num_replicates)
            rates.append(np.full(num_replicates, np.nan) if groups is None else groups.replicates)
            rows.append(
                {
                    "kind": about["kind"],
                    "level": level,
                    "neutral": at == neutral,
                    "side": rule.side,
                    "ties": rule.ties,
                    **about,
                    "fraction": rule.fraction,
                    "num_silent": int((~after.correct.any(axis=1)).sum()),
                    **_columns(same, _OF_SAME_MODELS),
                    **_columns(groups, _OF_GROUPS),
                    "decided": groups is not None and groups.decided,
                }
            )
        line = pd.DataFrame(rows)
        own = replicates[rule.side, rule.ties] = np.array(rates)
        losses = [_contrast(*_loss_at(line, own, at)) for at in range(len(line))]
        line["lost"] = [one.value for one in losses]
        line["lost_low"], line["lost_high"] = np.transpose([one.interval for one in losses])
        for split, values in accuracy.items():
            line[f"{split}_accuracy"] = values.mean(axis=0)
            alone = len(values) == 1
            spread = np.full(len(line), np.nan) if alone else values.std(axis=0, ddof=1)
            line[f"{split}_accuracy_se"] = spread / math.sqrt(len(values))
        tables.append(line)
    return pd.concat(tables, ignore_index=True), replicates


def _columns(match: Any, names: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """The attributes of a match as columns, a pair as two; NaN where there is no match."""
    columns: dict[str, Any] = {}
    for attribute, own in names.items():
        value = math.nan if match is None else getattr(match, attribute)
        columns |= dict(zip(own, np.broadcast_to(value, len(own)).tolist(), strict=True))
    return columns


def level_text(level: float) -> str:
    return f"{level:.4g}"


def level_name(level: float) -> str:
    """``0.25``, ``16``; small shares as ``1/32``."""
    if 0 < level < 0.1 and math.isclose(1 / level, round(1 / level)):
        return f"1/{round(1 / level)}"
    return f"{level:.3g}"


def _pair(digits: int, title: str, second: str) -> show.Column:
    """Numbers of regular and, in the column ``second``, of perturbed examples: ``0.33 0.19``."""

    def both(regular: float, perturbed: float, _: float) -> str:
        return f"{show.number(regular, digits)} {show.number(perturbed, digits)}"

    return show.Column(str, "", title, second, second, both)
