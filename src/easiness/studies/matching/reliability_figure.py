"""How far two halves of the trials agree on the easy and hard sets, by epoch and by number of trials."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from easiness.analysis import MIN_GROUP, SIDES, Side, SplitHalf
from easiness.show import EASY, FONT_SIZE, HARD, INK, chance_line, legend_above, new_axes, whole_ticks
from easiness.studies.matching.reliability import Reliability

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_COLORS = {"easy": EASY, "hard": HARD}


@dataclass(frozen=True)
class ReliabilityCurves:
    """Matching rates between halves against ``x``, whole numbers named by ``x_name``.

    ``refine`` and ``expected`` are the rates under the two policies for ties, by side; ``drift`` the
    agreement without noise with the sets after the last epoch, where ``x`` are epochs. ``best`` is the
    ``x`` at which a side matches best, where that is to be marked; below ``decided_from`` the halves are
    too small to decide anything.
    """

    x_name: str
    x: list[int]
    refine: dict[Side, list[float]]
    expected: dict[Side, list[float]]
    drift: dict[Side, list[float]]
    chance: float
    best: dict[Side, int]
    decided_from: int | None


def curves_by_epoch(reliability: Reliability) -> ReliabilityCurves | None:
    """Agreement after each epoch, the best for each side marked; ``None`` where no halves can be made."""
    best = {side: reliability.best_epoch(side) for side in SIDES}
    return _curves("epoch", reliability.by_epoch, lambda half: half.epoch, best=best, drift=reliability.drift)


def curves_by_trials(reliability: Reliability) -> ReliabilityCurves | None:
    """Agreement by the number of trials in each half; ``None`` where no halves can be made."""
    return _curves(
        "trials in each half", reliability.by_trials, lambda half: half.group_size, decided_from=MIN_GROUP
    )


def _curves(
    x_name: str,
    halves: list[SplitHalf],
    x_of: Callable[[SplitHalf], int],
    *,
    best: dict[Side, int | None] | None = None,
    drift: dict[Side, dict[int, float]] | None = None,
    decided_from: int | None = None,
) -> ReliabilityCurves | None:
    if not halves:
        return None
    return ReliabilityCurves(
        x_name=x_name,
        x=[x_of(half) for half in halves],
        refine={"easy": [h.easy.refine for h in halves], "hard": [h.hard.refine for h in halves]},
        expected={"easy": [h.easy.expected for h in halves], "hard": [h.hard.expected for h in halves]},
        drift={side: [of.get(x_of(h), math.nan) for h in halves] for side, of in (drift or {}).items()},
        chance=halves[0].chance,
        best={side: x for side, x in (best or {}).items() if x is not None},
        decided_from=decided_from,
    )


def draw_reliability(curves: ReliabilityCurves) -> Figure:
    """Lines for both sides, policies and the drift; chance, best epochs and too small groups are marked."""
    figure, axes = new_axes(4.4, 3.1)
    for side in SIDES:
        color = _COLORS[side]
        rates = curves.refine[side]
        axes.plot(curves.x, rates, "o-", color=color, linewidth=1.8, markersize=3.5, label=f"{side}, refine")
        axes.plot(
            curves.x,
            curves.expected[side],
            "s--",
            color=color,
            linewidth=1.2,
            markersize=3,
            markerfacecolor="none",
            label=f"{side}, expected",
        )
        if side in curves.drift:
            axes.plot(curves.x, curves.drift[side], ":", color=color, linewidth=1.6, label=f"{side}, drift")
        if side in curves.best:
            at = curves.best[side]
            axes.plot(at, rates[curves.x.index(at)], "o", color=color, markersize=10, fillstyle="none")
    chance_line(axes, curves.chance)
    axes.set(xlabel=curves.x_name, ylabel="matching rate", ylim=(0, 1.02))
    axes.set_xlim(left=0.5)
    if curves.decided_from is not None:
        low, high = axes.get_xlim()
        right = min(high, curves.decided_from - 0.5)
        axes.axvspan(low, right, color=INK, alpha=0.06, linewidth=0)
        axes.annotate(
            f"under {curves.decided_from}: undecided",
            (low, 1),
            xycoords=("data", "axes fraction"),
            xytext=(3, -3),
            textcoords="offset points",
            va="top",
            color=INK,
            fontsize=FONT_SIZE - 1,
        )
        axes.set_xlim(low, high)
    whole_ticks(axes)
    legend_above(axes, 2)
    return figure
