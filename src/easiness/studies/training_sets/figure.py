"""Figure 4: accuracy against the share of examples dropped or relabelled."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from easiness import show

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from easiness.studies.training_sets.trained_sets import TrainingSetStudy

_STYLES = {"easy": (show.EASY, "o", "-"), "hard": (show.HARD, "s", "--"), "random": (show.INK, "D", "-.")}
_OTHERS = [(show.TRAIN, "^", "-"), (show.LEFT_OUT, "v", "--"), (show.HELD_OUT, "X", "-.")]
_WORDS = {"drop": "dropped", "relabel": "with random labels"}
_APART = 0.007  # in rate, so that error bars do not hide each other


def draw_by_rate(study: TrainingSetStudy) -> Figure:
    """Held-out accuracy after the last epoch against the rate; bars are a standard deviation each way."""
    figure, axes = show.new_axes(5.2, 3.3)
    styles = _styles(study)
    for at, policy in enumerate(study.policies):
        color, marker, line = styles[policy]
        points = study.of(policy)
        shift = _APART * (at - (len(study.policies) - 1) / 2)
        axes.errorbar(
            [point.rate + (shift if point.rate else 0) for point in points],
            [point.mean[-1] for point in points],
            yerr=np.nan_to_num([point.deviation[-1] for point in points]),
            color=color,
            marker=marker,
            linestyle=line,
            linewidth=1.6,
            markersize=4.5,
            capsize=2.5,
            elinewidth=1,
            label=_label(policy),
        )
    show.chance_line(axes, study.chance)
    axes.set(
        xlabel=f"share of training examples {_WORDS[study.effect]}",
        ylabel="held-out accuracy",
    )
    axes.set_xlim(min(study.rates) - 0.03, max(study.rates) + 0.03)
    axes.set_ylim(bottom=0)
    show.legend_above(axes, 4)
    return figure


def _styles(study: TrainingSetStudy) -> dict[str, tuple[str, str, str]]:
    others = [policy for policy in study.policies if policy not in _STYLES]
    return _STYLES | {policy: _OTHERS[at % len(_OTHERS)] for at, policy in enumerate(others)}


def _label(policy: str) -> str:
    return f"mainly {policy}" if policy in ("easy", "hard", "top", "bottom") else policy
