"""Splits made from others: a part held out where a source has none, and both in one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cached_property
from itertools import chain
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from easiness.data.dataset import Dataset
from easiness.data.sources.splits import Ids
from easiness.errors import BadInput
from easiness.inputs import Stored

R = TypeVar("R")


def hold_out(data: Dataset, share: float) -> Dataset:
    """``data`` with ``share`` of the examples of each class held out, at random with seed 0.

    Groups are held out whole, so that with them classes have about that share.

    Every class keeps an example to train on. The held-out examples keep their ids. Where data
    were limited before, their source does not find the parts again, since it holds out first.
    """
    if not 0 < share < 1:
        raise BadInput(f"holdout {share}: must be above 0 and below 1")
    if data.held_out is not None:
        raise BadInput(f"{data.name}: has a held-out split ({data.held_out.split}); leave out holdout")
    lots = np.random.default_rng(0).random(len(data))
    held = _held(data, share, lots) if data.groups is None else _held_groups(data, share, lots)
    if not held.any():
        raise BadInput(f"holdout {share}: holds out none of the {len(data)} examples; use a larger share")
    if data.limited_to is not None:
        data = replace(data, source=None, limited_to=None)
    part = replace(data._take(np.flatnonzero(held)), split="test", unreadable=())
    options = data.load_options.model_copy(update={"holdout": share})
    return replace(data._take(np.flatnonzero(~held)), held_out=part, load_options=options)


def _num_held(share: float, num: int) -> int:
    return min(int(share * num + 0.5), num - 1)


def _held(data: Dataset, share: float, lots: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Which examples [K] to hold out: a share of each class."""
    held = np.zeros(len(data), np.bool_)
    for label in range(data.num_classes):
        members = np.flatnonzero(data.labels == label)
        held[members[np.argsort(lots[members])[: max(_num_held(share, len(members)), 0)]]] = True
    return held


def _held_groups(data: Dataset, share: float, lots: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Which examples [K] to hold out, whole groups: about a share, and of no class much more."""
    _, group = np.unique(np.asarray(data.groups, str), return_inverse=True)
    sizes = np.bincount(data.labels, minlength=data.num_classes)
    wanted = np.array([max(_num_held(share, num), 0) for num in sizes.tolist()])
    taken = np.zeros(data.num_classes, np.int64)
    held = np.zeros(len(data), np.bool_)
    by_group = np.argsort(group, kind="stable")
    members_of = np.split(by_group, np.flatnonzero(np.diff(group[by_group])) + 1)
    for members in sorted(members_of, key=lambda members: float(lots[members[0]])):
        own = np.bincount(data.labels[members], minlength=data.num_classes)
        over = np.maximum(taken + own - wanted, 0).sum()
        if 2 * over <= len(members) and (taken + own < np.maximum(sizes, 1)).all():
            held[members] = True
            taken += own
    return held


def merge_splits(data: Dataset) -> Dataset:
    """Training and held-out examples as one training split, in this order, and nothing held out.

    Ids are ``<split>/<id>``, unless they are strings that are unique without.
    """
    other = data.held_out
    if other is None:
        raise BadInput(f"{data.name}: has no held-out split to merge; hold a part out (--holdout 0.2)")
    labels = np.concatenate([data.labels, other.labels])
    return replace(
        data,
        name=f"{data.name} with {other.split}",
        source=None,
        split=f"{data.split}+{other.split}",
        ids=_joined_ids(data, other),
        labels=labels,
        true_labels=np.concatenate([data.true_labels, other.true_labels]),
        stored=JoinedExamples((data.stored, other.stored)),
        held_out=None,
        groups=None,
        columns=None,
        unreadable=data.unreadable + other.unreadable,
        limited_to=None,
    )


def _joined_ids(data: Dataset, other: Dataset) -> Ids:
    if data.ids.dtype == object and other.ids.dtype == object:
        plain: npt.NDArray[np.object_] = np.concatenate([data.ids, other.ids])
        if len(set(plain.tolist())) == len(plain):
            return plain
    named = [f"{split.split}/{i}" for split in (data, other) for i in split.ids.tolist()]
    return np.array(named, dtype=object)


class JoinedExamples(Stored):
    """The examples of two splits, one after the other."""

    def __init__(self, parts: tuple[Any, Any]) -> None:
        self.parts = parts

    def __len__(self) -> int:
        return sum(map(len, self.parts))

    @cached_property
    def traits(self) -> Any:
        """The traits of all."""
        first, second = self.parts
        return first.traits.pooled(second.traits, (len(first), len(second)))

    def subset(self, positions: npt.NDArray[np.int64]) -> Any:
        """The examples at ascending ``positions``; nothing is read."""
        first = len(self.parts[0])
        here, there = positions[positions < first], positions[positions >= first] - first
        if not len(here) or not len(there):  # what is empty has nothing in common
            return self.parts[1].subset(there) if len(there) else self.parts[0].subset(here)
        return JoinedExamples((self.parts[0].subset(here), self.parts[1].subset(there)))

    def digests(self) -> list[str]:
        """SHA-256 (hex) of each example's stored bytes."""
        return list(chain.from_iterable(part.digests() for part in self.parts))

    def unreadable(self) -> list[int]:
        """Positions of the examples that cannot be decoded, ascending, in parts that know it."""
        first = len(self.parts[0])
        found = [part.unreadable() if hasattr(part, "unreadable") else [] for part in self.parts]
        return [*found[0], *(first + at for at in found[1])]

    def sizes(self) -> npt.NDArray[np.int64]:
        """(height, width) of each, of pictures: [K, 2]."""
        return np.concatenate([part.sizes() for part in self.parts])

    def map(self, function: Callable[[npt.NDArray[Any]], R]) -> Iterator[R]:
        """``function`` of each decoded example, in order."""
        return chain.from_iterable(part.map(function) for part in self.parts)

    def name(self, position: int) -> str:
        """The example in words, for an error."""
        first = len(self.parts[0])
        name: str = self.parts[position >= first].name(position - first * (position >= first))
        return name
