"""How many examples all networks still get right, against the level of a perturbation, beside chance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from easiness.show import EASY, FONT_SIZE, INK, legend_above, new_axes
from easiness.studies.perturbation.figure import level_name
from easiness.studies.perturbation.patterns import Patterns

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MANY_LEVELS = 6  # beyond which their names need a smaller letter


def draw_counts(patterns: Patterns) -> Figure:
    """The count at each level with its 95 % interval, evenly spaced; what chance would give as lines."""
    figure, axes = new_axes(5.2, 3.1)
    levels = patterns.levels
    at = range(len(levels))
    counts = [one.count for one in levels]
    axes.errorbar(
        at,
        counts,
        [
            [max(0.0, one.count - one.interval[0]) for one in levels],
            [max(0.0, one.interval[1] - one.count) for one in levels],
        ],
        fmt="o-",
        color=EASY,
        markersize=4.5,
        linewidth=1.8,
        capsize=2.5,
        label="right in all networks",
    )
    axes.plot(at, [one.chance for one in levels], ":", color=INK, linewidth=1.2, label="by chance")
    axes.plot(at, [one.class_chance for one in levels], "--", color=INK, linewidth=1, label="within classes")
    axes.set_xticks(list(at), [level_name(one.level) for one in levels])
    if len(levels) > _MANY_LEVELS:
        axes.tick_params(axis="x", labelsize=FONT_SIZE - 2)
    split = patterns.probe.replace("_", "-")
    axes.set(
        xlabel=f"{patterns.kind}: {patterns.axis}",
        ylabel=f"{split} examples, of {levels[0].num_examples:,}",
    )
    axes.set_ylim(bottom=0)
    legend_above(axes, 3)
    return figure
