"""The plots of results, each by its name: what it shows is computed before, and it only draws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from easiness.show.svg import EASY, FONT_SIZE, INK, legend_above, new_axes, quiet

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


def dots_with_intervals(
    names: Sequence[str], series: Mapping[str, tuple[Sequence[Sequence[float]], str]], label: str
) -> Figure:
    """Of each name, the first on top, a dot with its interval (value, low and high) in each of the series.

    A series has a name and a color. What is not there is NaN.
    """
    figure, axes = new_axes(5.2, 1.2 + 0.35 * len(names))
    for row, (name, (found, color)) in enumerate(series.items()):
        values, low, high = np.array(found, np.float64).T
        places = np.arange(len(names)) + 0.24 * (row - (len(series) - 1) / 2)
        axes.hlines(places, low, high, color=color, linewidth=3, alpha=0.5)
        axes.plot(values, places, "o", color=color, label=name)
    axes.set_yticks(range(len(names)), list(names), parse_math=False)
    axes.set(xlabel=label, ylim=(len(names) - 0.5, -0.5))
    if len(series) > 1:
        legend_above(axes, len(series))
    return figure


def bars(names: Sequence[str], series: Mapping[str, tuple[Sequence[float], str]], label: str) -> Figure:
    """Of each name, the first on top, a bar in each of the series, which have a name and a color."""
    figure, axes = new_axes(5.2, 1.2 + 0.3 * len(names))
    height = 0.8 / len(series)
    for row, (name, (lengths, color)) in enumerate(series.items()):
        places = np.arange(len(names)) + height * (row - (len(series) - 1) / 2)
        axes.barh(places, lengths, 0.9 * height, color=color, label=name)
    axes.set_yticks(range(len(names)), list(names), parse_math=False)
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.set(xlabel=label)
    if len(series) > 1:
        legend_above(axes, len(series))
    return figure


@dataclass(frozen=True, eq=False)
class Curve:
    """Points at ``x`` and ``y``, joined by a ``line``; ``errors`` are the lengths of bars, [n] or [2, n]."""

    x: Any
    y: Any
    label: str = ""
    color: str = INK
    marker: str = "o"
    line: str = "-"
    errors: Any = None
    filled: bool = True


def curves(
    panels: Mapping[str, Sequence[Curve]], size: tuple[float, float], *, x: str, y: str, columns: int = 3
) -> Figure:
    """Curves in panels by their titles, beside each other with one y axis; their names stand above."""
    figure, first = new_axes(*size)
    grid = figure.add_gridspec(1, len(panels))
    first.set_subplotspec(grid[0])
    others = [figure.add_subplot(grid[at], sharey=first) for at in range(1, len(panels))]
    for axes, (title, drawn) in zip([first, *others], panels.items(), strict=True):
        quiet(axes)
        for one in drawn:
            axes.errorbar(
                one.x,
                one.y,
                yerr=one.errors,
                color=one.color,
                marker=one.marker,
                markersize=9 if one.marker == "*" else 4,
                markerfacecolor=one.color if one.filled else "none",
                linestyle=one.line,
                linewidth=0.8 if one.line == ":" else 1.4,
                capsize=2,
                label=one.label,
            )
        axes.set_title(title, fontsize=FONT_SIZE, color=INK)
        axes.set_xlabel(x)
        axes.tick_params(labelleft=axes is first)
    first.set_ylabel(y)
    handles, labels = first.get_legend_handles_labels()
    if labels:
        figure.legend(
            handles, labels, loc="outside upper left", ncols=columns, frameon=False, fontsize=FONT_SIZE,
            labelcolor=INK,
        )  # fmt: skip
    return figure
