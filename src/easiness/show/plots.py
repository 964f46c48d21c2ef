"""The plots of results, each by its name: what it shows is computed before, and it only draws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from easiness.lazy import Array, Axes, Figure, Floats
from easiness.show.svg import EASY, FONT_SIZE, INK, legend_above, new_axes, new_figure, new_panels


def dots_and_mean(values: Floats, mean: Sequence[float], label: str, each: str = "trials") -> Figure:
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
    """Draw a dot with its interval (value, low, high; NaN is none) for each name in series with colors."""
    figure, axes = new_axes(5.2, 1.2 + 0.35 * len(names))
    for row, (name, (estimates, color)) in enumerate(series.items()):
        values, low, high = np.array(estimates, np.float64).reshape(-1, 3).T
        places = np.arange(len(names)) + 0.24 * (row - (len(series) - 1) / 2)
        axes.hlines(places, low, high, color=color, linewidth=3, alpha=0.5)
        axes.plot(values, places, "o", color=color, label=name)
    _name_rows(axes, names, label, len(series))
    return figure


def bars(names: Sequence[str], series: Mapping[str, tuple[Sequence[float], str]], label: str) -> Figure:
    """Draw a bar for each name, the first on top, in each of the series, which have a name and a color."""
    figure, axes = new_axes(5.2, 1.2 + 0.3 * len(names))
    height = 0.8 / len(series)
    for row, (name, (lengths, color)) in enumerate(series.items()):
        places = np.arange(len(names)) + height * (row - (len(series) - 1) / 2)
        axes.barh(places, lengths, 0.9 * height, color=color, label=name)
    axes.grid(visible=False, axis="y")
    _name_rows(axes, names, label, len(series))
    return figure


def _name_rows(axes: Axes, names: Sequence[str], label: str, num_series: int) -> None:
    axes.set_yticks(range(len(names)), list(names), parse_math=False)
    axes.set(xlabel=label, ylim=(max(len(names), 1) - 0.5, -0.5))
    if num_series > 1:
        legend_above(axes, num_series)


@dataclass(frozen=True, eq=False)
class Curve:
    """Points joined by a ``line``; ``errors`` [n] or [2, n] are bars, or with ``band`` a band around it."""

    x: Any
    y: Any
    label: str = ""
    color: str = INK
    marker: str = "o"
    line: str = "-"
    errors: Any = None
    solid: bool = True
    band: bool = False


def draw_curve(axes: Axes, one: Curve) -> None:
    """Draw a curve, whose errors may be NaN."""
    errors = None if one.errors is None else np.maximum(np.nan_to_num(one.errors), 0)
    if one.band and errors is not None:
        low, high = (np.asarray(one.y) + sign * end for sign, end in zip((-1, 1), errors, strict=True))
        axes.fill_between(one.x, low, high, color=one.color, alpha=0.15, linewidth=0)
        errors = None
    thin = one.line == ":"
    axes.errorbar(
        one.x,
        one.y,
        errors,
        color=one.color,
        marker=one.marker,
        markersize=9 if one.marker == "*" else 3.5 if thin else 4.5,
        markerfacecolor=one.color if one.solid else "none",
        linestyle=one.line,
        linewidth=1.3 if thin else 1.8,
        elinewidth=1,
        capsize=2.5,
        label=one.label,
    )


def curves(
    panels: Mapping[str, Sequence[Curve]],
    size: tuple[float, float],
    *,
    x: str,
    y: str,
    columns: int = 3,
    across: int | None = None,
) -> Figure:
    """Curves in panels by their titles, ``across`` in a row, with one y axis; their names stand above."""
    across = across or len(panels)
    figure, places = new_panels(*size, -(-len(panels) // across), across, sharey=True)
    for axes in places[len(panels) :]:
        axes.remove()
    for at, (axes, (title, lines)) in enumerate(zip(places, panels.items(), strict=False)):
        for one in lines:
            draw_curve(axes, one)
        axes.set_title(title, fontsize=FONT_SIZE, color=INK)
        axes.set(xlabel=x, ylabel="" if at % across else y)
    handles, labels = places[0].get_legend_handles_labels()
    if labels:
        figure.legend(
            handles, labels, loc="outside upper left", ncols=columns, frameon=False, fontsize=FONT_SIZE,
            labelcolor=INK,
        )  # fmt: skip
    return figure


def pictures(rows: Sequence[Sequence[Array]], titles: Sequence[str], most: float) -> Figure:
    """Rows of gray pictures [height, width], black at ``-most`` and white at ``most``, below ``titles``."""
    figure = new_figure(0.4 + 0.9 * len(titles), 0.5 + 0.9 * len(rows), layout="constrained")
    grid = figure.subplots(len(rows), len(titles), squeeze=False)
    for row, panels in zip(rows, grid, strict=True):
        for values, axes in zip(row, panels, strict=True):
            axes.imshow(values, cmap="gray", vmin=-most, vmax=most, interpolation="nearest")
            axes.set_axis_off()
    for title, axes in zip(titles, grid[0], strict=True):
        axes.set_title(title, fontsize=FONT_SIZE, color=INK)
    return figure
