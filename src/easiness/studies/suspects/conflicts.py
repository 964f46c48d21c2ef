"""Conflicts between examples and labels that are certain, whatever a network makes of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from easiness.data import DIGEST_BYTES, Dataset, value_digest
from easiness.errors import BadInput
from easiness.inputs import FLAWS, Near, NearPairs, counted, kind_named
from easiness.runs import find_data
from easiness.show import capitalized
from easiness.spec import Split
from easiness.store import Run
from easiness.studies.suspects.conflicts_found import Conflicts, Example, Group, Pair
from easiness.studies.suspects.conflicts_kept import keep_conflicts, kept_conflicts

_COMPARING = "comparing examples"
_NOTHING_HELD_OUT = "Nothing is held out, so no {} can be in both splits."

_MANY = 10
"""Near copies of a held-out example: where half of those that have any have more, it may be their kind."""

Positions = npt.NDArray[np.int64]


def find_conflicts(data: Dataset) -> Conflicts:
    """Identical training examples with two labels, and examples in the training and the held-out split.

    Examples are identical where their decoded values and shapes are, by SHA-256, in the normal form of their
    kind: a picture saved anew without loss is the same, and so is a text with other spaces. What nearly
    identical means is up to their kind. Labels are those to train with. Every example is decoded once, in
    threads.
    """
    near, nouns = data.kind.near, data.kind.nouns
    splits = {name: _Seen.of(split) for name, split in data.splits.items()}
    numbers = dict(zip(splits, _numbered([seen.digests for seen in splits.values()]), strict=True))
    two_labels, duplicates = _groups(data, numbers["train"])
    notes = [] if data.held_out is not None else [_NOTHING_HELD_OUT.format(data.kind.noun)]
    flawed: dict[tuple[str, object], str] = {
        (name, Example.at(data, name, at).id): FLAWS[seen.flaws[at]]
        for name, seen in splits.items()
        for at in np.flatnonzero(seen.flaws).tolist()
    }
    found = Conflicts(len(data), 0, two_labels, duplicates, nouns=nouns, flawed=flawed)
    if data.held_out is not None:
        in_both = tuple(_identical_pairs(data, numbers["train"], numbers["held_out"]))
        found = replace(found, num_held_out=len(data.held_out), in_both=in_both)
    if near is not None:
        found, told = _with_near(found, data, near, splits, numbers)
        notes += told
    return replace(found, notes=tuple(filter(None, notes)))


def _with_near(
    found: Conflicts,
    data: Dataset,
    near: Near,
    splits: dict[Split, _Seen],
    numbers: dict[Split, Positions],
) -> tuple[Conflicts, list[str]]:
    """The conflicts with what is nearly identical, and notes on what was not looked for."""
    looks, nouns = splits["train"].looks, data.kind.nouns
    other = splits["held_out"].looks if "held_out" in splits else near.kept(0)
    some, left_out = near.within(looks)
    within, num_near = _near_pairs(data, "train", some or (), numbers)
    found = replace(found, unit=near.unit, nearly_within=within, looked_within=some is not None)
    notes = [near.left_out(looks, other), left_out, _alike(num_near, f"training {nouns}", nouns)]
    if "held_out" in splits:
        pairs, num_near = _near_pairs(data, "held_out", near.pairs(looks, other), numbers)
        found = replace(found, nearly_in_both=pairs, looked_for_near=near.compares(looks, other))
        notes.append(_alike(num_near, f"held-out {nouns}", nouns))
    return found, notes


def conflicts_in(run: Run, data: Dataset) -> Conflicts:
    """`find_conflicts` in the ``data`` of a run, which keeps what was found."""
    found = kept_conflicts(run, data)
    if found is None:
        found = find_conflicts(data)
        keep_conflicts(run, data, found)
    return found


def conflicts_of(run: Run, source: Any = None) -> Conflicts:
    """`conflicts_in` the data of a run; where its examples cannot be had, nothing and why.

    Args:
        run: whose data to look at.
        source: where they are now: a `Dataset` or what `load_dataset` takes; by default where they were.
    """
    data, why = find_data(run, source)
    if data is not None:
        try:
            return conflicts_in(run, data)
        except BadInput as error:
            if source is not None:
                raise
            why = str(error)
    nouns = kind_named(run.spec.data.kind).nouns
    return Conflicts(0, 0, notes=(f"{capitalized(nouns)} were not compared: {why}.",), nouns=nouns)


class _Seen(NamedTuple):
    """Every example of a split as the SHA-256 of its shape and values, [K, 32], its looks, and its flaw."""

    digests: npt.NDArray[np.uint8]
    looks: Any
    flaws: Positions

    @staticmethod
    def of(split: Dataset) -> _Seen:
        """Decodes every example once; how it looks is kept where near ones are to be found."""
        near, flaws = split.kind.near, split.kind.flaws

        def see(value: npt.NDArray[Any]) -> tuple[bytes, Any, tuple[float, float, float]]:
            seen = None if near is None else near.look(value)
            return value_digest(split.kind, value), seen, (0, 0, 0) if flaws is None else flaws.look(value)

        numbers = np.zeros((len(split), 3))
        digests = np.zeros((len(split), DIGEST_BYTES), np.uint8)
        looks = None if near is None else near.kept(len(split))
        for at, (digest, look, three) in enumerate(counted(split.stored.map(see), _COMPARING, len(split))):
            digests[at], numbers[at] = np.frombuffer(digest, np.uint8), three
            if looks is not None:
                looks.keep(at, look)
        none = np.zeros(len(split), np.int64)
        return _Seen(digests, looks, none if flaws is None else flaws.among(numbers))


def _numbered(digests: list[npt.NDArray[np.uint8]]) -> list[Positions]:
    """A number for each example of each split, the same for identical ones."""
    joined = np.concatenate(digests)
    numbers = np.unique(joined.view("V32").ravel(), return_inverse=True)[1].ravel()
    return np.split(numbers.astype(np.int64), np.cumsum([len(part) for part in digests])[:-1])


def _groups(data: Dataset, numbers: Positions) -> tuple[tuple[Group, ...], tuple[Group, ...]]:
    """Identical training examples: groups with several labels, and with one, by their first examples."""
    order = np.argsort(numbers, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(numbers[order])) + 1)
    conflicting: list[Group] = []
    agreeing: list[Group] = []
    for part in sorted((part for part in parts if len(part) > 1), key=lambda part: int(part[0])):
        several = len(np.unique(data.labels[part])) > 1
        group = tuple(Example.at(data, "train", at) for at in part.tolist())
        (conflicting if several else agreeing).append(group)
    return tuple(conflicting), tuple(agreeing)


def _identical_pairs(data: Dataset, train: Positions, held_out: Positions) -> Iterator[Pair]:
    """Pairs of each held-out example and the first identical training example of each label."""
    first = np.unique(np.column_stack([train, data.labels]), axis=0, return_index=True)[1]
    by_number: dict[int, list[int]] = {}
    for at in np.sort(first).tolist():
        by_number.setdefault(int(train[at]), []).append(at)
    for at, number in enumerate(held_out.tolist()):
        for other in by_number.get(number, ()):
            yield Pair(Example.at(data, "train", other), Example.at(data, "held_out", at), 0)


def _near_pairs(
    data: Dataset, split: Split, near: Iterable[NearPairs], numbers: dict[Split, Positions]
) -> tuple[tuple[Pair, ...], Positions]:
    """Pairs of each example of a split and the nearest training example of each label that is not identical.

    With them comes how many training examples are near to each.
    """
    pairs: list[Pair] = []
    num_near = np.zeros(len(numbers[split]), np.int64)
    for found in near:
        other = numbers["train"][found.train] != numbers[split][found.held_out]
        some, others, distance = found.train[other], found.held_out[other], found.distance[other]
        num_near += np.bincount(others, minlength=len(num_near))
        if split == "train":  # of each pair both are training examples
            num_near += np.bincount(some, minlength=len(num_near))
        labels = data.labels[some]
        order = np.lexsort((some, distance, labels, others))
        keys = np.column_stack([others, labels])[order]
        nearest = order[np.flatnonzero(np.diff(keys, axis=0, prepend=-1).any(axis=1))]
        pairs += [
            Pair(
                Example.at(data, "train", int(some[at])),
                Example.at(data, split, int(others[at])),
                int(distance[at]),
            )
            for at in nearest[np.lexsort((distance[nearest], others[nearest]))].tolist()
        ]
    return tuple(pairs), num_near


def _alike(num_near: Positions, some_of: str, nouns: str) -> str:
    some = num_near[num_near > 0]
    if not len(some) or np.median(some) <= _MANY:
        return ""
    return (
        f"Half of the {some_of} with a near copy have {int(np.median(some)):,} or more: {nouns} of "
        "this kind may look alike without being copies (drawings, digits), so look at them first."
    )
