"""The matching table as a figure: every pair of networks, ceilings on the diagonal, chance beside them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from easiness.analysis import Side, Ties
from easiness.figures.svg import EASY, FAINT, FONT_SIZE, HARD, INK
from easiness.studies.compare import Comparison

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_matching(comparison: Comparison, side: Side, ties: Ties = "refine") -> Figure:
    """The matching rates of a side between groups of trials, with 95 % intervals, and chance as a column.

    The diagonal, framed, is a network against itself: its noise ceiling. What rests on groups that are
    too small to decide anything is in italics.
    """
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle

    num = len(comparison.names)
    shades = LinearSegmentedColormap.from_list("shades", ["#ffffff", EASY if side == "easy" else HARD])
    figure = Figure(figsize=(1.6 + 1.15 * (num + 1), 0.9 + 0.75 * num), layout="constrained")
    axes = figure.add_subplot()
    for i in range(num):
        for j in range(i, num):
            groups = comparison.cell(i, j, side, ties).groups
            rate = math.nan if groups is None else groups.rate
            shade = 0.0 if math.isnan(rate) else 0.75 * rate
            frame = Rectangle((j + 0.03, i + 0.03), 0.94, 0.94, facecolor=shades(shade))
            frame.set(edgecolor=INK, linewidth=1.2 if i == j else 0)
            axes.add_patch(frame)
            style = "normal" if groups is not None and groups.decided else "italic"
            text = "none" if math.isnan(rate) else f"{rate:.2f}"
            axes.text(
                j + 0.5, i + 0.42, text, ha="center", va="center", size=12, style=style, color="#101214"
            )
            if groups is not None and not math.isnan(groups.interval[0]):
                low, high = groups.interval
                axes.text(
                    j + 0.5, i + 0.74, f"{low:.2f} to {high:.2f}", ha="center", va="center", size=7.5,
                    style=style, color="#101214",
                )  # fmt: skip
        diagonal = comparison.cell(i, i, side, ties).groups
        chance = comparison.fraction if diagonal is None else diagonal.chance
        axes.text(num + 0.5, i + 0.5, f"{chance:.2f}", ha="center", va="center", size=11, color=INK)
    axes.set(xlim=(0, num + 1), ylim=(num, 0))
    axes.set_xticks(np.arange(num + 1) + 0.5, [*map(_plain, comparison.names), "random"], size=FONT_SIZE)
    axes.set_yticks(np.arange(num) + 0.5, list(map(_plain, comparison.names)), size=FONT_SIZE)
    axes.tick_params(length=0, labelcolor=INK, top=True, labeltop=True, bottom=False, labelbottom=False)
    axes.axvline(num, color=FAINT, linewidth=0.8)
    for spine in axes.spines.values():
        spine.set_visible(False)
    return figure


def _plain(text: str) -> str:
    """A name for an axis: no mathematics in it."""
    return text.replace("$", r"\$")
