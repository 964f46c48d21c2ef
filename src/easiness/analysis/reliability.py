"""The reliability of easiness: how far halves of the trials agree, and late epochs with the last one."""

from __future__ import annotations

import contextlib
import copy
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from easiness.analysis.ceiling import disjoint_splits, match_groups, mean_defined
from easiness.analysis.matching import Rule, joint_tally
from easiness.analysis.sides import Side, num_selected
from easiness.analysis.true_agreement import Agreement, Measured, agreement
from easiness.analysis.votes import Votes
from easiness.errors import BadInput

CHANGED, SURELY = 0.9, 0.95
"""An agreement between epochs, and the end of its interval, below which the sets are said to change still."""

_SPLITS, _REPLICATES = 20, 100

_SIZES = (1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100)


@dataclass(frozen=True)
class TailReliability:
    """Matching of one tail between halves: rates under both policies, and the mean tie mass of a half."""

    expected: float
    refine: float
    tie_mass: float


@dataclass(frozen=True)
class SplitHalf:
    """Agreement of easiness between disjoint groups of ``group_size`` trials after ``epoch`` epochs.

    Means over ``num_splits`` choices of groups. ``rank_correlation`` is Spearman's of the easiness of all
    examples, with average ranks for ties, and ``spearman_brown`` what it predicts for groups twice the
    size; NaN where all examples are equally easy. ``chance`` is that of both tails' matching rates.
    """

    epoch: int
    group_size: int
    num_splits: int
    rank_correlation: float
    spearman_brown: float
    easy: TailReliability
    hard: TailReliability
    chance: float


def level_ranks(per_level: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Ranks from 1 of the examples of each level, the average rank for ties, by how many are in each."""
    ranks: npt.NDArray[np.float64] = np.cumsum(per_level) - (per_level - 1) / 2
    return ranks


def _spearman(joint: npt.NDArray[np.int64]) -> float:
    """The rank correlation of two groups' counts, from how many examples have each pair of them."""
    x, y = level_ranks(joint.sum(axis=1)), level_ranks(joint.sum(axis=0))
    middle = (joint.sum() + 1) / 2
    x -= middle
    y -= middle
    xx, yy = float(joint.sum(axis=1) @ x**2), float(joint.sum(axis=0) @ y**2)
    scale = math.sqrt(xx * yy)
    return float(x @ joint @ y) / scale if scale > 0 else math.nan


def spearman_brown(correlation: float) -> float:
    """Reliability of twice as many trials, 2r / (1 + r); NaN for r = -1 or NaN."""
    return 2 * correlation / (1 + correlation) if correlation > -1 else math.nan


def split_half(
    votes: Votes,
    group_size: int | None = None,
    *,
    fraction: float = 0.1,
    max_splits: int = 20,
    seed: int = 0,
) -> SplitHalf | None:
    """Split-half reliability from groups of ``group_size`` trials (half of them all unless given).

    Averaged over all choices of two disjoint groups or ``max_splits`` random ones. None with one trial.
    """
    largest = votes.num_trials // 2
    if largest == 0:
        return None
    h = largest if group_size is None else group_size
    if not 1 <= h <= largest:
        raise BadInput(f"group size {h}: not in 1..{largest}; give half of the number of trials at most")
    splits = disjoint_splits(votes, votes, h, max_splits=max_splits, seed=seed)
    for rows in (splits.a, splits.b):
        votes.check_heard(rows)
    correlation = mean_defined(
        _spearman(joint_tally(votes.correct[ours], votes.correct[theirs]))
        for ours, theirs in zip(splits.a, splits.b, strict=True)
    )
    easy, chance = _tail(votes, "easy", h, fraction, max_splits, seed)
    hard, _ = _tail(votes, "hard", h, fraction, max_splits, seed)
    return SplitHalf(
        epoch=votes.epoch,
        group_size=h,
        num_splits=len(splits),
        rank_correlation=correlation,
        spearman_brown=spearman_brown(correlation),
        easy=easy,
        hard=hard,
        chance=chance,
    )


def _tail(
    votes: Votes, side: Side, group_size: int, fraction: float, max_splits: int, seed: int
) -> tuple[TailReliability, float]:
    """Reliability of one tail and its chance, over the same choices of groups for every tail and policy."""
    expected, refine = (
        match_groups(
            votes,
            votes,
            Rule(side=side, fraction=fraction, ties=ties, seed=seed),
            group_size=group_size,
            max_splits=max_splits,
            num_replicates=0,
            by_class=False,
        )
        for ties in ("expected", "refine")
    )
    assert expected is not None
    assert refine is not None
    tail = TailReliability(expected.rate, refine.rate, sum(expected.tie_mass) / 2)
    return tail, expected.chance


def reliability_by_trials(
    votes: Votes, *, fraction: float = 0.1, max_splits: int = 20, seed: int = 0
) -> list[SplitHalf]:
    """`split_half` at group sizes 1, 2, 3, 5, 7, 10, ... up to half of the trials; empty with one trial.

    Sizes are left out at which no trial of some group is right about any example.
    """
    largest = votes.num_trials // 2
    sizes = sorted({h for h in _SIZES if h < largest} | ({largest} if largest else set()))
    num_selected(votes.num_examples, fraction)  # a wrong fraction is no reason to leave sizes out
    halves = []
    for h in sizes:
        with contextlib.suppress(BadInput):
            halves.append(split_half(votes, h, fraction=fraction, max_splits=max_splits, seed=seed))
    return [half for half in halves if half is not None]


def best_epoch(halves: Iterable[SplitHalf], side: Side) -> int | None:
    """The epoch whose halves match best in this tail under ``refine``: the first of equals, None if none.

    ``halves`` has one entry per epoch, all with groups of one size.
    """
    rates = {half.epoch: (half.easy if side == "easy" else half.hard).refine for half in halves}
    defined = {epoch: rate for epoch, rate in rates.items() if not math.isnan(rate)}
    return min(defined, key=lambda epoch: (-defined[epoch], epoch)) if defined else None


@dataclass(frozen=True)
class Drift:
    """The agreement, without noise, of one side's sets after ``epoch`` epochs with those after ``last``.

    ``decided`` is whether the groups of trials are large enough to decide anything.
    """

    side: Side
    epoch: int
    last: int
    agreement: Agreement
    decided: bool

    @property
    def goes_on(self) -> bool:
        """Is it shown that the sets changed, by more than a tenth as far as can be told?"""
        return self.decided and self.agreement.rate < CHANGED and self.agreement.high < SURELY


def drift(early: Votes, late: Votes, *, side: Side, fraction: float = 0.1, seed: int = 0) -> Drift | None:
    """Compare refined sets of a run at two epochs, in groups without a common trial; None with one trial."""
    rule = Rule(side, fraction, "refine", seed)
    found = [
        match_groups(
            a,
            b,
            rule,
            max_splits=_SPLITS,
            num_replicates=_REPLICATES,
            by_class=False,
        )
        for a, b in ((early, late), (early, copy.copy(early)), (late, copy.copy(late)))
    ]
    matches = [one for one in found if one is not None]
    if len(matches) < len(found):
        return None
    pair, *ceilings = matches
    ours, theirs = (
        Measured(f"epoch {votes.epoch}", votes, ceiling)
        for votes, ceiling in zip((early, late), ceilings, strict=True)
    )
    agreed = agreement(ours, theirs, pair, rule, same_trials=True)
    return Drift(side, early.epoch, late.epoch, agreed, pair.decided)


def before_last_quarter(epochs: Sequence[int]) -> int | None:
    """The last of the ``epochs`` observed (ascending) before the last quarter; None with one alone."""
    earlier = [epoch for epoch in epochs if epoch <= 0.75 * epochs[-1]]
    return earlier[-1] if earlier else (epochs[0] if len(epochs) > 1 else None)
