"""How reproducible the sets of one run are, by epoch and by number of trials, and how far they drift."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

import numpy as np

from easiness.analysis import (
    MIN_GROUP,
    MOST_EXAMPLES,
    SIDES,
    Rule,
    Side,
    SplitHalf,
    Votes,
    best_epoch,
    match_groups,
    reliability_by_trials,
    split_half,
    without_noise,
)
from easiness.errors import BadInput
from easiness.store import Run
from easiness.studies.matching.outlook import Outlook, outlook

_MAX_EPOCHS = 24  # epochs that are looked at; more are thinned out evenly in log scale
_SPLITS = 20


@dataclass(frozen=True)
class Reliability:
    """How reproducible one run's easy and hard sets are, and what they are worth.

    ``drift`` has, by side and epoch, the agreement without noise of the refined sets then with those after
    the last epoch; NaN where it cannot be told, none in groups that are too small to decide anything.
    Sets may repeat well and drift far: early ones do.
    """

    by_epoch: list[SplitHalf]
    by_trials: list[SplitHalf]
    drift: dict[Side, dict[int, float]]
    outlook: Outlook

    def best_epoch(self, side: Side) -> int | None:
        """The epoch at which the halves match best in this tail, under ``refine``."""
        return best_epoch(self.by_epoch, side)


def run_reliability(run: Run, votes: Votes, *, fraction: float = 0.1, seed: int = 0) -> Reliability:
    """The reliability of a run whose ``votes`` are those after the epoch that it is judged at."""
    epochs = list(run.observed)
    if len(epochs) > _MAX_EPOCHS:
        thinned = np.rint(np.geomspace(1, len(epochs), _MAX_EPOCHS)).astype(int)
        epochs = sorted({*(epochs[place - 1] for place in thinned), votes.epoch})
    last = run.observed[-1]
    late = votes if last == votes.epoch else run.votes(last)
    drawn = {one.epoch: one.at_most(MOST_EXAMPLES) for one in (votes, late)}
    by_epoch: list[SplitHalf] = []
    across: dict[Side, dict[int, float]] = {side: {} for side in SIDES}
    spare: Votes | None = None
    for at in epochs:
        # before anything is learned in some group of trials, easiness has no value there
        with contextlib.suppress(BadInput):
            early = {votes.epoch: votes, last: late}.get(at) or run.votes(at, spare=spare)
            # of few examples none are drawn, and the votes themselves are needed again
            spare = None if early in (votes, late) or early.num_examples <= MOST_EXAMPLES else early
            drawn.setdefault(at, early.at_most(MOST_EXAMPLES))
            half = split_half(early, fraction=fraction, max_splits=_SPLITS, seed=seed)
            if half is None:
                continue
            by_epoch.append(half)
            for side in SIDES:
                across[side][at] = _across(early, late, side, fraction, seed)
    by_trials = reliability_by_trials(votes, fraction=fraction, max_splits=_SPLITS, seed=seed)
    drift = {side: _without_noise(across[side], by_epoch, side, last, fraction) for side in SIDES}
    ahead = outlook(run, votes.epoch, fraction=fraction, seed=seed, known=drawn)
    return Reliability(by_epoch, by_trials, drift, ahead)


def _across(early: Votes, late: Votes, side: Side, fraction: float, seed: int) -> float:
    """How far groups at one epoch match groups of other trials at another."""
    match = match_groups(
        early,
        late,
        Rule(side=side, fraction=fraction, ties="refine", seed=seed),
        max_splits=_SPLITS,
        num_replicates=0,
        by_class=False,
    )
    assert match is not None
    return match.rate


def _without_noise(
    across: dict[int, float], halves: list[SplitHalf], side: Side, last: int, fraction: float
) -> dict[int, float]:
    ceilings = {half.epoch: getattr(half, side).refine for half in halves}
    if last not in ceilings or halves[0].group_size < MIN_GROUP or len(halves) == 1:
        return {}
    return {
        at: 1.0 if at == last else float(without_noise(rate, ceilings[at], ceilings[last], fraction))
        for at, rate in across.items()
    }
