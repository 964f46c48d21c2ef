"""How reproducible the sets of one run are, by epoch and by number of trials, and how they drift."""

from __future__ import annotations

import contextlib
import dataclasses
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from easiness import analysis
from easiness.analysis import best_epoch
from easiness.errors import BadInput
from easiness.show import (
    EASY,
    FONT_SIZE,
    HARD,
    INK,
    chance_line,
    legend_above,
    new_axes,
    share_axis,
    whole_ticks,
)
from easiness.store import Run
from easiness.studies.matching.outlook import Outlook, outlook

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MAX_EPOCHS = 24  # epochs that are looked at; more are thinned out evenly in log scale
_SPLITS = 20
_COLORS = {"easy": EASY, "hard": HARD}


@dataclass(frozen=True)
class Reliability:
    """How reproducible one run's easy and hard sets are, and what they are worth.

    ``drift`` has, by side and epoch, the agreement without noise of the refined sets then with those after
    the last epoch; NaN where it cannot be told, none in groups that are too small to decide anything.
    Sets may repeat well and drift far: early ones do. Of a run on features with these ``shares`` what is said
    of an epoch m is of the m-th share, and what of trials is of heads.
    """

    by_epoch: list[analysis.SplitHalf]
    by_trials: list[analysis.SplitHalf]
    drift: dict[analysis.Side, dict[int, float]]
    outlook: Outlook
    shares: tuple[float, ...] = ()

    @property
    def row_name(self) -> str:
        """What tells the rows apart: ``epoch`` or ``share``."""
        return "share" if self.shares else "epoch"

    @property
    def judges(self) -> str:
        """What is put in groups: ``trials``, or ``heads`` that left an example out."""
        return "heads" if self.shares else "trials"

    def value(self, half: analysis.SplitHalf) -> int | float:
        """The epoch, or the share, of halves of the trials."""
        return self._value(half.epoch)

    def _value(self, row: int) -> int | float:
        return self.shares[row - 1] if self.shares else row

    def best_epoch(self, side: analysis.Side) -> int | None:
        """The epoch, or row, at which the halves match best in this tail, under ``refine``."""
        return best_epoch(self.by_epoch, side)

    def best(self, side: analysis.Side) -> int | float | None:
        """The epoch, or the share, at which the halves match best in this tail."""
        row = self.best_epoch(side)
        return None if row is None else self._value(row)

    def values(self) -> dict[str, Any]:
        """Plain values by name, for a file: of epochs, or of shares."""
        by = self.row_name
        return {
            f"best_{by}": {side: self.best(side) for side in analysis.SIDES},
            f"reliability_by_{by}": [self._values(half) for half in self.by_epoch],
            "reliability_by_trials": [self._values(half) for half in self.by_trials],
            f"drift_by_{by}": self.drifts(),
        }

    def _values(self, half: analysis.SplitHalf) -> dict[str, Any]:
        values = dataclasses.asdict(half)
        return {self.row_name: self._value(values.pop("epoch")), **values}

    def drifts(self) -> dict[analysis.Side, dict[int | float, float]]:
        """``drift`` by epoch, or by share."""
        return {side: {self._value(row): rate for row, rate in of.items()} for side, of in self.drift.items()}


def run_reliability(run: Run, votes: analysis.Votes, *, fraction: float = 0.1, seed: int = 0) -> Reliability:
    """The reliability of a run whose ``votes`` are those after the epoch that it is judged at."""
    epochs = list(run.observed)
    if len(epochs) > _MAX_EPOCHS:
        thinned = np.rint(np.geomspace(1, len(epochs), _MAX_EPOCHS)).astype(int)
        epochs = sorted({*(epochs[place - 1] for place in thinned), votes.epoch})
    last = run.observed[-1]
    most = analysis.MOST_COMPARED
    votes = votes.at_most(most)
    late = votes if last == votes.epoch else run.votes(last, most)
    drawn = {one.epoch: one.at_most(analysis.MOST_EXAMPLES) for one in (votes, late)}
    by_epoch: list[analysis.SplitHalf] = []
    drift: dict[analysis.Side, dict[int, float]] = {side: {} for side in analysis.SIDES}
    spare: analysis.Votes | None = None
    for at in epochs:
        # before anything is learned in some group of trials, easiness has no value there
        with contextlib.suppress(BadInput):
            early = {votes.epoch: votes, last: late}.get(at) or run.votes(at, most, spare)
            # of few examples none are drawn, and the votes themselves are needed again
            spare = None if early in (votes, late) or early.num_examples <= analysis.MOST_EXAMPLES else early
            drawn.setdefault(at, early.at_most(analysis.MOST_EXAMPLES))
            half = analysis.split_half(early, fraction=fraction, max_splits=_SPLITS, seed=seed)
            if half is None:
                continue
            by_epoch.append(half)
            if half.group_size >= analysis.MIN_GROUP:
                for side in analysis.SIDES:
                    rule = analysis.Rule(side, fraction, "refine", seed)
                    drift[side][at] = _drift(early, late, half, rule)
    by_trials = analysis.reliability_by_trials(votes, fraction=fraction, max_splits=_SPLITS, seed=seed)
    if len(by_epoch) == 1 or last not in drift["easy"]:
        drift = {side: {} for side in analysis.SIDES}
    known = drawn if len(run.ids) <= most else None  # examples drawn of those drawn are others
    ahead = outlook(run, votes.epoch, fraction=fraction, seed=seed, known=known)
    return Reliability(by_epoch, by_trials, drift, ahead, run.shares)


def _drift(
    early: analysis.Votes, late: analysis.Votes, half: analysis.SplitHalf, rule: analysis.Rule
) -> float:
    """How far sets at one epoch are those at another, without noise; NaN where it cannot be told.

    ``half`` is the reliability of the early ones, which must exceed chance.
    """
    if early.epoch == late.epoch:
        return 1.0
    if not getattr(half, rule.side).refine > half.chance:
        return math.nan
    return analysis.true_rate(early, late, rule, same_trials=True)


@dataclass(frozen=True)
class ReliabilityCurves:
    """Matching rates between halves against ``x``, whole numbers or shares, named by ``x_name``.

    ``refine`` and ``expected`` are the rates under the two policies for ties, by side; ``drift`` the
    agreement without noise with the sets after the last epoch, where ``x`` are epochs. ``best`` is the
    ``x`` at which a side matches best, where that is to be marked; below ``decided_from`` the halves are
    too small to decide anything.
    """

    x_name: str
    x: list[int | float]
    refine: dict[analysis.Side, list[float]]
    expected: dict[analysis.Side, list[float]]
    drift: dict[analysis.Side, list[float]]
    chance: float
    best: dict[analysis.Side, int | float]
    decided_from: int | None


def curves_by_epoch(reliability: Reliability) -> ReliabilityCurves | None:
    """Agreement by epoch, or by share, the best for each side marked; ``None`` where there are no halves."""
    return _curves(
        reliability.row_name,
        reliability.by_epoch,
        reliability.value,
        best={side: reliability.best(side) for side in analysis.SIDES},
        drift=reliability.drifts(),
    )


def curves_by_trials(reliability: Reliability) -> ReliabilityCurves | None:
    """Agreement by the number of trials, or heads, in each half; ``None`` where no halves can be made."""
    return _curves(
        f"{reliability.judges} in each half",
        reliability.by_trials,
        lambda half: half.group_size,
        decided_from=analysis.MIN_GROUP,
    )


def _curves(
    x_name: str,
    halves: list[analysis.SplitHalf],
    x_of: Callable[[analysis.SplitHalf], int | float],
    *,
    best: Mapping[analysis.Side, int | float | None] | None = None,
    drift: Mapping[analysis.Side, Mapping[int | float, float]] | None = None,
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
    for side in analysis.SIDES:
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
    if curves.x_name == "share":
        share_axis(axes, curves.x)
    else:
        axes.set_xlim(left=0.5)
        whole_ticks(axes)
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
    legend_above(axes, 2)
    return figure
