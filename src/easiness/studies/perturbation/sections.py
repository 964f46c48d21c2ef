"""Perturbation curves and pseudo patterns as titled tables of text."""

from __future__ import annotations

import math

import numpy as np

from easiness.analysis import MIN_GROUP, Match, Side, Ties
from easiness.show import Section, number
from easiness.studies.perturbation.loss import lost
from easiness.studies.perturbation.match import PerturbedMatch
from easiness.studies.perturbation.patterns import Patterns
from easiness.studies.perturbation.perturbed_sets import PerturbedSets


def perturbation_sections(curve: PerturbedSets) -> list[Section]:
    """The tables of `easiness perturb`: each side under each policy for ties, then accuracy."""
    tables = [_matching(curve, side, ties) for ties in curve.ties for side in curve.sides]
    return [*tables, _accuracy(curve)]


def pseudo_sections(patterns: Patterns) -> list[Section]:
    """One table: the examples that all networks get right at each level, beside chance."""
    rows = [
        ["level", "all right", "95 % interval", "by chance", "by product", "within classes", "mean accuracy"]
    ]
    rows += [
        [
            _level(one.level),
            str(one.count),
            f"{one.interval[0]:.1f} to {one.interval[1]:.1f}",
            f"{one.chance:.3g}",
            f"{one.chance_product:.3g}",
            f"{one.class_chance:.3g}",
            number(float(np.mean(one.accuracy)), 3),
        ]
        for one in patterns.levels
    ]
    split = patterns.probe.replace("_", "-")
    return [
        Section(
            f"{patterns.model} under {patterns.kind}: {split} examples that all {patterns.num_trials} "
            "networks get right",
            f"Of {patterns.levels[0].num_examples} examples after epoch {patterns.epoch}. By chance: K times "
            "the mean accuracy to the power N; by product: K times the product of the accuracies; within "
            "classes: the former in each class, which is large where all networks see one class in "
            "everything.",
            rows,
        )
    ]


def _level(level: float) -> str:
    return f"{level:.4g}"


def _matching(curve: PerturbedSets, side: Side, ties: Ties) -> Section:
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
    nothing = " These perturbations change nothing on these images." if curve.changes_nothing else ""
    silent = " undefined: some trial gets no example right." if any(curve.num_silent.values()) else ""
    return Section(
        f"{curve.model} under {curve.kind}: {side} examples, fraction {curve.fraction:g}, {ties}",
        f"Matching of the sets from regular and from perturbed examples after epoch {curve.epoch}. Rate: "
        "between disjoint groups of trials, means over choices; at the level that changes nothing "
        f"({_level(curve.neutral)}) it is the noise ceiling. Lost: of that ceiling, same trials at both. "
        f"Same models: all trials saw both. ? marks groups of fewer than {MIN_GROUP} trials, which decide "
        "nothing." + nothing + silent,
        rows,
    )


def _row(curve: PerturbedSets, match: PerturbedMatch) -> list[str]:
    level, groups, same = _level(match.level), match.groups, match.same_models
    if same is None:
        return [level, "undefined", *[""] * 8, "undefined", ""]
    if groups is None:
        cells = ["none", "", "", "", "", number(same.chance), number(same.class_chance), "", ""]
    else:
        loss = lost(curve, match.level, match.side, match.ties)
        cells = [
            (number(groups.rate) or "empty") + ("" if groups.decided else "?"),
            _interval(groups.interval),
            number(loss.value),
            _interval(loss.interval),
            str(groups.group_size),
            number(groups.chance),
            number(groups.class_chance),
            _pair(groups.tie_mass, 2),
            _pair(groups.sizes, 0),
        ]
    return [level, *cells, number(same.rate) or "empty", _tie_mass(same)]


def _tie_mass(match: Match) -> str:
    return _pair(match.tie_mass, 2)


def _pair(values: tuple[float, float], digits: int) -> str:
    return " ".join(number(value, digits) for value in values)


def _interval(interval: tuple[float, float]) -> str:
    return "" if math.isnan(interval[0]) else f"{interval[0]:.2f} to {interval[1]:.2f}"


def _accuracy(curve: PerturbedSets) -> Section:
    splits = list(curve.accuracy)
    rows = [[curve.axis, *(split.replace("_", "-") for split in splits), "chance"]]
    for at, level in enumerate(curve.levels):
        cells = []
        for split in splits:
            error = curve.accuracy_se(split)[at]
            spread = "" if math.isnan(error) else f" ± {error:.3f}"
            cells.append(f"{curve.mean_accuracy(split)[at]:.3f}{spread}")
        rows.append([_level(level), *cells, number(curve.chance_accuracy, 3)])
    return Section(
        f"{curve.model} under {curve.kind}: accuracy",
        f"Mean over {len(curve.trials)} trials ± its standard error, after epoch {curve.epoch}.",
        rows,
    )
