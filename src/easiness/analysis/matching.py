"""The matching rate of two sets of examples (Eq. 2), and what it would be by chance."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, get_args

import numpy as np
import numpy.typing as npt

from easiness.analysis.selection import check_option, nth_largest
from easiness.analysis.sides import SIDES, Side, Ties, first_in_order, num_selected
from easiness.analysis.votes import Votes, check_same_examples

Mask = npt.NDArray[np.bool_]
"""A set of K examples: [K]."""

_Words = npt.NDArray[np.uint64]
_Floats = npt.NDArray[np.float64]
_Rows = npt.NDArray[np.int64]

MOST_COMPARED = 200_000
"""The most examples that runs are compared on, drawn from more."""

_FEW = 2048  # examples, of which the selections of all groups take a few megabytes
_FEW_CLASSES = 64  # of which each is counted by itself
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
    packed = np.packbits(members, axis=-1, bitorder="little")
    words = np.zeros((*members.shape[:-1], -(-members.shape[-1] // 64) * 8), np.uint8)
    words[..., : packed.shape[-1]] = packed
    return words.view(np.uint64)


def num_in(masks: Sequence[Mask]) -> npt.NDArray[np.unsignedinteger]:
    """The number of masks [K] that each example is in."""
    total = masks[0].astype(np.min_scalar_type(len(masks)))
    for mask in masks[1:]:
        total += mask.view(np.uint8)
    return total


def joint_tally(ours: Sequence[Mask], theirs: Sequence[Mask]) -> _Rows:
    """How many examples have each pair of numbers of masks that they are in: [n + 1, m + 1]."""
    shape = len(ours) + 1, len(theirs) + 1
    pairs = num_in(ours) * np.intp(shape[1]) + num_in(theirs)
    return np.bincount(pairs, minlength=math.prod(shape)).reshape(shape)


class _Chosen(NamedTuple):
    """A selection: ``members``, and each of the ``tied`` for a ``share``; ``size`` is the sum of weights."""

    members: Mask
    tied: Mask | None
    share: float
    size: float
    tie_mass: float


@dataclass(eq=False)
class Sets:
    """The selections of R groups of trials over K examples, as packed words [R, W] and numbers [R]."""

    members: _Words
    tied: _Words | None
    share: _Floats
    size: _Floats
    tie_mass: _Floats
    _labels: _Rows | None = None
    _by_class: _Floats | None = None

    @classmethod
    def of(cls, groups: Sequence[_Chosen], places: _Rows) -> Sets:
        """The selections at these places among the groups."""
        members = np.stack([pack(one.members) for one in groups])[places]
        ties = [pack(one.tied) for one in groups if one.tied is not None]  # of all groups or of none
        numbers = np.array([one[2:] for one in groups])[places]
        return cls(members, np.stack(ties)[places] if ties else None, *numbers.T)

    def by_class(self, labels: _Rows) -> _Floats:
        """The weight in each class [R, C] of the ``labels`` [K], kept for the next that are the same."""
        if self._labels is None or not np.array_equal(self._labels, labels):
            self._labels, self._by_class = labels, self._counted(self.members, labels)
            if self.tied is not None:
                self._by_class += self.share[:, None] * self._counted(self.tied, labels)
        assert self._by_class is not None
        return self._by_class

    def _counted(self, words: _Words, labels: _Rows) -> _Floats:
        num = int(labels.max()) + 1
        if num <= _FEW_CLASSES:
            members = pack(labels == np.arange(num)[:, None])
            return np.array([np.bitwise_count(row & members).sum(axis=1) for row in words], np.float64)
        sets = np.unpackbits(words.view(np.uint8), axis=-1, count=len(labels), bitorder="little").view(
            np.bool_
        )
        return np.array([np.bincount(labels[mask], minlength=num) for mask in sets], np.float64)


def _overlap(a: Sets, b: Sets) -> _Floats:

    def common(ours: _Words, theirs: _Words) -> _Floats:
        return np.asarray(np.bitwise_count(ours & theirs).sum(axis=-1), np.float64)

    both = common(a.members, b.members)
    if a.tied is not None:
        both += a.share * common(a.tied, b.members)
    if b.tied is not None:
        both += b.share * common(a.members, b.tied)
    if a.tied is not None and b.tied is not None:
        both += a.share * b.share * common(a.tied, b.tied)
    return both


@dataclass(frozen=True)
class Rule:
    """A rule to draw easy or hard sets from votes: the arguments of `select`.

    ``refine`` breaks ties by the mean probability of the label over the same trials. ``drawn`` is the share
    of all examples that the votes are on: intervals then hold for all of them.
    """

    side: Side = "easy"
    fraction: float = 0.1
    ties: Ties = "expected"
    seed: int = 0
    drawn: float = 1.0

    def reach_of_draw(self, rate: float, num_examples: int) -> float:
        """Half of the width of a 95 % interval that the draw of these examples leaves a rate."""
        return 1.96 * math.sqrt(rate * (1 - rate) * (1 - self.drawn) / (self.fraction * num_examples))

    def sets(self, votes: Votes, groups: _Rows, run: int) -> Sets:
        """The selections of groups of trials, positions [R, h]; ``run`` is 0 or 1, of two that are matched.

        They are kept for the next pair that the run is of, but where they are many and soon made.
        """
        check_option("side", self.side, SIDES)
        check_option("ties", self.ties, get_args(Ties))
        key = self, groups.tobytes(), groups.shape, run
        if key in votes.memo:
            known: Sets = votes.memo[key]
            return known
        votes.check_heard(groups)
        unlike, places = np.unique(np.sort(groups, axis=1), axis=0, return_inverse=True)
        # Different hashes on the two sides: one hash for both would make tied examples match.
        chosen = [self._chosen(votes, group, 2 * self.seed + run) for group in unlike.tolist()]
        found = Sets.of(chosen, places.reshape(-1))
        if self.ties == "refine" or votes.num_examples <= _FEW:
            votes.memo[key] = found
        return found

    def each_trial(self, votes: Votes, run: int) -> list[Mask]:
        """The examples that each trial counts: those in its own refined set, or those it is right about.

        ``run`` is 0 or 1, of two that are matched. Ties are told apart otherwise in each trial of either.
        """
        if self.ties != "refine":
            return list(votes.correct)
        return [
            self._chosen(votes, [trial], 2 * (self.seed + _SEEDS * (trial + 1)) + run).members
            for trial in range(votes.num_trials)
        ]

    def _chosen(self, votes: Votes, group: Sequence[int], seed: int) -> _Chosen:
        num = votes.num_examples
        k = num_selected(num, self.fraction)
        counts = num_in([votes.correct[trial] for trial in group])
        level, missing = self._cut(counts, k, len(group))
        tied = counts == level
        num_tied = int(np.count_nonzero(tied))
        mass = num_tied / num if missing < num_tied else 0.0
        members = self._beyond(counts, level)
        if self.ties == "expected":
            return _Chosen(members, tied, missing / num_tied, float(k), mass)
        if self.ties == "strict":
            # beyond the next value: none where all up to it tie, all where there is no next
            after = None if k == num else self._cut(counts, k + 1, len(group))[0]
            members = np.ones(num, np.bool_) if after is None else self._beyond(counts, after)
            return _Chosen(members, None, 0.0, float(np.count_nonzero(members)), mass)
        at = np.flatnonzero(tied)
        if missing < num_tied:
            sums = votes.p_label[group[0]].take(at)
            for trial in group[1:]:
                sums += votes.p_label[trial].take(at)
            if self.side == "hard":
                np.negative(sums, out=sums)
            last = nth_largest(sums, missing)
            better = at[sums > last]
            members[better] = True
            missing -= len(better)
            at = at[sums == last]
            if missing < len(at):
                at = at[first_in_order(votes.keys_at(at), seed, missing)]
        members[at] = True
        return _Chosen(members, None, 0.0, float(k), mass)

    def _cut(self, counts: npt.NDArray[np.unsignedinteger], k: int, highest: int) -> tuple[int, int]:
        """The count of the k-th example from this side, and how many of those with it are among the k."""
        for level in range(highest, -1, -1) if self.side == "easy" else range(highest + 1):
            num = int(np.count_nonzero(counts == level))
            if num >= k:
                return level, k
            k -= num
        raise AssertionError(k)

    def _beyond(self, counts: npt.NDArray[np.unsignedinteger], level: int) -> Mask:
        return np.asarray(counts > level if self.side == "easy" else counts < level)

    def matches(self, a: Sets, b: Sets, num_examples: int, labels: _Rows | None) -> list[Match]:
        """The `Match` of each two groups, with a class chance where labels [K] are given."""
        least, most = np.minimum(a.size, b.size), np.maximum(a.size, b.size)
        class_chance: list[float | None] = [None] * len(least)
        if labels is not None:
            sizes = np.bincount(labels)
            some = sizes > 0
            together = a.by_class(labels)[:, some] * b.by_class(labels)[:, some]
            total = (together / sizes[some]).sum(axis=1)
            class_chance = np.divide(total, most, out=np.full(len(most), np.nan), where=least > 0).tolist()
        rows = (self.rates(a, b), a.tie_mass, b.tie_mass, least / num_examples, a.size, b.size)
        return [
            Match(rate, (mass_a, mass_b), chance, by_class, (size_a, size_b))
            for (rate, mass_a, mass_b, chance, size_a, size_b), by_class in zip(
                np.stack(rows, axis=1).tolist(), class_chance, strict=True
            )
        ]

    def match_all(self, a: Votes, b: Votes) -> Match:
        """As `match_votes`."""
        check_same_examples(a, b)
        all_of_a, all_of_b = (np.arange(votes.num_trials)[None] for votes in (a, b))
        return self.matches(self.sets(a, all_of_a, 0), self.sets(b, all_of_b, 1), a.num_examples, a.labels)[0]

    def rates(self, a: Sets, b: Sets) -> _Floats:
        """The matching rates [R]; NaN where a set is empty."""
        most = np.maximum(a.size, b.size)
        found = np.full(len(most), np.nan)
        np.divide(_overlap(a, b), most, out=found, where=np.minimum(a.size, b.size) > 0)
        return found


def match_votes(
    a: Votes,
    b: Votes,
    *,
    side: Side = "easy",
    fraction: float = 0.1,
    ties: Ties = "expected",
    seed: int = 0,
) -> Match:
    """Match the easy (or hard) sets of two runs, each from all of its trials; classes are those of ``a``."""
    return Rule(side, fraction, ties, seed).match_all(a, b)
