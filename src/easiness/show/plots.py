"""The plots of results, each by its name: what it shows is computed before, and it only draws."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from easiness.show.svg import EASY, INK, legend_above, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
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


@dataclass(frozen=True, eq=False)
class Curve:
    """Points at ``x`` and ``y``, joined by a ``line``; ``errors`` are the lengths of bars, [n] or [2, n].

    With ``band`` these are a band around the line.
    """

    x: Any
    y: Any
    label: str = ""
    color: str = INK
    marker: str = "o"
    line: str = "-"
    errors: Any = None
    filled: bool = True
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
        markersize=3.5 if thin else 4.5,
        markerfacecolor=one.color if one.filled else "none",
        linestyle=one.line,
        linewidth=1.3 if thin else 1.8,
        elinewidth=1,
        capsize=2.5,
        label=one.label,
    )
