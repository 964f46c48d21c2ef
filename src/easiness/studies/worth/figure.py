"""Accuracy against the share kept: a panel a size, a line for what is kept, dashed with suspects out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from easiness import show
from easiness.studies.worth.cells import ALL, EASIEST, HARDEST, RANDOM

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from easiness.studies.worth.value import Line, Worth

_STYLES = {EASIEST: (show.EASY, "o"), HARDEST: (show.HARD, "s"), RANDOM: (show.INK, "D")}
_MOST = 4  # panels
_WIDTH, _HEIGHT = 2.1, 3.4
_BELOW, _ROOM = 0.15, 0.02  # of accuracy: what is farther below all examples is not drawn


def draw_worth(worth: Worth) -> Figure:
    """The largest sizes, at most four; a dotted line is the accuracy of all examples of the size.

    What is far below them all, as the hardest with the wrong labels among them may be, leaves the panel.
    """
    panels = list(worth.by_size())[-_MOST:]
    figure, first = show.new_axes(1.0 + _WIDTH * len(panels), _HEIGHT)
    grid = figure.add_gridspec(1, len(panels))
    first.set_subplotspec(grid[0])
    others = [figure.add_subplot(grid[at], sharey=first) for at in range(1, len(panels))]
    for axes, (size, lines) in zip([first, *others], panels, strict=True):
        _draw(axes, size, lines)
    for axes in others:
        axes.tick_params(labelleft=False)
    first.set_ylabel("accuracy")
    lowest = min(line.accuracy for _, lines in panels for line in lines)
    worst = min(_everything(lines).accuracy for _, lines in panels)
    first.set_ylim(bottom=max(lowest - _ROOM, worst - _BELOW))
    handles, labels = first.get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="outside upper left", ncols=min(len(panels) + 1, 4), frameon=False,
        fontsize=show.FONT_SIZE, labelcolor=show.INK,
    )  # fmt: skip
    return figure


def _everything(lines: list[Line]) -> Line:
    return next(line for line in lines if line.cell.kept == ALL and not line.cell.suspects_out)


def _draw(axes: Axes, size: int, lines: list[Line]) -> None:
    show.quiet(axes)
    axes.axhline(_everything(lines).accuracy, color=show.INK, linewidth=0.8, linestyle=":", label="all")
    for out in (False, True):
        for kept, (color, marker) in _STYLES.items():
            own = [one for one in lines if one.cell.kept == kept and one.cell.suspects_out == out]
            own = sorted((one for one in own if one.cell.share is not None), key=lambda one: one.num)
            axes.plot(
                [one.num / size for one in own],
                [one.accuracy for one in own],
                color=color,
                marker=marker,
                markersize=4,
                linewidth=1.4,
                linestyle="--" if out else "-",
                markerfacecolor="none" if out else color,
                label=f"{kept}, suspects out" if out else kept,
            )
    sound = next((one for one in lines if one.cell.kept == ALL and one.cell.suspects_out), None)
    if sound is not None and sound.num < size:
        axes.plot(
            [sound.num / size],
            [sound.accuracy],
            "*",
            color=show.TRAIN,
            markersize=9,
            label="all but suspects",
        )
    axes.set_title(f"{size:,} labelled", fontsize=show.FONT_SIZE, color=show.INK)
    axes.set_xlabel("share kept")
    axes.set_xticks(np.arange(0, 1.01, 0.25), ["0", "", "0.5", "", "1"])
    axes.set_xlim(0, 1.04)
