"""The plots of results, each by its name: what it shows is computed before, and it only draws."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from easiness.show.svg import EASY, INK, legend_above, new_axes

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


def bars(names: Iterable[str], values: Iterable[float], label: str) -> Figure:
    """A horizontal bar for each name, the first on top."""
    shown, lengths = list(map(str, names)), list(values)
    figure, axes = new_axes(5.2, 1.0 + 0.28 * len(shown))
    axes.barh(shown, lengths, color=EASY, height=0.6)
    axes.invert_yaxis()
    axes.grid(visible=False)
    axes.set(xlabel=label)
    return figure
