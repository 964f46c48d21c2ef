"""Folds of the examples that rotate from trial to trial, and nested shares of them, by class and by group."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from easiness.spec import TrialSpec, fraction_of

Positions = npt.NDArray[np.int64]
Values = npt.NDArray[np.float64]

_STREAM = 0x666F6C64  # keeps these random numbers apart from those of trials


@dataclass(frozen=True, eq=False)
class Deal:
    """Divides examples into folds by ``labels`` [K], maybe not those trained with; ``groups`` [K] stay whole.

    Examples that are ``never`` [K] trained on have a fold as well.
    """

    labels: Positions
    groups: Positions | None = None
    never: npt.NDArray[np.bool_] | None = None

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of the labels and of what is never trained on; groups follow from the examples."""
        never = b"" if self.never is None else self.never.tobytes()
        return hashlib.sha256(self.labels.astype("<i8").tobytes() + never).hexdigest()

    def ranking(self, spec: TrialSpec, ranking: Values | None) -> Values:
        """A ``ranking`` [K], or none, with NaN of what a trial does not see, of ``spec.train_share``."""
        repeat, turn = divmod(spec.index, fraction_of(spec.train_share).denominator)
        seen = self.partition((spec.train_share,), spec.seed, repeat).trained_on(turn)[0]
        return np.where(seen, 0.0 if ranking is None else ranking, np.nan)

    def partition(self, shares: tuple[float, ...], seed: int, repeat: int) -> Partition:
        """Deal the examples out for a repeat, a function of the run's seed and the repeat alone.

        Classes are spread evenly over folds and within each. The largest of ``shares`` is of p folds of q.
        """
        largest = fraction_of(shares[-1])
        rng = np.random.default_rng(np.random.SeedSequence(entropy=seed, spawn_key=(repeat, _STREAM)))
        alone = np.arange(len(self.labels)) if self.groups is None else self.groups
        fold = _dealt(self.labels, alone, largest.denominator, rng)
        if self.never is not None:
            fold[self.never] = -1
        cuts, blocks = _cuts(shares, largest.denominator), []
        for at in range(largest.denominator):
            order = _spread(np.flatnonzero(fold == at), self.labels, alone, rng)
            blocks.append(_parts(order, alone, cuts))
        return Partition(tuple(blocks), shares, largest.denominator - largest.numerator, len(self.labels))


@dataclass(frozen=True, eq=False)
class Partition:
    """``num`` examples dealt out for a repeat: ``blocks`` [folds][parts] are positions, parts of shares."""

    blocks: tuple[tuple[Positions, ...], ...]
    shares: tuple[float, ...]
    num_left_out: int
    num: int

    def seen(self, turn: int, row: int) -> list[tuple[int, int]]:
        """The blocks (fold, part) that the heads of a row have seen in the ``turn``-th trial of the repeat.

        Every fold is left out in equally many turns, and smaller shares are parts of larger ones. Blocks are
        named that have examples; of very few examples the smallest share has one block.
        """
        num = len(self.blocks)
        whole, part = _folds_and_parts(self.shares, num)[row]
        parts = len(self.blocks[0])
        order = [
            ((turn + self.num_left_out + i) % num, at)
            for i in range(num - self.num_left_out)
            for at in range(parts)
        ]
        filled = [len(self.blocks[fold][at]) > 0 for fold, at in order]
        end = max(whole * parts + part, filled.index(True) + 1)
        return [block for block, has in zip(order[:end], filled, strict=False) if has]

    def positions(self, turn: int, row: int) -> Positions:
        """The examples that the heads of a row have seen, in the order they were dealt."""
        return np.concatenate([self.blocks[fold][part] for fold, part in self.seen(turn, row)])

    def trained_on(self, turn: int) -> npt.NDArray[np.bool_]:
        """Which examples heads have seen: [shares, K]."""
        seen = np.zeros((len(self.shares), self.num), np.bool_)
        for row in range(len(self.shares)):
            seen[row, self.positions(turn, row)] = True
        return seen


def _dealt(labels: Positions, groups: Positions, num: int, rng: np.random.Generator) -> Positions:
    """The fold [K] of each example: groups of several first, the largest first, then the others evenly."""
    _, group, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    fold = np.full(len(labels), -1, np.int64)
    counts = np.zeros((num, int(labels.max()) + 1), np.int64)  # by fold and class
    several = np.flatnonzero(sizes > 1)
    by_group = np.argsort(group, kind="stable")
    starts = np.cumsum(sizes) - sizes
    totals = np.zeros(num, np.int64)
    for one in several[np.lexsort((rng.random(len(several)), -sizes[several]))].tolist():
        members = by_group[starts[one] : starts[one] + sizes[one]]
        own, times = np.unique(labels[members], return_counts=True)
        best = np.lexsort((totals, counts[:, own] @ times))[0]
        fold[members] = best
        counts[best, own] += times
        totals[best] += len(members)
    by_class = rng.permutation(np.flatnonzero(fold < 0))
    by_class = by_class[np.argsort(labels[by_class], kind="stable")]
    for rest in np.split(by_class, np.flatnonzero(np.diff(labels[by_class])) + 1):
        if not len(rest):
            continue
        # slots by how full a fold is with this class, then by how full it is at all
        label = labels[rest[0]]
        level = counts[:, label, None] + np.arange(len(rest))
        total, lots = (np.broadcast_to(one[:, None], level.shape) for one in (totals, rng.random(num)))
        slots = np.lexsort((lots.ravel(), total.ravel(), level.ravel()))[: len(rest)]
        fold[rest] = slots // len(rest)
        totals += np.bincount(fold[rest], minlength=num)
    return fold


def _spread(
    positions: Positions, labels: Positions, groups: Positions, rng: np.random.Generator
) -> Positions:
    """The positions in an order of which any beginning has the classes as all have; groups stay together."""
    order = rng.permutation(positions)
    _, first, group = np.unique(groups[order], return_index=True, return_inverse=True)
    leader = order[first]  # a group stands where its first member does
    own = labels[leader]
    by_class = np.lexsort((rng.random(len(leader)), own))
    sizes = np.bincount(own)
    starts = np.cumsum(sizes) - sizes
    rank = np.empty(len(leader))
    rank[by_class] = np.arange(len(leader)) - starts[own[by_class]]
    place = (rank + rng.random(len(leader))) / sizes[own]
    return order[np.lexsort((group, place[group]))]


def _parts(order: Positions, groups: Positions, cuts: tuple[Fraction, ...]) -> tuple[Positions, ...]:
    """A fold cut into parts, never within a group."""
    ends = np.append(np.flatnonzero(np.diff(groups[order])) + 1, len(order))  # where a group ends
    at = [int(ends[np.abs(ends - float(cut) * len(order)).argmin()]) for cut in cuts]
    return tuple(np.split(order, at))


def _folds_and_parts(shares: tuple[float, ...], num: int) -> list[tuple[int, int]]:
    """The number of whole folds of each share, and of parts of the next one."""
    cuts = _cuts(shares, num)
    found = []
    for share in _fractions(shares):
        whole, rest = divmod(share * num, 1)
        found.append((int(whole), cuts.index(rest) + 1 if rest else 0))
    return found


def _cuts(shares: tuple[float, ...], num: int) -> tuple[Fraction, ...]:
    return tuple(sorted({share * num % 1 for share in _fractions(shares)} - {Fraction(0)}))


def _fractions(shares: tuple[float, ...]) -> list[Fraction]:
    largest = fraction_of(shares[-1])
    return [*(min(Fraction(share).limit_denominator(10_000), largest) for share in shares[:-1]), largest]
