"""The plots of results, each by its name: what it shows is computed before, and it only draws."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from easiness.show.svg import EASY, FONT_SIZE, HARD, INK, LEFT_OUT, TRAIN, legend_above, new_axes, quiet

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def dots_and_mean(
    values: npt.NDArray[np.float64], mean: Sequence[float], label: str, each: str = "trials"
) -> Figure:
    """Values [n] as dots, above their ``mean`` with the ends of its interval, which may be NaN."""
    figure, axes = new_axes(5.2, 1.6 + 0.12 * len(values))
    axes.axvline(0, color=INK, linewidth=0.8, linestyle=":")
    axes.plot(values, np.arange(len(values)), "o", color=INK, markersize=4, label=each)
    value = mean[0]
    low, high = (np.nan_to_num(end, nan=value) for end in mean[1:])
    axes.errorbar(
        [value],
        [-1.5],
        xerr=[[value - low], [high - value]],
        fmt="D",
        color=EASY,
        markersize=5,
        capsize=3,
        label="mean, with its 95 % interval" if len(values) > 1 else "mean",
    )
    axes.set_yticks([])
    axes.set_ylim(-2.5, len(values))
    axes.set(xlabel=label)
    legend_above(axes, 2)
    return figure


_MARKS = ((EASY, "o"), (TRAIN, "^"), (LEFT_OUT, "s"), (HARD, "D"))


@dataclass(frozen=True, eq=False)
class Curve:
    """A line through points [n] at ``x`` [n]: values with the ends of their intervals, which may be NaN."""

    label: str
    x: Sequence[float] | npt.NDArray[np.float64]
    points: Sequence[tuple[float, float, float]]


@dataclass(frozen=True, eq=False)
class Panel:
    """Curves in one pair of axes."""

    title: str
    curves: Sequence[Curve]


def curves(
    panels: Sequence[Sequence[Panel]],
    x: str,
    y: str,
    *,
    level: tuple[str, float] | None = None,
    within: tuple[float, float] | None = None,
    log: bool = False,
) -> Figure:
    """Rows of panels, whose curves look alike where they are named alike, with error bars.

    ``level`` is the name and the height of a dotted line, ``within`` the ends of the y axis. With ``log`` a
    step of the x axis is a doubling.
    """
    figure, grid = _grid(len(panels), len(panels[0]), 3.1, 2.4)
    for panel, axes in zip(chain(*panels), grid.flat, strict=True):
        for curve, (color, mark) in zip(panel.curves, _MARKS, strict=False):
            value, low, high = np.array(curve.points).T
            reach = np.nan_to_num([value - low, high - value])
            axes.errorbar(
                curve.x, value, reach, label=curve.label, color=color, marker=mark, markersize=4,
                linewidth=1.4, elinewidth=0.8, capsize=2,
            )  # fmt: skip
        if level is not None:
            axes.axhline(level[1], color=INK, linewidth=0.8, linestyle=":", label=level[0])
        axes.set_title(panel.title, fontsize=FONT_SIZE, color=INK, loc="left")
        if within is not None:
            axes.set_ylim(*within)
        if log:
            axes.set_xscale("log", base=2)
            axes.xaxis.set_major_formatter("{x:g}")
    for axes in grid[-1]:
        axes.set_xlabel(x)
    for axes in grid[:, 0]:
        axes.set_ylabel(y)
    handles, labels = grid[0, 0].get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="outside upper left", ncols=len(labels), frameon=False, fontsize=FONT_SIZE,
        labelcolor=INK,
    )  # fmt: skip
    return figure


def pictures(
    rows: Sequence[Sequence[npt.NDArray[np.floating]]], titles: Sequence[str], most: float
) -> Figure:
    """Rows of gray pictures [height, width], black at ``-most`` and white at ``most``, below ``titles``."""
    figure, grid = _grid(len(rows), len(titles), 0.9, 0.9)
    for values, axes in zip(chain(*rows), grid.flat, strict=True):
        axes.imshow(values, cmap="gray", vmin=-most, vmax=most, interpolation="nearest")
        axes.set_axis_off()
    for axes, title in zip(grid[0], titles, strict=True):
        axes.set_title(title, fontsize=FONT_SIZE, color=INK)
    return figure


def _grid(rows: int, columns: int, width: float, height: float) -> tuple[Figure, Any]:
    """A figure with panels [rows, columns] of so many inches."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(0.4 + width * columns, 0.5 + height * rows), layout="constrained")
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for axes in grid.flat:
        quiet(axes)
    return figure, grid
