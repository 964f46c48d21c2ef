"""How the margins of labels are spread, and how many of them are expected to be wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from easiness.show import FAINT, HARD, legend_above, new_axes
from easiness.studies.suspects.found import RankedLabels

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_BINS = 40


def draw_suspects(found: RankedLabels) -> Figure:
    """A histogram of the mean margin of the label, the expected number of wrong ones in the color of hard."""
    figure, axes = new_axes(5.2, 2.9)
    margin = found.ranked["margin"].to_numpy()
    p_wrong = found.ranked["p_wrong"].to_numpy()
    axes.hist(
        [margin, margin],
        _BINS,
        weights=[p_wrong, 1 - p_wrong],
        stacked=True,
        color=[HARD, FAINT],
        label=["wrong labels, expected", "sound labels"],
    )
    axes.set(xlabel="margin of the label, mean over trials (nats)", ylabel="examples")
    legend_above(axes, 2)
    return figure
