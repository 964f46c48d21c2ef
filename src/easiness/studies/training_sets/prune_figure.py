"""How the scores of kept and of dropped examples are spread."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from easiness.show import FAINT, TRAIN, legend_above, new_axes
from easiness.studies.training_sets.kept import Kept

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_BINS = 30


def draw_pruned(pruned: Kept) -> Figure:
    """A histogram of the score, the kept and the dropped examples stacked; those without a score left out."""
    figure, axes = new_axes(5.2, 2.9)
    defined = ~np.isnan(pruned.values)
    parts = [pruned.values[pruned.kept & defined], pruned.values[~pruned.kept & defined]]
    axes.hist(parts, _BINS, stacked=True, color=[TRAIN, FAINT], label=["kept", "dropped"])
    axes.set(xlabel=f"{pruned.score} after epoch {pruned.epoch}", ylabel="examples")
    legend_above(axes, 2)
    return figure
