"""Would a rule have been worth following? Replayed on labelled examples, as if most had no label yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from easiness.analysis import Gain, paired_gain
from easiness.inputs import tell
from easiness.studies.worth.heads import Labelled, fit
from easiness.studies.worth.picking import PICKS, RANDOM, RULES, Judged, Near, Positions, Rule, near_of

STARTS = (100, 300, 1_000)
"""Labelled examples that replays begin with, beside half of those that there are."""
LEVEL = 0.975
"""Of intervals: one of two rules is recommended, and by chance each gets its turn."""
MOST = 20_000
"""Examples that a replay draws from."""
_REST = 4  # a pool has so many times as many examples as are picked, at least
_STREAM = 0x706F6F6C  # keeps these random numbers apart from others of the same seed

Right = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Replayed:
    """From ``start`` labelled examples on a ``rule`` picked ``picks`` of a ``pool``.

    Heads are ``right`` [seeds, n] then; ``gain`` is that over as many at random, with an interval for other
    draws and other test examples.
    """

    start: int
    pool: int
    picks: int
    rule: str
    right: Right
    gain: Gain

    @property
    def accuracy(self) -> float:
        """The mean over seeds."""
        return float(self.right.mean())

    @property
    def beats_random(self) -> bool:
        """Is its interval above 0?"""
        return self.gain.interval[0] > 0


@dataclass(frozen=True)
class Replaying:
    """How to replay: ``picks`` at a time, over ``seeds`` draws of their ``seed``.

    ``wrong`` is the share of the new labels that are wrong, as people's are; ``rules`` are those tried.
    """

    picks: int
    seeds: int = 20
    seed: int = 0
    wrong: float = 0.0
    starts: Sequence[int] = STARTS

    def of(self, num: int) -> list[tuple[int, int]]:
        """The labelled examples to begin with, and the picks, at each start with ``num`` examples in all."""
        starts = sorted({one for one in self.starts if 3 * one <= num} | {num // 2})
        return [(one, max(1, min(self.picks, (num - one) // _REST))) for one in starts]


def without_copies(some: Labelled, copies: Positions) -> Labelled:
    """One example of each number in ``copies``: to label a copy tells nothing, and none is picked."""
    return some.part(np.sort(np.unique(copies, return_index=True)[1]))


def replay(
    some: Labelled, test: Labelled, asked: Replaying, rules: Mapping[str, Rule] = PICKS
) -> list[Replayed]:
    """What each rule gains at each start.

    Each seed takes as many labelled examples as a start has, at random, and hides the labels of the rest,
    from which each rule picks. Heads of what is labelled then are tested on the same ``test`` examples.
    """
    rng = np.random.default_rng(np.random.SeedSequence(asked.seed, spawn_key=(_STREAM,)))
    if len(some) > MOST:
        some = some.part(np.sort(rng.permutation(len(some))[:MOST]))
    near, starts = near_of(some.x.numpy()), asked.of(len(some))
    found = []
    for at, (start, picks) in enumerate(starts):
        drawn: dict[str, list[_Drawn]] = {rule: [] for rule in rules}
        for seed in range(asked.seeds):
            tell("replaying whom to label", at * asked.seeds + seed, len(starts) * asked.seeds)
            for rule, one in _one(some, test, near, start, picks, asked.wrong, rules, rng).items():
                drawn[rule].append(one)
        for rule, own in drawn.items():
            gain = _gain(drawn[RANDOM], own, len(some))
            right = np.stack([one.right for one in own])
            found.append(Replayed(start, len(some) - start, picks, rule, right, gain))
    return found


class _Drawn(NamedTuple):
    """What a rule ``picked``, and whether the head is ``right`` about each test example then [n]."""

    picked: Positions
    right: Right


def _gain(base: Sequence[_Drawn], own: Sequence[_Drawn], num: int) -> Gain:
    """What a rule gains over random; seeds count as far as their picks differ.

    A rule that picks the same examples in every seed has shown what these are worth, and not what others
    would be. Where an example is worth something of its own wherever it is picked, the mean of seeds varies
    as the square of their mean ``picks - picks at random`` does, as vectors over the examples.
    """
    picks = np.zeros((len(own), num), np.float32)
    for row, (one, other) in enumerate(zip(own, base, strict=True)):
        picks[row, one.picked] += 1
        picks[row, other.picked] -= 1
    mean = picks.mean(axis=0)
    apart = float(np.square(picks - mean).sum()) / max(len(own) - 1, 1)
    alike = len(own) * float(np.square(mean).sum()) / apart if apart else 1.0
    before, after = (np.stack([one.right for one in drawn]) for drawn in (base, own))
    return paired_gain(before, after, LEVEL, alike=max(1.0, alike))


def _one(
    some: Labelled,
    test: Labelled,
    near: Near,
    start: int,
    picks: int,
    wrong: float,
    rules: Mapping[str, Rule],
    rng: np.random.Generator,
) -> dict[str, _Drawn]:
    """What each rule picks in one draw, and how right it makes the head."""
    order = rng.permutation(len(some))
    labelled, pool = order[:start], order[start:]
    known = some.part(labelled)
    moments = known.moments()
    judged = Judged(pool, labelled, margins(probabilities(known, some.part(pool))))
    given = _as_people_label(some, wrong, rng)
    found = {}
    for rule, picked in rules.items():
        own = pool[picked(near, judged, picks)]
        new = given.part(own)
        both = Labelled(
            torch.cat([known.x, new.x]),
            torch.cat([known.labels, new.labels]),
            np.arange(start + picks),
            some.num_classes,
        )
        head, _ = fit(both, moments + new.moments())
        found[rule] = _Drawn(own, (head(test.x).argmax(dim=1) == test.labels).numpy())
    return found


def probabilities(known: Labelled, others: Labelled) -> npt.NDArray[np.float64]:
    """Of each class [n, C] for others, by a head on those known."""
    head, temperature = fit(known)
    p: npt.NDArray[np.float64] = torch.softmax(head(others.x).double() / temperature, dim=1).numpy()
    return p


def margins(p: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The first probability less the second [n], of those of each class [n, C]."""
    two = np.partition(p, -2, axis=1)[:, -2:]
    return np.asarray(two[:, 1] - two[:, 0])


def _as_people_label(some: Labelled, wrong: float, rng: np.random.Generator) -> Labelled:
    """The examples with a share of labels that are another class, at random."""
    if not wrong:
        return some
    num = some.num_classes
    other = (some.labels.numpy() + rng.integers(1, num, len(some))) % num
    labels = np.where(rng.random(len(some)) < wrong, other, some.labels.numpy())
    return Labelled(some.x, torch.from_numpy(labels), some.groups, num)


def recommended(replayed: Sequence[Replayed]) -> str:
    """The rule with the largest gain where replays begin with most labels, of those shown; else random."""
    start = max(one.start for one in replayed)
    ahead = [one for one in replayed if one.start == start and one.rule in RULES and one.beats_random]
    return max(ahead, key=lambda one: one.gain.value).rule if ahead else RANDOM
