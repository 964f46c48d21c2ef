"""How many examples of each class change."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from easiness.show import EASY, HARD, TRAIN, legend_above, new_axes, whole_ticks
from easiness.studies.cleaning.found import CleanedLabels

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MOST = 15  # classes whose names can be read
_PARTS = {
    "to_others": ("to others", HARD),
    "from_others": ("from others", TRAIN),
    "dropped": ("dropped", EASY),
}


def draw_cleaned(cleaned: CleanedLabels) -> Figure:
    """Bars for the classes that change most: examples that leave them, come to them, and are dropped."""
    table = cleaned.by_class()
    total = table[list(_PARTS)].sum(axis=1)
    shown = table.loc[total.sort_values(ascending=False, kind="stable").index[:_MOST]]
    figure, axes = new_axes(5.2, 1.2 + 0.3 * len(shown))
    places = np.arange(len(shown))
    for row, (column, (name, color)) in enumerate(_PARTS.items()):
        axes.barh(places + 0.27 * (row - 1), shown[column], 0.25, color=color, label=name)
    axes.set_yticks(places, list(shown["class"]), parse_math=False)
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.set(xlabel="examples")
    whole_ticks(axes)
    legend_above(axes, len(_PARTS))
    return figure
