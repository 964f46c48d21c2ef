"""How far two sets of examples are the same (Eq. 2), and how far they would be by chance."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from easiness.analysis.selection import select, tie_mass
from easiness.analysis.sides import Side, Ties
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
    """Counts [K] of one group of trials, and the membership weights [K] they lead to."""

    counts: npt.NDArray[np.float32]
    weights: npt.NDArray[np.float64]


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
        """What each group [R, N] of A's and of B's trials selects, pair by pair."""
        # Different hashes on the two sides: one hash for both would make tied examples match.
        chosen_a = self._chosen(a, groups_a, 2 * self.seed)
        chosen_b = self._chosen(b, groups_b, 2 * self.seed + 1)
        return zip(chosen_a, chosen_b, strict=True)

    def _chosen(self, votes: Votes, groups: npt.NDArray[np.float32], seed: int) -> Iterator[Chosen]:
        for counts, p_label in votes.each(groups, with_p_label=self.ties == "refine"):
            weights = select(
                counts,
                fraction=self.fraction,
                side=self.side,
                ties=self.ties,
                refine_by=p_label,
                ids=votes.keys,
                seed=seed,
            )
            yield Chosen(counts, weights)

    def match(self, pair: tuple[Chosen, Chosen], labels: npt.NDArray[np.int64]) -> Match:
        """The `Match` of one of `pairs`."""
        masses = [tie_mass(chosen.counts, self.fraction, self.side) for chosen in pair]
        return match_weights(pair[0].weights, pair[1].weights, labels, (masses[0], masses[1]))


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
    return rule.match(next(rule.pairs(a, b, a.all_trials(), b.all_trials())), a.labels)
