"""The matching table as a figure: every pair of networks, ceilings on the diagonal, chance beside them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from easiness.analysis import SIDES, Side, Ties
from easiness.show import EASY_WASH, FAINT, FONT_SIZE, HARD_WASH, INK, ON_WASH
from easiness.studies.matching.found import Compared

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_NAME_WIDTH = 12  # letters of a line


def draw_matching(comparison: Compared, sides: Sequence[Side] = SIDES, ties: Ties | None = None) -> Figure:
    """Matching rates between groups of trials, with 95 % intervals and chance; a table for each side.

    The diagonal, framed, is a network against itself: its noise ceiling. What rests on groups that are
    too small to decide anything is in italics. ``ties`` is ``refine`` where the comparison has it.
    """
    from matplotlib.figure import Figure

    if ties is None:
        ties = "refine" if "refine" in comparison.ties else comparison.ties[0]
    num = len(comparison.names)
    size = (1.6 + 1.15 * (num + 1), (1.0 + 0.75 * num) * len(sides))
    figure = Figure(figsize=size, layout="constrained")
    for axes, side in zip(figure.subplots(len(sides), squeeze=False)[:, 0], sides, strict=True):
        _draw_table(axes, comparison, side, ties)
    return figure


def _draw_table(axes: Axes, comparison: Compared, side: Side, ties: Ties) -> None:
    from matplotlib.patches import Rectangle

    num = len(comparison.names)
    wash = EASY_WASH if side == "easy" else HARD_WASH
    for i in range(num):
        for j in range(i, num):
            groups = comparison.cell(i, j, side, ties).groups
            rate = math.nan if groups is None else groups.rate
            shade = 0.0 if math.isnan(rate) else 0.75 * min(1.0, rate)
            frame = Rectangle((j + 0.03, i + 0.03), 0.94, 0.94, facecolor=(wash, shade))
            frame.set(edgecolor=INK, linewidth=1.2 if i == j else 0)
            axes.add_patch(frame)
            style = "normal" if groups is not None and groups.decided else "italic"
            text = "none" if math.isnan(rate) else f"{rate:.2f}"
            write = partial(axes.text, ha="center", va="center", style=style, color=ON_WASH)
            write(j + 0.5, i + 0.42, text, size=12)
            if groups is not None and not math.isnan(groups.interval[0]):
                low, high = groups.interval
                write(j + 0.5, i + 0.74, f"{low:.2f} to {high:.2f}", size=7.5)
        diagonal = comparison.cell(i, i, side, ties).groups
        chance = comparison.fraction if diagonal is None else diagonal.chance
        axes.text(num + 0.5, i + 0.5, f"{chance:.2f}", ha="center", va="center", size=11, color=INK)
    names = [_wrapped(name) for name in comparison.names]
    axes.set(xlim=(0, num + 1), ylim=(num, 0))
    axes.set_xticks(np.arange(num + 1) + 0.5, [*names, "random"], size=FONT_SIZE)
    axes.set_yticks(np.arange(num) + 0.5, names, size=FONT_SIZE)
    axes.tick_params(length=0, labelcolor=INK, top=True, labeltop=True, bottom=False, labelbottom=False)
    axes.axvline(num, color=FAINT, linewidth=0.8)
    axes.set_title(f"{side} examples, after epoch {comparison.epoch}", size=FONT_SIZE, color=INK, loc="left")
    for spine in axes.spines.values():
        spine.set_visible(False)


def _wrapped(name: str) -> str:
    """A name in short lines, broken after underscores, without mathematics."""
    lines = [""]
    for part in name.replace("$", r"\$").split("_"):
        if lines[-1] and len(lines[-1]) + len(part) > _NAME_WIDTH:
            lines[-1] += "_"
            lines.append(part)
        else:
            lines[-1] += f"_{part}" if lines[-1] else part
    return "\n".join(lines)
