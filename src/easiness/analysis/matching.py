"""The matching rate of two sets of examples (Eq. 2), by chance, and between groups of trials: the ceiling."""

from __future__ import annotations

import functools
import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import NamedTuple, get_args

import numpy as np
import numpy.typing as npt

from easiness.analysis.selection import check_option, nth_largest
from easiness.analysis.sides import SIDES, Side, Ties, first_in_order, num_selected
from easiness.analysis.votes import Votes, check_same_examples
from easiness.lazy import Floats, Integers, Mask
from easiness.spec import at_least

"""A set of K examples: [K]."""

_Words = npt.NDArray[np.uint64]

MOST_COMPARED = 200_000
"""The most examples that runs are compared on, drawn from more."""

_FEW = 2048  # examples, of which the selections of all groups take a few megabytes
_SEEDS = 1_000_003  # apart: trials of a run break ties by seeds of their own


@dataclass(frozen=True)
class Match:
    """The matching rate of two selections A and B, with what it must be read beside.

    ``rate`` is in [0, 1], NaN where a set is empty. ``tie_mass`` is that of A and of B. ``chance`` is
    the rate of independent selections of these sizes, ``class_chance`` the same where membership is
    independent within each class (None without labels). ``sizes`` are the sums of the weights.
    """

    rate: float
    tie_mass: tuple[float, float]
    chance: float
    class_chance: float | None
    sizes: tuple[float, float]


def pack(members: Mask) -> _Words:
    """Words [..., ceil(K / 64)] of masks [..., K]: an eighth of the memory, and common members at once."""
    packed_bits = np.packbits(members, axis=-1, bitorder="little")
    words = np.zeros((*members.shape[:-1], -(-members.shape[-1] // 64) * 8), np.uint8)
    words[..., : packed_bits.shape[-1]] = packed_bits
    return words.view(np.uint64)


def num_in(masks: Sequence[Mask]) -> npt.NDArray[np.unsignedinteger]:
    """The number of masks [K] that each example is in."""
    total = masks[0].astype(np.min_scalar_type(len(masks)))
    for mask in masks[1:]:
        total += mask.view(np.uint8)
    return total


def joint_tally(ours: Sequence[Mask], theirs: Sequence[Mask]) -> Integers:
    """How many examples have each pair of numbers of masks that they are in: [n + 1, m + 1]."""
    shape = len(ours) + 1, len(theirs) + 1
    pairs = num_in(ours) * np.intp(shape[1]) + num_in(theirs)
    return np.bincount(pairs, minlength=math.prod(shape)).reshape(shape)


class _Choice(NamedTuple):
    """A selection: ``members``, and each of the ``tied`` for a ``share``; ``size`` is the sum of weights."""

    members: Mask
    at_cut: Mask | None
    share: float
    size: float
    tie_mass: float


@dataclass(eq=False)
class Sets:
    """The selections of R groups of trials over K examples, as packed words [R, W] and numbers [R]."""

    members: _Words
    at_cut: _Words | None
    share: Floats
    size: Floats
    tie_mass: Floats
    _labels: Integers | None = None
    _by_class: Floats | None = None

    @classmethod
    def of(cls, groups: Sequence[_Choice], places: Integers) -> Sets:
        members = np.stack([pack(one.members) for one in groups])[places]
        ties = [pack(one.at_cut) for one in groups if one.at_cut is not None]  # of all groups or of none
        numbers = np.array([one[2:] for one in groups])[places]
        return cls(members, np.stack(ties)[places] if ties else None, *numbers.T)

    def by_class(self, labels: Integers) -> Floats:
        """The weight in each class [R, C] of the ``labels`` [K], kept for the next that are the same."""
        if self._labels is None or not np.array_equal(self._labels, labels):
            self._labels, self._by_class = labels, self._count(self.members, labels)
            if self.at_cut is not None:
                self._by_class += self.share[:, None] * self._count(self.at_cut, labels)
        assert self._by_class is not None
        return self._by_class

    def _count(self, words: _Words, labels: Integers) -> Floats:
        bits = np.unpackbits(words.view(np.uint8), axis=-1, count=len(labels), bitorder="little")
        num = int(labels.max()) + 1
        return np.array([np.bincount(labels[one], minlength=num) for one in bits.view(np.bool_)], np.float64)


def _over_larger(total: Floats, a: Sets, b: Sets) -> Floats:
    """A total [R] in parts of the larger of two sets; NaN where one is empty."""
    least, most = np.minimum(a.size, b.size), np.maximum(a.size, b.size)
    return np.asarray(np.divide(total, most, out=np.full(len(most), np.nan), where=least > 0))


def matching_rates(a: Sets, b: Sets) -> Floats:
    """The matching rates [R]; NaN where a set is empty."""
    both = np.zeros(len(a.size))
    for theirs, of_theirs in ((b.members, 1.0), (b.at_cut, b.share)):
        for ours, of_ours in ((a.members, 1.0), (a.at_cut, a.share)):
            if ours is not None and theirs is not None:
                both += of_ours * of_theirs * np.bitwise_count(ours & theirs).sum(axis=-1)
    return _over_larger(both, a, b)


def _cut(counts: npt.NDArray[np.unsignedinteger], k: int, highest: int) -> tuple[int, int]:
    """The k-th largest count, and how many of the examples that have it are among the k."""
    for level in range(highest, -1, -1):
        num = int(np.count_nonzero(counts == level))
        if num >= k:
            return level, k
        k -= num
    raise AssertionError(k)


@dataclass(frozen=True)
class Rule:
    """A rule to draw easy or hard sets from votes: the arguments of `select`.

    ``refine`` breaks ties by the mean probability of the label over the same trials. ``drawn_share`` is that
    of all examples that the votes are on: intervals then hold for all of them.
    """

    side: Side = "easy"
    fraction: float = 0.1
    ties: Ties = "expected"
    seed: int = 0
    drawn_share: float = 1.0

    def reach_of_draw(self, rate: float, num_examples: int) -> float:
        """Half of the width of a 95 % interval that the draw of these examples leaves a rate."""
        return 1.96 * math.sqrt(rate * (1 - rate) * (1 - self.drawn_share) / (self.fraction * num_examples))

    def sets(self, votes: Votes, groups: Integers, run: int) -> Sets:
        """The selections of groups of trials, positions [R, h]; ``run`` is 0 or 1, of two that are matched.

        They are kept for the next pair that the run is of, but where they are many and soon made.
        """
        check_option("side", self.side, SIDES)
        check_option("ties", self.ties, get_args(Ties))
        key = self, groups.tobytes(), groups.shape, run
        if key in votes.memo:
            earlier: Sets = votes.memo[key]
            return earlier
        votes.check_heard(groups)
        unlike, places = np.unique(np.sort(groups, axis=1), axis=0, return_inverse=True)
        # Different hashes on the two sides: one hash for both would make tied examples match.
        choices = [self._choose(votes, group, 2 * self.seed + run) for group in unlike.tolist()]
        selections = Sets.of(choices, places.reshape(-1))
        if self.ties == "refine" or votes.num_examples <= _FEW:
            votes.memo[key] = selections
        return selections

    def each_trial(self, votes: Votes, run: int) -> list[Mask]:
        """The examples that each trial counts: those in its own refined set, or those it is right about.

        ``run`` is 0 or 1, of two that are matched. Ties are told apart otherwise in each trial of either.
        """
        if self.ties != "refine":
            return list(votes.correct)
        return [
            self._choose(votes, [trial], 2 * (self.seed + _SEEDS * (trial + 1)) + run).members
            for trial in range(votes.num_trials)
        ]

    def _choose(self, votes: Votes, group: Sequence[int], seed: int) -> _Choice:
        num = votes.num_examples
        k = num_selected(num, self.fraction)
        counts = num_in([votes.correct[trial] for trial in group])
        if self.side == "hard":  # those that are wrong: members are always the largest
            counts = len(group) - counts
        level, missing = _cut(counts, k, len(group))
        at_cut = counts == level
        num_at_cut = int(np.count_nonzero(at_cut))
        mass = num_at_cut / num if missing < num_at_cut else 0.0
        members = np.asarray(counts > level)
        if self.ties == "expected":
            return _Choice(members, at_cut, missing / num_at_cut, float(k), mass)
        if self.ties == "strict":
            # beyond the next value: none where all up to it tie, all where there is no next
            members = np.ones(num, np.bool_) if k == num else counts > _cut(counts, k + 1, len(group))[0]
            return _Choice(members, None, 0.0, float(np.count_nonzero(members)), mass)
        at = np.flatnonzero(at_cut)
        if missing < num_at_cut:
            sums = sum((votes.p_label[trial].take(at) for trial in group), start=np.zeros(num_at_cut))
            sums *= 1 if self.side == "easy" else -1
            last = nth_largest(sums, missing)
            better = at[sums > last]
            members[better] = True
            missing -= len(better)
            at = at[sums == last]
            if missing < len(at):
                at = at[first_in_order(votes.keys[at], seed, missing)]
        members[at] = True
        return _Choice(members, None, 0.0, float(k), mass)

    def matches(self, a: Sets, b: Sets, num_examples: int, labels: Integers | None) -> list[Match]:
        """The `Match` of each two groups, with a class chance where labels [K] are given."""
        class_chance: list[float | None] = [None] * len(a.size)
        if labels is not None:
            sizes = np.bincount(labels)
            some = sizes > 0
            together = a.by_class(labels)[:, some] * b.by_class(labels)[:, some]
            class_chance = _over_larger((together / sizes[some]).sum(axis=1), a, b).tolist()
        masses, both = (
            zip(one.tolist(), other.tolist(), strict=True)
            for one, other in ((a.tie_mass, b.tie_mass), (a.size, b.size))
        )
        chance = (np.minimum(a.size, b.size) / num_examples).tolist()
        rows = zip(matching_rates(a, b).tolist(), masses, chance, class_chance, both, strict=True)
        return [Match(*one) for one in rows]

    def match_all(self, a: Votes, b: Votes) -> Match:
        """Match the sets of two runs, each from all of its trials; classes are those of ``a``."""
        check_same_examples(a, b)
        all_of_a, all_of_b = (np.arange(votes.num_trials)[None] for votes in (a, b))
        return self.matches(self.sets(a, all_of_a, 0), self.sets(b, all_of_b, 1), a.num_examples, a.labels)[0]


MIN_GROUP = 5
"""Trials a group needs before a matching rate decides anything: with fewer, the levels decide."""


def disjoint_splits(a: Votes, b: Votes, group_size: int, *, max_splits: int, seed: int) -> Integers:
    """Pairs of disjoint groups of h trials each, positions [S, 2, h] among A's trials and among B's.

    All choices, or ``max_splits`` distinct random ones if there are more. The groups of one run (``a is b``)
    are two disjoint subsets of its trials, each pair of subsets once. For two runs, no trial in the second
    group has the index of one in the first: trials of one index and one seed see the examples in one order,
    so they are not independent.
    """
    index_a, index_b = tuple(a.trial_indices.tolist()), tuple(b.trial_indices.tolist())
    return _splits(index_a, index_b, group_size, a is b, max_splits, seed)


@functools.lru_cache(maxsize=256)  # a run has the same groups after every epoch and on both sides
def _splits(
    trials_a: tuple[int, ...],
    trials_b: tuple[int, ...],
    group_size: int,
    same: bool,
    max_splits: int,
    seed: int,
) -> Integers:
    rng = np.random.default_rng(np.random.SeedSequence(seed).spawn(2)[0])
    index_a, index_b = np.array(trials_a), np.array(trials_b)
    pairs: dict[tuple[tuple[int, ...], ...], None] = {}  # a set that keeps its order
    num_a, num_b, h = len(index_a), len(index_b), group_size
    common = len(np.intersect1d(index_a, index_b))
    num = sum(  # over how many (j) of the first group's indices are in both runs
        math.comb(common, j) * math.comb(num_a - common, h - j) * math.comb(num_b - j, h)
        for j in range(min(common, h) + 1)
    )

    def keep(*pair: tuple[int, ...]) -> None:
        pairs[min(pair, pair[::-1]) if same else pair] = None

    if num // (1 + same) <= max_splits:
        for first in combinations(range(num_a), h):
            rest = np.flatnonzero(~np.isin(index_b, index_a[list(first)]))
            for second in combinations(rest.tolist(), h):
                keep(first, second)
    else:
        while len(pairs) < max_splits:
            some = np.sort(rng.choice(num_a, h, replace=False))
            rest = np.flatnonzero(~np.isin(index_b, index_a[some]))
            keep(tuple(some.tolist()), tuple(np.sort(rng.choice(rest, h, replace=False)).tolist()))
    return np.array([*pairs])


def resample(splits: Integers, num: int, rng: np.random.Generator) -> Integers:
    """Bootstrap replicates [num, 2, h]: a random pair each, with h trials of each group drawn anew."""
    pairs = splits[rng.integers(len(splits), size=num)]
    draws = rng.integers(splits.shape[2], size=(2, num, splits.shape[2]))
    return np.take_along_axis(pairs, draws.transpose(1, 0, 2), axis=2)


@dataclass(frozen=True)
class GroupMatch:
    """The matching rate between groups of ``group_size`` trials, averaged over ``num_splits`` choices.

    ``rate``, ``chance``, ``class_chance``, ``tie_mass`` and ``sizes`` are means over the choices, as in
    `Match`; ``num_empty`` choices gave an empty set (under ``strict``) and do not enter rate and
    class_chance, which are NaN if no choice is left. ``interval`` is the 95 % bootstrap interval with
    ``bias``, the mean of the replicates less the rate, taken off (NaN without replicates). ``decided``
    is whether the groups have at least `MIN_GROUP` trials. ``replicates`` [R] are the rates of the bootstrap,
    their bias not taken off.
    """

    rate: float
    group_size: int
    num_splits: int
    num_empty: int
    interval: tuple[float, float]
    bias: float
    chance: float
    class_chance: float
    tie_mass: tuple[float, float]
    sizes: tuple[float, float]
    decided: bool
    replicates: Floats = field(default_factory=lambda: np.empty(0), compare=False, repr=False)


def mean_defined(values: Iterable[float]) -> float:
    """Mean of the values that are not NaN, rounded once, so that equal values keep theirs; NaN if none."""
    numbers = [v for v in values if not math.isnan(v)]
    if not numbers:
        return math.nan
    first = numbers[0]  # of equal values, as sizes and chance mostly are, the mean is known
    return first if numbers.count(first) == len(numbers) else statistics.mean(numbers)


def match_groups(
    a: Votes,
    b: Votes,
    rule: Rule = Rule(),
    *,
    group_size: int | None = None,
    max_splits: int = 100,
    num_replicates: int = 200,
    by_class: bool = True,
) -> GroupMatch | None:
    """Match groups of h trials of ``a`` with groups of h trials of ``b``; ``a is b`` gives the noise ceiling.

    h = min(n_a, n_b) // 2 unless ``group_size`` asks for fewer, and None where that is 0: one trial has
    no ceiling. The rate is averaged over all choices of disjoint groups (see `disjoint_splits`), or over
    ``max_splits`` random ones, of the sets that ``rule`` selects. Read a rate beside the ceilings at its
    own h.

    The interval is a bootstrap over trials within disjoint groups: each replicate takes one of the
    choices and draws h trials with replacement in both groups. Repeating trials adds ties and so moves
    the rate; the interval is the 2.5 to 97.5 percentiles, shifted back by that bias and kept in [0, 1].
    Groups and replicates depend on the indices of the trials, whether ``a is b``, the numbers and the seed
    alone: replicate r of one comparison and replicate r of another one of the same trials are of the same
    trials, and their rates can be subtracted. The interval is approximate: in simulated runs of 4 to 20
    trials it held the true rate 88 to 99 times in 100 under ``expected`` and ``refine``, less often under
    ``strict``. Without ``by_class`` the class chance, which takes longest, is NaN.
    """
    check_same_examples(a, b)
    largest = min(a.num_trials, b.num_trials) // 2
    if largest == 0:
        return None
    h = at_least("group size", largest if group_size is None else group_size, 1, largest)
    _, replicate_seed = np.random.SeedSequence(rule.seed).spawn(2)  # the first is that of the splits
    splits = disjoint_splits(a, b, h, max_splits=max_splits, seed=rule.seed)
    sets = rule.sets(a, splits[:, 0], 0), rule.sets(b, splits[:, 1], 1)
    matches = rule.matches(*sets, a.num_examples, a.labels if by_class else None)
    rate = mean_defined(m.rate for m in matches)
    replicates = resample(splits, num_replicates, np.random.default_rng(replicate_seed))
    rates = np.empty(0)
    if len(replicates):
        rates = matching_rates(rule.sets(a, replicates[:, 0], 0), rule.sets(b, replicates[:, 1], 1))
    interval, bias = shifted_interval(rate, rates, rule.reach_of_draw(rate, a.num_examples))
    if h == 1:  # a group of one trial is never another one
        interval = (math.nan, math.nan)
    return GroupMatch(
        rate=rate,
        group_size=h,
        num_splits=len(splits),
        num_empty=sum(math.isnan(m.rate) for m in matches),
        interval=interval,
        bias=bias,
        chance=mean_defined(m.chance for m in matches),
        class_chance=mean_defined(math.nan if m.class_chance is None else m.class_chance for m in matches),
        tie_mass=(mean_defined(m.tie_mass[0] for m in matches), mean_defined(m.tie_mass[1] for m in matches)),
        sizes=(mean_defined(m.sizes[0] for m in matches), mean_defined(m.sizes[1] for m in matches)),
        decided=h >= MIN_GROUP,
        replicates=rates,
    )


def shifted_interval(
    rate: float, replicates: Floats, reach: float = 0, within: tuple[float, float] = (0, 1)
) -> tuple[tuple[float, float], float]:
    """95 % interval ``within`` bounds of replicates [R], their bias taken off, and the bias; NaN without any.

    An independent error of this ``reach`` is added to either side of the rate.
    """
    rates = replicates[~np.isnan(replicates)]
    if math.isnan(rate) or not len(rates):
        return (math.nan, math.nan), math.nan
    bias = float(rates.mean()) - rate
    low, high = np.clip(np.percentile(rates, (2.5, 97.5)) - bias, *within).tolist()
    if reach:
        low = max(rate - math.hypot(rate - low, reach), 0.0)
        high = min(rate + math.hypot(high - rate, reach), 1.0)
    return (low, high), bias
