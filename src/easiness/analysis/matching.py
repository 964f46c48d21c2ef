"""How far two sets of examples are the same (Eq. 2), and how far they would be by chance."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
import numpy.typing as npt

from easiness.analysis import bits
from easiness.analysis.class_tally import ClassTally
from easiness.analysis.selection import check_option
from easiness.analysis.sides import Side, Ties, num_selected
from easiness.analysis.tails import Group, Tails
from easiness.analysis.tiebreak import first_in_order
from easiness.analysis.votes import Votes, check_same_examples
from easiness.errors import BadInput


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


def _size(weights: npt.NDArray[np.float64]) -> float:
    return round(float(weights.sum()), 6)  # equal shares of k add up to k but for rounding


def overlap_rate(w_a: npt.NDArray[np.float64], w_b: npt.NDArray[np.float64]) -> float:
    """Eq. 2 for membership weights [K]: sum(w_a * w_b) / max(sum(w_a), sum(w_b)); NaN if a set is empty.

    Under ``expected`` both sums are k, and this is the expected overlap of sets whose ties are broken
    at random and independently; under ``strict`` and ``refine`` it is |A and B| / max(|A|, |B|).
    """
    return _rate(w_a, w_b, (_size(w_a), _size(w_b)))


def _rate(w_a: npt.NDArray[np.float64], w_b: npt.NDArray[np.float64], sizes: tuple[float, float]) -> float:
    # not w_a @ w_b, whose threads wait for each other where other processes run
    return float(np.einsum("k,k", w_a, w_b)) / max(sizes) if min(sizes) > 0 else math.nan


def match_weights(
    w_a: npt.NDArray[np.float64],
    w_b: npt.NDArray[np.float64],
    labels: npt.NDArray[np.integer[Any]] | None = None,
    tie_mass: tuple[float, float] = (0.0, 0.0),
) -> Match:
    """Match two selections [K] made by `select` with one policy and fraction.

    Chance is min(|A|, |B|) / K: exactly k / K under ``expected`` and ``refine``. Class-stratified chance
    is sum_c W_A(c) W_B(c) / n_c, over the larger size, with W(c) the weight in class c and n_c its
    examples.

    Args:
        w_a: weights of A.
        w_b: weights of B, over the same examples in the same order.
        labels: class indices from 0 [K], for the class-stratified chance.
        tie_mass: of A and B, passed on to the result.

    Raises:
        BadInput: lengths differ.
    """
    if w_a.shape != w_b.shape or (labels is not None and labels.shape != w_a.shape):
        other = w_b.shape if labels is None or w_a.shape != w_b.shape else labels.shape
        raise BadInput(f"lengths {w_a.shape} and {other} differ: match selections of the same examples")
    sizes = _size(w_a), _size(w_b)
    class_chance = None
    if labels is not None:
        per_class = np.bincount(labels)
        together = np.bincount(labels, w_a) * np.bincount(labels, w_b)
        present = per_class > 0
        total = float((together[present] / per_class[present]).sum())
        class_chance = total / max(sizes) if min(sizes) > 0 else math.nan
    return Match(
        rate=_rate(w_a, w_b, sizes),
        tie_mass=tie_mass,
        chance=min(sizes) / len(w_a),
        class_chance=class_chance,
        sizes=sizes,
    )


@dataclass(frozen=True)
class Chosen:
    """What one group of trials selects: ``members``, and each of those that are ``tied`` for ``share``.

    ``size`` is the sum of the weights, ``tie_mass`` the share of all examples whose count ties at the cut.
    """

    members: bits.Words
    tied: bits.Words | None
    share: float
    size: float
    tie_mass: float

    def weights(self, num_examples: int) -> npt.NDArray[np.float64]:
        """Membership weights [K], as `select` gives them."""
        weights = bits.unpack(self.members, num_examples).astype(np.float64)
        if self.tied is not None:
            weights[bits.unpack(self.tied, num_examples)] = self.share
        return weights

    def by_class(self, classes: ClassTally) -> npt.NDArray[np.float64]:
        """The weight in each class [C]."""
        weights = classes.of(self.members).astype(np.float64)
        return weights if self.tied is None else weights + self.share * classes.of(self.tied)


def _overlap(a: Chosen, b: Chosen) -> float:
    """The sum over all examples of the product of their weights."""
    both = float(bits.size(a.members & b.members))
    if a.tied is not None:
        both += a.share * bits.size(a.tied & b.members)
    if b.tied is not None:
        both += b.share * bits.size(a.members & b.tied)
    if a.tied is not None and b.tied is not None:
        both += a.share * b.share * bits.size(a.tied & b.tied)
    return both


def _trials(groups: npt.NDArray[np.float32]) -> list[Group]:
    """The trials of each group [R, N] of how often each counts."""
    positions = np.arange(groups.shape[1])
    return [tuple(np.repeat(positions, group.astype(np.int64)).tolist()) for group in groups]


@dataclass(frozen=True)
class Rule:
    """How easy or hard sets are drawn from votes: the arguments of `select`.

    ``refine`` breaks ties by the mean probability of the label over the same trials.
    """

    side: Side = "easy"
    fraction: float = 0.1
    ties: Ties = "expected"
    seed: int = 0

    def pairs(
        self, a: Votes, b: Votes, groups_a: npt.NDArray[np.float32], groups_b: npt.NDArray[np.float32]
    ) -> Iterator[tuple[Chosen, Chosen]]:
        """What each group [R, N] of A's and of B's trials selects, pair by pair.

        Raises:
            BadInput: easiness is undefined in a group, or an option is wrong (see `select`).
        """
        check_option("side", self.side, get_args(Side))
        check_option("ties", self.ties, get_args(Ties))
        k = num_selected(a.num_examples, self.fraction)
        a.check_heard(groups_a)
        b.check_heard(groups_b)
        of_a, of_b = _trials(groups_a), _trials(groups_b)
        if self.ties == "refine":
            if a.tails is b.tails:  # in one pass, in which a half's sums follow from those of the other
                a.tails.refine(itertools.chain.from_iterable(zip(of_a, of_b, strict=True)), k)
            else:
                a.tails.refine(of_a, k)
                b.tails.refine(of_b, k)
        # Different hashes on the two sides: one hash for both would make tied examples match.
        chosen_a = (self._chosen(a, group, k, 2 * self.seed) for group in of_a)
        chosen_b = (self._chosen(b, group, k, 2 * self.seed + 1) for group in of_b)
        return zip(chosen_a, chosen_b, strict=True)

    def _chosen(self, votes: Votes, group: Group, k: int, seed: int) -> Chosen:
        if self.ties == "refine":
            return self._refined(votes, group, k, seed)
        return self._by_count(votes.tails, group, k)

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

    def match(self, pair: tuple[Chosen, Chosen], num_examples: int, classes: ClassTally | None) -> Match:
        """The `Match` of one of `pairs`, with a class chance where classes are given."""
        a, b = pair
        class_chance = None
        if classes is not None:
            together, sizes = a.by_class(classes) * b.by_class(classes), classes.sizes
            total = float((together[sizes > 0] / sizes[sizes > 0]).sum())
            class_chance = total / max(a.size, b.size) if min(a.size, b.size) > 0 else math.nan
        return Match(
            rate=self.rate(pair),
            tie_mass=(a.tie_mass, b.tie_mass),
            chance=min(a.size, b.size) / num_examples,
            class_chance=class_chance,
            sizes=(a.size, b.size),
        )

    def rate(self, pair: tuple[Chosen, Chosen]) -> float:
        """The matching rate of one of `pairs`; NaN if a set is empty."""
        a, b = pair
        return _overlap(a, b) / max(a.size, b.size) if min(a.size, b.size) > 0 else math.nan


def match_votes(
    a: Votes,
    b: Votes,
    *,
    side: Side = "easy",
    fraction: float = 0.1,
    ties: Ties = "expected",
    seed: int = 0,
) -> Match:
    """Match the easy (or hard) sets of two runs, each from all of its trials; classes are those of ``a``.

    Raises:
        BadInput: the runs saw different examples, easiness is undefined in one of them, or an option is
            wrong (see `select`).
    """
    check_same_examples(a, b)
    rule = Rule(side, fraction, ties, seed)
    pair = next(rule.pairs(a, b, a.all_trials(), b.all_trials()))
    return rule.match(pair, a.num_examples, a.classes)
