"""The outermost examples as groups of trials see them, easy and hard: by counts, then by the finer score."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from easiness.analysis import bits
from easiness.analysis.bits import Members, Words
from easiness.analysis.selection import nth_largest
from easiness.analysis.sides import SIDES, Side

Group = tuple[int, ...]
"""Positions of trials, one that counts twice twice."""

_Floats = npt.NDArray[np.float64]
_Key = tuple[Group, int, Side]

_FEW = 1 << 13  # examples, whose counts are remembered of each group: a kilobyte a digit
_MANY = 1 << 16  # tied examples whose finer scores are not all looked up one by one
_SOME = 1 << 16  # examples, in runs of 8, that a cut among many is guessed from
_SURE = 3.0  # standard errors of a rank in this sample that the cut is looked for within
_BATCH = 64  # groups whose sums are made in one pass

COLUMNS = 1 << 14
"""Examples added up at a time, so that all trials of them stay in a processor's cache."""


@dataclass(frozen=True)
class Cut:
    """A set of k examples as far as it is known: ``beyond`` are in, ``missing`` more of the ``tied`` are.

    There are at least ``missing`` of the tied, and at least one is missing.
    """

    beyond: Words
    tied: Words
    missing: int

    @functools.cached_property
    def num_tied(self) -> int:
        """The number of the tied."""
        return bits.size(self.tied)

    @property
    def share(self) -> float:
        """The part of each of the tied, if they share what is missing: 1 where the cut splits none."""
        return self.missing / self.num_tied


def cut_by_count(digits: Sequence[Words], everyone: Words, k: int, side: Side) -> Cut:
    """The k examples with the largest counts, or the smallest for the hard side, from `bits.sums`.

    Digit by digit, the first that counts most: the k-th example has the outer one if k examples do.
    """
    beyond, tied, missing = np.zeros_like(everyone), everyone, k
    for digit in reversed(digits):
        outer = tied & digit if side == "easy" else tied & ~digit
        num = bits.size(outer)
        if num >= missing:
            tied = outer
        else:
            beyond |= outer
            tied = tied ^ outer
            missing -= num
    return Cut(beyond, tied, missing)


@dataclass(frozen=True)
class Refined:
    """A set of k examples: the ``members``, and ``missing`` of the ``tied`` where any tie in the finer score.

    ``by_count`` is the share of all examples that tied before it was looked at.
    """

    members: Words
    tied: Words | None
    missing: int
    by_count: float


@dataclass(frozen=True)
class Bracket:
    """Two ends that the finer score of the last example of a set is thought to lie between."""

    low: float
    high: float


class Tails:
    """The tails of groups of N trials over K examples, of which no group is looked at twice for its sets.

    ``correct`` [N, K] are the votes and ``finer`` [N, K] is a score whose sums over trials are exact.
    """

    def __init__(self, correct: npt.NDArray[np.bool_], finer: _Floats) -> None:
        self._finer = finer
        self._rows = bits.pack(correct)
        self.num_examples: int = correct.shape[1]
        self.everyone: Words = bits.pack(np.ones(self.num_examples, np.bool_))
        self._refined: dict[_Key, Refined] = {}
        self._digits: dict[Group, list[Words]] = {}
        self.chosen: dict[tuple[Any, ...], Any] = {}  # what others made of them, by how

    def digits(self, group: Group) -> list[Words]:
        """The number of a group's trials that are right about each example, as `bits.sums`."""
        if group in self._digits:
            return self._digits[group]
        digits = bits.sums([self._rows[trial] for trial in group])
        if self.num_examples <= _FEW:
            self._digits[group] = digits
        return digits

    def joint_tally(self, one: Group, other: Group) -> npt.NDArray[np.int64]:
        """The number of examples with each pair of counts in two groups."""
        return bits.joint_tally(self.digits(one), self.digits(other), self.everyone)

    def by_count(self, group: Group, k: int, side: Side) -> Cut:
        """The k outermost examples by counts alone."""
        return cut_by_count(self.digits(group), self.everyone, k, side)

    def refined(self, group: Group, k: int, side: Side) -> Refined:
        """The k outermost examples, tied counts told apart by the finer score: made by `refine`."""
        return self._refined[group, k, side]

    def refine(self, groups: Iterable[Group], k: int) -> None:
        """Make `refined` ready for both sides of these groups, as far as it is not yet."""
        new = [group for group in dict.fromkeys(groups) if (group, k, SIDES[0]) not in self._refined]
        for start in range(0, len(new), _BATCH):
            some = new[start : start + _BATCH]
            cuts: dict[_Key, Cut] = {}
            for group in some:
                digits = self.digits(group)
                cuts |= {(group, k, side): cut_by_count(digits, self.everyone, k, side) for side in SIDES}
            for key, cut in self._narrowed(cuts).items():
                by_count = self.tie_mass(cuts[key])
                self._refined[key] = self._told_apart(key[0], key[2], cut, by_count)

    def tie_mass(self, cut: Cut) -> float:
        """Share of all examples that are tied, if the cut splits them; else 0."""
        return cut.num_tied / self.num_examples if cut.missing < cut.num_tied else 0.0

    def _told_apart(self, group: Group, side: Side, cut: Cut, by_count: float) -> Refined:
        """Tell the tied apart by their sums, looked up one by one."""
        if cut.missing == cut.num_tied:
            return Refined(cut.beyond | cut.tied, None, 0, by_count)
        tied = Members(cut.tied)
        sums = self._finer[group[0]].take(tied.positions)
        for trial in group[1:]:
            sums += self._finer[trial].take(tied.positions)
        if side == "hard":
            np.negative(sums, out=sums)
        last = nth_largest(sums, cut.missing)
        missing = cut.missing - int(np.count_nonzero(sums > last))
        if missing == np.count_nonzero(sums == last):
            return Refined(cut.beyond | tied.subset(sums >= last), None, 0, by_count)
        return Refined(cut.beyond | tied.subset(sums > last), tied.subset(sums == last), missing, by_count)

    def _narrowed(self, cuts: dict[_Key, Cut]) -> dict[_Key, Cut]:
        """Leave tied, of many, only those whose sums lie near a guessed cut, where the guess is right."""
        many = {key: cut for key, cut in cuts.items() if cut.missing < cut.num_tied and cut.num_tied > _MANY}
        sums, brackets, before = np.empty(self._sample.shape[1]), {}, None
        for key, cut in many.items():
            if key[0] != before:  # the sides of a group follow each other
                before = key[0]
                _add_up([self._sample[trial] for trial in before], sums)
            brackets[key] = self._bracket(sums, cut, key[2])
        narrow = {}
        for (key, cut), (sure, within) in zip(many.items(), self._compared(brackets), strict=True):
            sure &= cut.tied
            missing = cut.missing - bits.size(sure)
            near = Cut(cut.beyond | sure, within & cut.tied & ~sure, missing)
            if 1 <= missing <= near.num_tied:
                narrow[key] = near
        return cuts | narrow

    @functools.cached_property
    def _step(self) -> int:
        return max(1, self.num_examples // _SOME)

    @functools.cached_property
    def _sample(self) -> _Floats:
        """The finer scores of every so many runs of 8 examples, [N, n]."""
        num = self.num_examples // 8
        runs = self._finer[:, : 8 * num].reshape(len(self._finer), num, 8)[:, :: self._step]
        return runs.reshape(len(self._finer), -1)

    def _bracket(self, sums: _Floats, cut: Cut, side: Side) -> Bracket:
        """Guess where the last of the missing lies, from the ``sums`` [n] of the sample and who is tied."""
        octets = cut.tied.view(np.uint8)[: self.num_examples // 8 : self._step]
        tied = sums[np.unpackbits(octets, bitorder="little").view(np.bool_)]
        share = cut.missing / cut.num_tied
        middle = len(tied) * (share if side == "hard" else 1 - share)
        reach = _SURE * math.sqrt(len(tied) * share * (1 - share)) + 2
        low, high = int(middle - reach), int(middle + reach) + 1
        there = [at for at in (low, high) if 0 <= at < len(tied)]
        ordered = np.partition(tied, there) if there else tied
        return Bracket(
            low=float(ordered[low]) if low in there else -math.inf,
            high=float(ordered[high]) if high in there else math.inf,
        )

    def _compared(self, brackets: dict[_Key, Bracket]) -> npt.NDArray[np.uint64]:
        """The examples with sums beyond each bracket, towards the set, and those there or within: [n, 2, W].

        All groups in one pass over the finer scores, from piece to piece, so that they are read once.
        """
        found = np.zeros((len(brackets), 2, len(self.everyone)), self.everyone.dtype)
        octets = found.view(np.uint8)
        places: dict[Group, slice] = {}  # a group's sides follow each other
        for place, (group, _, _) in enumerate(brackets):
            places[group] = slice(places.get(group, slice(place, 0)).start, place + 1)
        # of two groups that make up all trials one has what the other leaves of the sum
        places, others = _halves_in_turn(places, len(self._finer))
        tests = [
            (np.greater, one.high, np.greater_equal, one.low)
            if side == "easy"
            else (np.less, one.low, np.less_equal, one.high)
            for (_, _, side), one in brackets.items()
        ]
        for start in range(0, self.num_examples, COLUMNS):
            rows = list(self._finer[:, start : start + COLUMNS])
            sums, masks = np.empty_like(rows[0]), np.empty((len(SIDES), 2, len(rows[0])), np.bool_)
            part = slice(start // 8, start // 8 + -(-len(rows[0]) // 8))
            everything = functools.reduce(np.add, rows) if others else sums
            for group, wanted in places.items():
                if group in others:
                    np.subtract(everything, sums, out=sums)
                else:
                    _add_up([rows[trial] for trial in group], sums)
                for mask, (beyond, outer, reaching, inner) in zip(masks, tests[wanted], strict=False):
                    beyond(sums, outer, out=mask[0])
                    reaching(sums, inner, out=mask[1])
                packed = np.packbits(masks[: wanted.stop - wanted.start], axis=-1, bitorder="little")
                octets[wanted, :, part] = packed
        return found


def _add_up(rows: Sequence[_Floats], sums: _Floats) -> None:
    """Fill ``sums`` [n] with the sum of the rows."""
    if len(rows) == 1:
        np.copyto(sums, rows[0])
        return
    np.add(rows[0], rows[1], out=sums)
    for row in rows[2:]:
        sums += row


def _halves_in_turn(places: dict[Group, slice], num_trials: int) -> tuple[dict[Group, slice], set[Group]]:
    """The groups, each followed by that of all other trials if that is among them, and the followers."""
    ordered: dict[Group, slice] = {}
    followers = set()
    for group in places:
        if group in ordered:
            continue
        ordered[group] = places[group]
        inside = set(group)
        rest = tuple(trial for trial in range(num_trials) if trial not in inside)
        if rest in places and rest not in ordered and len(group) + len(rest) == num_trials:
            ordered[rest] = places[rest]
            followers.add(rest)
    return ordered, followers
