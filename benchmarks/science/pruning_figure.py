"""The figure of `pruning.py`: accuracy beyond random choice, a panel for each length and share kept."""

from __future__ import annotations

from math import isfinite

from matplotlib.figure import Figure

from easiness.show.svg import EASY, FONT_SIZE, HARD, INK, picture_bytes, quiet
from science.pruning_cells import KEPT, LENGTHS, SAMPLERS, SCORES
from science.pruning_stats import all_compared

COLORS = {"top": HARD, "balanced": HARD, "ccs": EASY, "beta": INK}
MARKERS = {"top": "o", "balanced": "D", "ccs": "s", "beta": "^"}


def draw(results):
    """The figure as SVG, with each interval; filled marks are differences that are decided."""
    found = all_compared(results)
    known = {kept for (_, kept, _), one in found.items() if one is not None and isfinite(one.low)}
    # others have no interval yet
    shares = [kept for kept in sorted(KEPT, reverse=True) if kept in known or not known]
    figure = Figure(figsize=(2.6 + 1.8 * len(shares), 5.4), layout="constrained")
    panels = figure.subplots(len(LENGTHS), len(shares), sharey=True, sharex="col", squeeze=False)
    for row, length in zip(panels, LENGTHS, strict=True):
        for axes, kept in zip(row, shares, strict=True):
            quiet(axes)
            axes.axvline(0, color=INK, linewidth=0.8, linestyle=":")
            for at, sampler in enumerate(SAMPLERS):
                ones = [found.get(((score, sampler), kept, length)) for score in SCORES]
                points(axes, ones, sampler, 0.18 * (at - (len(SAMPLERS) - 1) / 2))
            axes.set_title(f"{kept:.0%} kept, equal {length}", color=INK, fontsize=FONT_SIZE + 1, loc="left")
            axes.set_yticks(range(len(SCORES)), list(SCORES))
            axes.set_ylim(len(SCORES) - 0.5, -0.5)
    for axes in panels[-1]:
        axes.set_xlabel("accuracy beyond random, %")
    handles, labels = panels[0][0].get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="outside lower center", ncols=len(SAMPLERS), frameon=False, fontsize=FONT_SIZE
    )
    return picture_bytes(figure, ".svg")


def points(axes, ones, sampler, offset):
    """A mark and an interval for each score of those that are there."""
    color = COLORS[sampler]
    for at, one in enumerate(ones):
        if one is not None:
            axes.plot([100 * one.low, 100 * one.high], [at + offset] * 2, color=color, linewidth=1)
            axes.plot(
                100 * one.value,
                at + offset,
                MARKERS[sampler],
                color=color,
                markersize=4,
                markerfacecolor="white" if one.verdict == "undecided" else color,
            )
    axes.plot([], [], MARKERS[sampler], color=color, markersize=4, label=sampler)
