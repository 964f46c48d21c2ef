"""The reliability of easiness: how far halves of trials agree, epochs, and networks with endless trials."""

from __future__ import annotations

import contextlib
import copy
import functools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from easiness.analysis.matching import (
    GroupMatch,
    Rule,
    disjoint_splits,
    joint_tally,
    match_groups,
    mean_defined,
)
from easiness.analysis.mixing import POINTS_OF_TWO, MassFit, fit_tallies, ratio, shares_of_tail
from easiness.analysis.sides import SIDES, Side, num_selected
from easiness.analysis.votes import Votes
from easiness.errors import BadInput
from easiness.lazy import Floats, Integers, special
from easiness.spec import at_least

CHANGE, SURELY = 0.9, 0.95
"""An agreement between epochs, and the end of its interval, below which the sets are said to change still."""

_SPLITS, _REPLICATES = 20, 100

_SIZES = (1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100)

_SMALLEST_SET = 0.8  # of k: smaller ones, under `strict`, are other sets than those asked for
_LARGEST_TIE = 0.75  # share of all examples at the level of the cut: beyond it their order is not known
_WIDEST_RANGE = 0.08  # of the rates that fit the counts as well: what is wider is open
_CRITICAL = 3.84  # twice a log-likelihood: one in twenty of chi-squared is larger
_SHAPE_ERROR = 0.3  # over the trials: reach of an interval for what few of them leave to where fits begin
_MOST_PARTS = 10  # that trials are left out in
_POINTS_OF_PARTS = 41  # of the grid of each run where only the spread of fits is asked for: it is the same
ANGLES = (-0.6, 2.6, 13)
"""The first, last and number of the inverse hyperbolic tangents of correlations that are tried."""

_MARGIN_STEPS = 5  # of giving a fit its margins back: the grid is coarse for ranks
_HALVINGS = 20  # of the trials of one run, into those that count early and those that count late


@dataclass(frozen=True)
class Agreement:
    """The matching rate that two networks would have with endless trials, in [0, 1], with a 95 % interval.

    NaN where it cannot be told, and ``reason`` says why.
    """

    rate: float = math.nan
    low: float = math.nan
    high: float = math.nan
    reason: str | None = None


@dataclass(frozen=True, eq=False)
class RunInPair:
    """One of two runs: what to call it, what its trials said, and its noise ceiling."""

    name: str
    votes: Votes
    ceiling: GroupMatch


def agreement(
    a: RunInPair, b: RunInPair, pair: GroupMatch, rule: Rule, *, same_trials: bool = False
) -> Agreement:
    """The overlap of the true sets of two runs, from how often each trial of either has an example in.

    The distribution of the pair of probabilities, one of each run, is fitted to the table of how many
    examples have each pair of counts; it has the true sets and their overlap. Under ``refine`` a trial counts
    that has the example in its own set, ties told apart; else one that is right. Two fits begin far
    apart: as two groups of two normals (`fit_each`), and as one order of examples with any margins
    (`_fit_as_one`). The rate is their mean, and how far they differ is what the counts leave open.

    The interval is made of that, of a jackknife over the trials, left out of both runs at once, and of what
    fits were seen to be off by with few trials. Blank where a ceiling is not shown to exceed chance, sets are
    empty or far smaller than asked for, or counts at the cut leave the rate open.
    ``tests/property/test_agreement_simulated.py`` has normal, skewed and heavy-tailed difficulty and groups:
    for each the rate is within 0.03 in the mean, and the interval holds it in nine of ten runs.

    ``pair`` is the match of the runs in groups of trials. With ``same_trials`` they are one run at two
    epochs: then no trial counts early and late at once.
    """
    doubt = _doubt(a, b, pair, rule)
    if doubt is not None:
        return Agreement(reason=doubt)
    pairs = _Pairs(a.votes, b.votes, rule, same_trials)
    rate, between, may_be_full = pairs.rate()
    if between > _WIDEST_RANGE:
        num = " and ".join(map(str, sorted({a.votes.num_trials, b.votes.num_trials})))
        names = f"the {rule.side} examples of {a.name} and {b.name}"
        return Agreement(reason=f"counts of {num} trials hardly tell {names} apart")
    if not len(pair.replicates):
        return Agreement(rate)
    num_counted = min(a.votes.num_trials, b.votes.num_trials) / (2 if same_trials else 1)
    few = _SHAPE_ERROR / num_counted
    of_draw = rule.reach_of_draw(rate, a.votes.num_examples)
    reach = math.hypot(pairs.jackknife(), between, few, of_draw)
    return Agreement(rate, max(rate - reach, 0.0), 1.0 if may_be_full else min(rate + reach, 1.0))


def true_rate(a: Votes, b: Votes, rule: Rule, *, same_trials: bool = False) -> float:
    """The rate of `agreement` without an interval; NaN where counts leave it open."""
    rate, between, _ = _Pairs(a, b, rule, same_trials).rate()
    return math.nan if between > _WIDEST_RANGE else rate


def _doubt(a: RunInPair, b: RunInPair, pair: GroupMatch, rule: Rule) -> str | None:
    """The reason that there is no rate, as far as the matches show it themselves; None where there is one."""
    if rule.fraction >= 1:
        return "sets hold every example"
    if pair.group_size == 1:
        return "groups of one trial have no interval"
    matches = (pair, a.ceiling, b.ceiling)
    if any(one.num_empty or math.isnan(one.rate) for one in matches):
        return "some sets are empty"
    smallest, target = min(min(one.sizes) for one in matches), rule.fraction * a.votes.num_examples
    if smallest < _SMALLEST_SET * target:
        return f"sets are of {smallest:.0f} examples instead of {target:.0f}"
    for run in (a, b):
        if not run.ceiling.interval[0] > run.ceiling.chance:
            return f"the ceiling of {run.name} is not shown to exceed chance"
        if rule.ties != "refine" and max(run.ceiling.tie_mass) > _LARGEST_TIE:
            names = f"the {rule.side} examples of {run.name}"
            return f"counts of {pair.group_size} trials hardly tell {names} apart"
    return None


class _Pairs:
    def __init__(self, a: Votes, b: Votes, rule: Rule, same_trials: bool) -> None:
        if same_trials:
            _, ours, others = np.intersect1d(a.trial_indices, b.trial_indices, return_indices=True)
            a, b = a.rows(ours), b.rows(others)
        self._a, self._b = rule.each_trial(a, 0), rule.each_trial(b, 1)
        self._fraction, self._same_trials = rule.fraction, same_trials
        # a set's own members are its easiest: they are in it more often
        self._side: Side = "easy" if rule.ties == "refine" else rule.side

    def rate(self) -> tuple[float, float, bool]:
        """The rate from all trials, how far two fits are apart in it, and may it be 1? NaN of one trial."""
        if min(len(self._a), len(self._b)) < 2:
            return math.nan, math.nan, False
        tally = self._tally(range(len(self._a)), range(len(self._b)))
        masses = fit_tallies([tally], POINTS_OF_TWO)[0]
        as_one, may_be_full = _fit_as_one(tally.tobytes(), tally.shape)
        rates = self._overlap(masses), self._overlap(as_one)
        return sum(rates) / 2, abs(rates[1] - rates[0]), may_be_full

    def jackknife(self) -> float:
        """Half of the width of the 95 % interval that trials leave: each part of them left out in turn."""
        parts = min(len(self._a), len(self._b), _MOST_PARTS)
        rest = [
            [[at for at in range(len(sets)) if at % parts != part] for sets in (self._a, self._b)]
            for part in range(parts)
        ]
        tallies = [self._tally(*some) for some in rest]
        left = [self._overlap(masses) for masses in fit_tallies(tallies, _POINTS_OF_PARTS)]
        error = math.sqrt((parts - 1) * float(np.var(left)))
        return float(special.stdtrit(parts - 1, 0.975)) * error

    def _tally(self, ours: Sequence[int], others: Sequence[int]) -> Floats:
        rng, half, pairs = np.random.default_rng(0), len(ours) // 2, [(ours, others)]
        if self._same_trials:
            orders = [rng.permutation(np.asarray(ours)).tolist() for _ in range(_HALVINGS)]
            pairs = [(order[:half], order[half:]) for order in orders]
        joint = [joint_tally([self._a[i] for i in one], [self._b[i] for i in two]) for one, two in pairs]
        return np.asarray(np.mean(joint, axis=0))

    def _overlap(self, masses: Floats) -> float:
        ours, theirs = (shares_of_tail(masses.sum(axis=axis), self._fraction, self._side) for axis in (1, 0))
        return min(float(ours @ masses @ theirs) / self._fraction, 1.0)


@functools.lru_cache(maxsize=8)  # both sides of sets by counts have the same tables
def _fit_as_one(table: bytes, shape: tuple[int, ...]) -> tuple[Floats, bool]:
    """Masses [G, G] as of `fit_each`, where EM begins with examples in one order, in each run with noise.

    Each run alone has its margins fitted; they go together as two correlated normals do whose ranks they
    have, with the likeliest correlation. Groups then need not be the same in both runs. A correlation of 0.99
    is as close to one order as the grid can show: is it not rejected?
    """
    tally = np.frombuffer(table).reshape(shape)
    fit = MassFit.of(tally[None], POINTS_OF_TWO)
    of_one = (tally.sum(axis=axis)[:, None] for axis in (1, 0))
    margins = [fit_tallies([one], POINTS_OF_TWO)[0][:, 0] for one in of_one]
    angles = np.linspace(*ANGLES)
    likely = np.array([fit.log_likelihood(in_one_order(margins, one)) for one in angles])
    at = int(np.clip(likely.argmax(), 1, len(angles) - 2))
    bend, slope, _ = np.polyfit(angles[at - 1 : at + 2] - angles[at], likely[at - 1 : at + 2], 2)
    away = -slope / (2 * bend) if bend < 0 else np.sign(slope)
    step = angles[1] - angles[0]
    likeliest = fit.free(in_one_order(margins, angles[at] + np.clip(away, -step, step))[None])
    return likeliest[0], bool(2 * tally.sum() * (likely.max() - likely[-1]) < _CRITICAL)


def in_one_order(margins: Sequence[Floats], angle: float) -> Floats:
    """Masses [G, G] with these margins [G] that go together as two correlated normals of their ranks do.

    ``angle`` is the inverse hyperbolic tangent of their correlation; infinite where both orders are the same.
    """
    ends = [np.cumsum(one) for one in margins]
    if math.isinf(angle):
        first = np.maximum.outer(*(end - one for end, one in zip(ends, margins, strict=True)))
        return np.asarray(np.maximum(np.minimum.outer(*ends) - first, 0))
    r = math.tanh(angle)
    x, y = (
        special.ndtri(np.clip(end - one / 2, 1e-9, 1 - 1e-9)) for end, one in zip(ends, margins, strict=True)
    )
    distance = r * (r * (x[:, None] ** 2 + y**2) - 2 * x[:, None] * y) / (2 * (1 - r**2))
    mass: Floats = np.exp(-np.clip(distance, -60, 60)) * np.outer(*margins)
    for _ in range(_MARGIN_STEPS):
        mass = mass * ratio(margins[0], mass.sum(axis=1))[:, None]
        mass = mass * ratio(margins[1], mass.sum(axis=0))
    return mass


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


def _spearman(joint: Integers) -> float:
    """The rank correlation of two groups' counts, from how many examples have each pair of them."""
    margins, middle = (joint.sum(axis=1), joint.sum(axis=0)), (joint.sum() + 1) / 2
    x, y = (np.cumsum(num) - (num - 1) / 2 - middle for num in margins)  # average ranks for ties
    xx, yy = float(margins[0] @ x**2), float(margins[1] @ y**2)
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
    h = at_least("group size", largest if group_size is None else group_size, 1, largest)
    splits = disjoint_splits(votes, votes, h, max_splits=max_splits, seed=seed)
    votes.check_heard(np.concatenate([splits[:, 0], splits[:, 1]]))
    correlation = mean_defined(
        _spearman(joint_tally(votes.correct[ours], votes.correct[theirs])) for ours, theirs in splits
    )
    tails = {}
    for side in SIDES:
        rules = (Rule(side, fraction, ties, seed) for ties in ("expected", "refine"))
        options: dict[str, Any] = {"group_size": h, "max_splits": max_splits, "num_replicates": 0}
        matches = [match_groups(votes, votes, rule, by_class=False, **options) for rule in rules]
        expected, refine = (one for one in matches if one is not None)
        tails[side] = TailReliability(expected.rate, refine.rate, sum(expected.tie_mass) / 2)
    return SplitHalf(
        epoch=votes.epoch,
        group_size=h,
        num_splits=len(splits),
        rank_correlation=correlation,
        spearman_brown=spearman_brown(correlation),
        easy=tails["easy"],
        hard=tails["hard"],
        chance=expected.chance,
    )


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
    numbers = {epoch: rate for epoch, rate in rates.items() if not math.isnan(rate)}
    return min(numbers, key=lambda epoch: (-numbers[epoch], epoch)) if numbers else None


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
        return self.decided and self.agreement.rate < CHANGE and self.agreement.high < SURELY


def drift(early: Votes, late: Votes, *, side: Side, fraction: float = 0.1, seed: int = 0) -> Drift | None:
    """Compare refined sets of a run at two epochs, in groups without a common trial; None with one trial."""
    rule = Rule(side, fraction, "refine", seed)
    comparisons = [
        match_groups(a, b, rule, max_splits=_SPLITS, num_replicates=_REPLICATES, by_class=False)
        for a, b in ((early, late), (early, copy.copy(early)), (late, copy.copy(late)))
    ]
    matches = [one for one in comparisons if one is not None]
    if len(matches) < len(comparisons):
        return None
    pair, *ceilings = matches
    ours, theirs = (
        RunInPair(f"epoch {votes.epoch}", votes, ceiling)
        for votes, ceiling in zip((early, late), ceilings, strict=True)
    )
    overlap = agreement(ours, theirs, pair, rule, same_trials=True)
    return Drift(side, early.epoch, late.epoch, overlap, pair.decided)


def before_last_quarter(epochs: Sequence[int]) -> int | None:
    """The last of the ``epochs`` observed (ascending) before the last quarter; None with one alone."""
    earlier = [epoch for epoch in epochs if epoch <= 0.75 * epochs[-1]]
    return earlier[-1] if earlier else (epochs[0] if len(epochs) > 1 else None)
