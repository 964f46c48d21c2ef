"""Figure 5: how many final models are right about validation examples, by their easiness."""

from __future__ import annotations

from typing import TYPE_CHECKING

from easiness.show import EASY, FAINT, chance_line, quiet, whole_ticks
from easiness.studies.validation.found import Validated

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_validation(validation: Validated, view: int = 0) -> Figure:
    """The binned curve with its intervals, and below it how many examples each bin has.

    Args:
        validation: to show.
        view: which of its views on easiness; the first model's by default.
    """
    from matplotlib.figure import Figure

    shown = validation.views[view]
    figure = Figure(figsize=(5.2, 3.8), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    for axes in (above, below):
        quiet(axes)
    counts = [point.count for point in shown.curve]
    right = [point.right for point in shown.curve]
    above.errorbar(
        counts,
        right,
        [
            [point.right - point.interval[0] for point in shown.curve],
            [point.interval[1] - point.right for point in shown.curve],
        ],
        fmt="o-",
        color=EASY,
        markersize=4.5,
        linewidth=1.8,
        elinewidth=1.2,
        capsize=2.5,
    )
    chance_line(above, validation.chance)
    above.set(ylim=(0, 1.02), ylabel="share of final models\nthat are right")
    below.bar(counts, [point.num_examples for point in shown.curve], 0.82, color=FAINT)
    below.set(
        xlabel=f"number of trials, of {shown.num_trials}, that are right",
        ylabel="examples",
        xlim=(-0.6, shown.num_trials + 0.6),
    )
    whole_ticks(below)
    figure.align_ylabels()
    return figure
