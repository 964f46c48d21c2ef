"""The confidence of each example before and after."""

from __future__ import annotations

from typing import TYPE_CHECKING

from easiness.show import EASY, FAINT, HARD, legend_above, new_axes
from easiness.studies.versions.found import ChangedExamples

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_DRAWN = 2_000  # examples of each kind: more make a file of megabytes and cover each other
_KINDS = (("unchanged", FAINT, 4.0), ("harder", HARD, 14.0), ("easier", EASY, 14.0))


def draw_changes(found: ChangedExamples) -> Figure:
    """Confidence after over confidence before, a point an example, those that changed above the others.

    Of more examples than can be told apart those drawn are spread evenly over the table.
    """
    figure, axes = new_axes(4.6, 4.6)
    axes.axline((0, 0), slope=1, color=FAINT, linewidth=0.8)
    for kind, color, size in _KINDS:
        rows = found.examples[found.examples["change"] == kind]
        step = max(-(-len(rows) // _DRAWN), 1)
        shown = rows.iloc[::step]
        name = f"{kind} ({len(rows):,})"
        if not len(rows):
            continue
        axes.scatter(
            shown["confidence_old"],
            shown["confidence_new"],
            s=size,
            color=color,
            label=name,
            linewidths=0,
            clip_on=False,
        )
    axes.set(xlabel="confidence before", ylabel="confidence after", xlim=(0, 1), ylim=(0, 1), aspect="equal")
    legend_above(axes, 2)
    return figure
