"""Figure 2: how far easy and hard examples stay what they are, and accuracy, against the level."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from easiness import show
from easiness.analysis import MIN_GROUP, Side, Ties

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from easiness.paper.perturbation.curve import PerturbationCurve
    from easiness.paper.perturbation.match import PerturbedMatch

_SIDES: dict[Side, tuple[str, str]] = {"easy": (show.EASY, "o"), "hard": (show.HARD, "s")}
MANY_LEVELS = 6
"""Levels beyond which their names need a smaller letter."""
_SPLITS = {
    "train": (show.TRAIN, "-", "o"),
    "left_out": (show.LEFT_OUT, "-.", "^"),
    "held_out": (show.HELD_OUT, "--", "s"),
}


def draw_perturbation(curve: PerturbationCurve, ties: Ties | None = None) -> Figure:
    """Two panels, the neutral level at the right end of both.

    Left, matching rates between regular and perturbed examples: a thick line between disjoint groups of
    trials, with its 95 % interval and its value at the neutral level, the ceiling, as a dashed line; a
    thin one for the same models. Right, accuracy with an error bar of one standard error.
    """
    from matplotlib.figure import Figure

    if ties is None:
        ties = "refine" if "refine" in curve.ties else curve.ties[0]
    figure = Figure(figsize=(7.2, 3.1), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1.25, 1))
    for axes in (left, right):
        show.quiet(axes)
        _level_axis(axes, curve)
    _draw_matching(left, curve, ties)
    _draw_accuracy(right, curve)
    return figure


def level_positions(curve: PerturbationCurve) -> npt.NDArray[np.float64]:
    """Where each level lies on the axis, the neutral one at the right: evenly spaced in order."""
    at = np.arange(len(curve.levels), dtype=np.float64)
    return at[::-1] if curve.levels[0] == curve.neutral else at


def level_name(level: float) -> str:
    """``0.25``, ``16``; small shares as ``1/32``."""
    if 0 < level < 0.1 and math.isclose(1 / level, round(1 / level)):
        return f"1/{round(1 / level)}"
    return f"{level:.3g}"


def _level_axis(axes: Axes, curve: PerturbationCurve) -> None:
    at = level_positions(curve)
    # two lines in each, so that all stand at one height
    names = [f"{level_name(level)}\n{'regular' if level == curve.neutral else ' '}" for level in curve.levels]
    axes.set_xticks(at.tolist(), names)
    if len(names) > MANY_LEVELS:
        axes.tick_params(axis="x", labelsize=show.FONT_SIZE - 2)
    axes.set_xlabel(f"{curve.kind}: {curve.axis}")
    axes.set_xlim(at.min() - 0.3, at.max() + 0.3)
    axes.set_ylim(0, 1.02)


def _draw_matching(axes: Axes, curve: PerturbationCurve, ties: Ties) -> None:
    at, ceilings = level_positions(curve), []
    for side in curve.sides:
        color, marker = _SIDES[side]
        line = curve.line(side, ties)
        same = [math.nan if m.same_models is None else m.same_models.rate for m in line]
        axes.plot(
            at,
            same,
            ":",
            color=color,
            linewidth=1.3,
            marker=marker,
            markersize=3,
            markerfacecolor="none",
            label=f"{side}, same models",
        )
        if any(m.groups for m in line):
            low, high = (np.array([_groups(m)[end] for m in line]) for end in (1, 2))
            axes.fill_between(at, low, high, color=color, alpha=0.15, linewidth=0)
            rates = [_groups(m)[0] for m in line]
            size = next(m.groups.group_size for m in line if m.groups)
            mark = "" if size >= MIN_GROUP else "?"
            axes.plot(
                at,
                rates,
                "-",
                color=color,
                linewidth=2,
                marker=marker,
                markersize=4.5,
                label=f"{side}, other models{mark}",
            )
            ceilings.append((curve.ceiling(side, ties), color))
    known = sorted(one for one in ceilings if not math.isnan(one[0]))
    places = ["center"] if len(known) == 1 else ["top", "bottom"]
    for (ceiling, color), place in zip(known, places, strict=False):
        axes.axhline(ceiling, color=color, linewidth=0.8, linestyle=(0, (6, 3)))
        _beside(axes, ceiling, place, color)
    defined = [m.same_models.chance for m in curve.matches if m.same_models and m.ties == ties]
    show.chance_line(axes, defined[0] if defined else curve.fraction)
    axes.set_ylabel(f"matching rate ({ties})")
    show.legend_above(axes, len(curve.sides))
    if any(curve.num_silent.values()):
        _undefined(axes, curve)


def _groups(match: PerturbedMatch) -> tuple[float, float, float]:
    if match.groups is None:
        return math.nan, math.nan, math.nan
    return match.groups.rate, *match.groups.interval


def _beside(axes: Axes, y: float, place: str, color: str) -> None:
    """Name a ceiling, centred on it, or at its ``top`` or ``bottom``: below the lower, above the higher."""
    axes.annotate(
        "ceiling",
        (1, y),
        xycoords=("axes fraction", "data"),
        xytext=(3, 0),
        textcoords="offset points",
        va=place,
        color=color,
        fontsize=show.FONT_SIZE - 1,
    )


def _undefined(axes: Axes, curve: PerturbationCurve) -> None:
    for x, level in zip(level_positions(curve), curve.levels, strict=True):
        if curve.num_silent[level]:
            axes.axvspan(x - 0.3, x + 0.3, color=show.FAINT, alpha=0.5, linewidth=0)
            axes.annotate(
                "undefined",
                (x, 0.5),
                rotation=90,
                ha="center",
                va="center",
                color=show.INK,
                fontsize=show.FONT_SIZE - 1,
            )


def _draw_accuracy(axes: Axes, curve: PerturbationCurve) -> None:
    at = level_positions(curve)
    for split in curve.accuracy:
        color, line, marker = _SPLITS[split]
        axes.errorbar(
            at,
            curve.mean_accuracy(split),
            np.nan_to_num(curve.accuracy_se(split)),
            color=color,
            linestyle=line,
            linewidth=1.8,
            marker=marker,
            markersize=4,
            capsize=2,
            label=split.replace("_", "-"),
        )
    show.chance_line(axes, curve.chance_accuracy)
    axes.set_ylabel("accuracy")
    show.legend_above(axes, len(curve.accuracy))
