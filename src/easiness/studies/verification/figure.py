"""What each pair of trials gains by other labels, and all together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from easiness.show import EASY, INK, legend_above, new_axes
from easiness.studies.verification.found import VerifiedLabels

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_verification(verified: VerifiedLabels) -> Figure:
    """The gain of each trial in points of accuracy, above their mean with its 95 % interval if any."""
    gains = 100 * (verified.after - verified.before)
    figure, axes = new_axes(5.2, 1.6 + 0.12 * len(gains))
    axes.axvline(0, color=INK, linewidth=0.8, linestyle=":")
    axes.plot(gains, np.arange(len(gains)), "o", color=INK, markersize=4, label="trials")
    value = 100 * verified.gain.value
    low, high = (np.nan_to_num(100 * end, nan=value) for end in verified.gain.interval)
    axes.errorbar(
        [value],
        [-1.5],
        xerr=[[value - low], [high - value]],
        fmt="D",
        color=EASY,
        markersize=5,
        capsize=3,
        label="mean, with its 95 % interval" if len(gains) > 1 else "mean",
    )
    axes.set_yticks([])
    axes.set_ylim(-2.5, len(gains))
    axes.set(xlabel="gain in held-out accuracy (points)")
    legend_above(axes, 2)
    return figure
