"""The matching rate of two sets of examples (Eq. 2), and what it would be by chance."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import get_args

import numpy as np
import numpy.typing as npt

from easiness.analysis import bits
from easiness.analysis.bits import ClassTally
from easiness.analysis.selection import check_option
from easiness.analysis.sides import Side, Ties, first_in_order, num_selected
from easiness.analysis.tails import Group, Tails
from easiness.analysis.votes import Votes, check_same_examples

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


@dataclass(frozen=True)
class Chosen:
    """The selection of one group of trials: ``members``, and each of the ``tied`` for a ``share``.

    ``size`` is the sum of the weights, ``tie_mass`` the share of all examples whose count ties at the cut.
    """

    members: bits.Words
    tied: bits.Words | None
    share: float
    size: float
    tie_mass: float

    _by_class: dict[bytes, npt.NDArray[np.float64]] = field(default_factory=dict, compare=False, repr=False)

    def by_class(self, classes: ClassTally) -> npt.NDArray[np.float64]:
        """The weight in each class [C]."""
        if classes.key not in self._by_class:
            weights = classes.of(self.members).astype(np.float64)
            if self.tied is not None:
                weights += self.share * classes.of(self.tied)
            self._by_class[classes.key] = weights
        return self._by_class[classes.key]


class Sets:
    """The selections of R groups of trials side by side: as of `Chosen`, words [R, W] and numbers [R]."""

    def __init__(self, groups: Sequence[Chosen]) -> None:
        self.groups = groups
        self.members = np.stack([one.members for one in groups])
        ties = [one.tied for one in groups if one.tied is not None]  # of all groups or of none
        self.tied = np.stack(ties) if ties else None
        self.share, self.size, self.tie_mass = np.array(
            [(one.share, one.size, one.tie_mass) for one in groups]
        ).T

    def by_class(self, classes: ClassTally) -> npt.NDArray[np.float64]:
        """The weight in each class [R, C]."""
        return np.stack([one.by_class(classes) for one in self.groups])


def _overlap(a: Sets, b: Sets) -> npt.NDArray[np.float64]:
    """The sums [R] over all examples of the product of their weights."""
    both = bits.sizes(a.members & b.members).astype(np.float64)
    if a.tied is not None:
        both += a.share * bits.sizes(a.tied & b.members)
    if b.tied is not None:
        both += b.share * bits.sizes(a.members & b.tied)
    if a.tied is not None and b.tied is not None:
        both += a.share * b.share * bits.sizes(a.tied & b.tied)
    return both


def _trials(groups: npt.NDArray[np.float32]) -> list[Group]:
    """The trials of each group [R, N] of how often each counts."""
    positions = np.arange(groups.shape[1])
    return [tuple(np.repeat(positions, group.astype(np.int64)).tolist()) for group in groups]


@dataclass(frozen=True)
class Rule:
    """A rule to draw easy or hard sets from votes: the arguments of `select`.

    ``refine`` breaks ties by the mean probability of the label over the same trials.
    """

    side: Side = "easy"
    fraction: float = 0.1
    ties: Ties = "expected"
    seed: int = 0

    def pairs(
        self, a: Votes, b: Votes, groups_a: npt.NDArray[np.float32], groups_b: npt.NDArray[np.float32]
    ) -> Iterator[tuple[Sets, Sets]]:
        """Selections of each group [R, N] of A's and B's trials: of few examples at once, else by pair."""
        check_option("side", self.side, get_args(Side))
        check_option("ties", self.ties, get_args(Ties))
        k = num_selected(a.num_examples, self.fraction)
        few = a.num_examples <= _FEW
        if self.ties == "refine" and not few:
            of_a, of_b = _trials(groups_a), _trials(groups_b)
            if a.tails is b.tails:  # in one pass, in which a half's sums follow from those of the other
                of_a, of_b = [group for pair in zip(of_a, of_b, strict=True) for group in pair], []
            a.tails.refine(of_a, k)
            b.tails.refine(of_b, k)
        num = len(groups_a)
        for some in [slice(num)] if few else [slice(at, at + 1) for at in range(num)]:
            # Different hashes on the two sides: one hash for both would make tied examples match.
            yield (
                self._sets(a, groups_a[some], k, 2 * self.seed),
                self._sets(b, groups_b[some], k, 2 * self.seed + 1),
            )

    def _sets(self, votes: Votes, groups: npt.NDArray[np.float32], k: int, seed: int) -> Sets:
        """The selections of the groups [R, N]; of few examples kept for the next pair that the run is of."""
        known, key = votes.tails.chosen, (self, groups.tobytes(), seed)
        if key in known:
            kept: Sets = known[key]
            return kept
        votes.check_heard(groups)
        trials = _trials(groups)
        if self.ties == "refine":
            votes.tails.refine(trials, k)
        found = Sets([self._chosen(votes, group, k, seed) for group in trials])
        if votes.num_examples <= _FEW:
            known[key] = found
        return found

    def each_trial(self, votes: Votes, run: int) -> list[bits.Words]:
        """The examples that each trial counts: those in its own refined set, or those it is right about.

        ``run`` is 0 or 1, of two that are matched. Ties are told apart otherwise in each trial of either.
        """
        trials = [(trial,) for trial in range(votes.num_trials)]
        if self.ties != "refine":
            return [votes.tails.digits(trial)[0] for trial in trials]
        k = num_selected(votes.num_examples, self.fraction)
        votes.tails.refine(trials, k)
        return [
            self._refined(votes, trial, k, 2 * (self.seed + _SEEDS * (trial[0] + 1)) + run).members
            for trial in trials
        ]

    def _chosen(self, votes: Votes, group: Group, k: int, seed: int) -> Chosen:
        """The selection of a group; of few examples it is remembered for the next pair that the run is of."""
        known = votes.tails.chosen
        key = (self.ties, self.side, group, k, seed if self.ties == "refine" else 0)
        if key in known:
            found: Chosen = known[key]
            return found
        if self.ties == "refine":
            found = self._refined(votes, group, k, seed)
        else:
            found = self._by_count(votes.tails, group, k)
        if votes.num_examples <= _FEW:
            known[key] = found
        return found

    def _by_count(self, tails: Tails, group: Group, k: int) -> Chosen:
        cut = tails.by_count(group, k, self.side)
        mass = tails.tie_mass(cut)
        if self.ties == "expected":
            return Chosen(cut.beyond, cut.tied, cut.share, float(k), mass)
        # beyond the next value: none where all up to it tie, all where there is no next
        all_in = k == tails.num_examples
        members = tails.everyone if all_in else tails.by_count(group, k + 1, self.side).beyond
        return Chosen(members, None, 0.0, float(bits.size(members)), mass)

    def _refined(self, votes: Votes, group: Group, k: int, seed: int) -> Chosen:
        found = votes.tails.refined(group, k, self.side)
        members = found.members
        if found.tied is not None:
            tied = bits.Members(found.tied)
            first = first_in_order(votes.keys_at(tied.positions), seed, found.missing)
            members = members | tied.subset(first)
        return Chosen(members, None, 0.0, float(k), found.by_count)

    def matches(self, pair: tuple[Sets, Sets], num_examples: int, classes: ClassTally | None) -> list[Match]:
        """The `Match` of each two groups of one of `pairs`, with a class chance where classes are given."""
        a, b = pair
        least, most = np.minimum(a.size, b.size), np.maximum(a.size, b.size)
        class_chance: list[float | None] = [None] * len(least)
        if classes is not None:
            some = classes.sizes > 0
            together = a.by_class(classes)[:, some] * b.by_class(classes)[:, some]
            total = (together / classes.sizes[some]).sum(axis=1)
            class_chance = np.divide(total, most, out=np.full(len(most), np.nan), where=least > 0).tolist()
        rows = (self.rates(pair), a.tie_mass, b.tie_mass, least / num_examples, a.size, b.size)
        return [
            Match(rate, (mass_a, mass_b), chance, by_class, (size_a, size_b))
            for (rate, mass_a, mass_b, chance, size_a, size_b), by_class in zip(
                np.stack(rows, axis=1).tolist(), class_chance, strict=True
            )
        ]

    def match_all(self, a: Votes, b: Votes) -> Match:
        """As `match_votes`."""
        check_same_examples(a, b)
        pair = next(self.pairs(a, b, a.all_trials(), b.all_trials()))
        return self.matches(pair, a.num_examples, a.classes)[0]

    def rates(self, pair: tuple[Sets, Sets]) -> npt.NDArray[np.float64]:
        """The matching rates [R] of one of `pairs`; NaN where a set is empty."""
        a, b = pair
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
