"""Neighbours of examples in the features of a run, of any class and of two."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from easiness.analysis import drawn_examples, nearest_rows, unit_rows
from easiness.errors import BadInput
from easiness.spec import Split
from easiness.store import Arrays, Run, keep_answer, kept_answer, kept_in_run
from easiness.studies.suspects.asking import CannotAsk, Vectors, features, identity_of

NUM_NEAREST = 10
AT_MOST = 20_000
"""Examples among which neighbours are looked for; of more, so many are drawn."""
_MEANS = "distance", "own_share", "strength"

_Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Neighbours:
    """Means over trials of what lies next to each of K examples; ``num_trials`` of them were asked.

    ``distance`` [K] is how far the last of the ``num_nearest`` nearest examples is by direction (between
    features of unit length), over the median of that in the example's class: 1 is usual. ``own_share`` [K]
    is the share of the nearest that have the example's label. ``strength`` [K] is the length of its
    features over the median length in its class: networks answer weakly to what they do not know (Tack et
    al. 2020, arXiv 2007.08176).
    """

    distance: _Floats
    own_share: _Floats
    strength: _Floats
    num_nearest: int
    num_trials: int


def find_neighbours(
    run: Run,
    source: Any = None,
    device: str = "auto",
    *,
    also: Callable[[Vectors], None] = lambda _: None,
) -> tuple[Neighbours | None, str]:
    """The neighbours of the examples of a run, or ``None`` and why they cannot be seen.

    They are kept in the run, and found anew where its networks are others. Memory holds the features of one
    network, K x d in float32, and a block of distances.
    """
    try:
        found = _found(run, source, device, also)
    except CannotAsk as error:
        return None, str(error)
    distance, own_share, strength = (found[name] for name in _MEANS)
    return Neighbours(distance, own_share, strength, *found["counts"].tolist()), ""


def _are_whole(arrays: Arrays, run: Run, *_: Any) -> bool:
    return all(len(arrays[name]) == len(run.labels) and np.isfinite(arrays[name]).all() for name in _MEANS)


@kept_in_run(
    "neighbours",
    {**dict.fromkeys(_MEANS, (np.float64, ("examples",))), "counts": (np.int64, (2,))},
    lambda run, *_: identity_of(run, neighbours=NUM_NEAREST, at_most=AT_MOST),
    _are_whole,
)
def _found(run: Run, source: Any, device: str, also: Callable[[Vectors], None]) -> Arrays:
    def passed() -> Iterator[Vectors]:
        for one in features(run, {"train": np.arange(len(run.labels))}, source, device):
            also(one["train"])
            yield one["train"]

    distance, own_share, strength, *counts = vars(neighbours(passed(), run.labels)).values()
    return {**dict(zip(_MEANS, (distance, own_share, strength), strict=True)), "counts": np.array(counts)}


def neighbours(
    features: Iterable[npt.NDArray[np.floating]],
    labels: npt.NDArray[np.int64],
    num_nearest: int = NUM_NEAREST,
    at_most: int = AT_MOST,
    seed: int = 0,
) -> Neighbours:
    """The neighbours of K examples in the ``features`` [K, d] of each trial (d may differ)."""
    drawn = drawn_examples(len(labels), at_most, seed)
    among = np.arange(len(labels)) if drawn is None else drawn
    place = np.full(len(labels), -1)
    place[among] = np.arange(len(among))
    num_nearest = min(num_nearest, len(among) - 1)
    distance, own_share, strength = np.zeros((3, len(labels)))
    num_trials = 0
    for of_trial in features:
        lengths = np.linalg.norm(of_trial, axis=1)
        unit = unit_rows(of_trial)
        nearest, distances = nearest_rows(unit, unit[among], num_nearest, place)
        distance += _over_class(distances[:, -1], labels)
        own_share += (labels[among[nearest]] == labels[:, None]).mean(axis=1)
        strength += _over_class(lengths, labels)
        num_trials += 1
    return Neighbours(
        distance / num_trials, own_share / num_trials, strength / num_trials, num_nearest, num_trials
    )


def _over_class(values: npt.NDArray[np.floating], labels: npt.NDArray[np.int64]) -> _Floats:
    """Values [K] over the median of their class, or over 1 where that is 0."""
    import pandas as pd

    medians = pd.Series(np.asarray(values, np.float64)).groupby(labels).transform("median")
    return np.asarray(values / medians.replace(0, 1).to_numpy(), np.float64)


NUM_OF_CLASS = 4
_NEAREST = "nearest-{}"
_FORMS: dict[str, tuple[type[np.generic], tuple[Any, ...]]] = {
    "rows": (np.int64, ("rows", 2)),
    "positions": (np.int64, ("rows", 2, NUM_OF_CLASS)),
    "similarity": (np.float32, ("rows", 2, NUM_OF_CLASS)),
}
MOST_OF_CLASS = 10_000
"""Examples of a class among which the nearest are looked for; of more, so many are drawn."""
MOST_KEPT = 10_000
"""Examples whose nearest a run keeps; where more were asked for, the last ones."""

_Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Nearest:
    """The training examples nearest to each of n examples, of the class of its label and of another one.

    ``positions`` [n, 2, `NUM_OF_CLASS`] are theirs in the training split of the run, the nearest first, -1
    where there are no more: at [:, 0] those with the label of the example, at [:, 1] those of the class
    suggested. ``similarity``, of the same shape, is the cosine between features, -1..1, the mean over the
    networks asked; NaN where there is none. No example is near to itself.
    """

    positions: _Integers
    similarity: npt.NDArray[np.float32]


def nearest_by_class(
    run: Run,
    positions: _Integers,
    suggested: _Integers,
    *,
    split: Split = "train",
    source: Any = None,
    device: str = "auto",
    ask: bool = True,
) -> tuple[Nearest | None, str]:
    """What is nearest to some examples by the features of a run, or ``None`` and why that cannot be seen.

    For each of the ``positions`` [n] of examples in the ``split`` of the run ``suggested`` [n] is the class
    suggested instead of its label, -1 for none. The answer is kept in the run: `suspects` has it for the
    first suspects, when it asks the networks. Without ``ask`` nothing else is asked, which takes a while.
    """
    try:
        looked = Looked(run, positions, suggested, split)
        if len(looked.missing):
            if not ask:
                raise CannotAsk("the networks were not asked")
            wanted: dict[Split, _Integers] = {"train": np.arange(len(run.labels))}
            if split != "train":
                wanted[split] = looked.missing
            looked.ask(features(run, wanted, source, device))
    except CannotAsk as error:
        return None, str(error)
    return looked.found(), ""


class Looked:
    """The nearest of some examples: what is kept of them, and of the others what trial after trial says."""

    def __init__(self, run: Run, positions: _Integers, suggested: _Integers, split: Split = "train") -> None:
        """As `nearest_by_class`; raises `CannotAsk` where the run has no networks."""
        self._identity = identity_of(run, of_class=NUM_OF_CLASS, among=MOST_OF_CLASS)
        self._run, self._split = run, split
        self._asked = np.column_stack([positions, suggested]).astype(np.int64).reshape(-1, 2)
        self._kept = _kept(run, split, self._identity)
        known = set(map(tuple, self._kept["rows"].tolist()))
        new = dict.fromkeys(row for row in map(tuple, self._asked.tolist()) if row not in known)
        self._new = np.array([*new], np.int64).reshape(-1, 2)
        self.missing = self._new[:, 0]
        """Positions of the examples that nothing is kept of."""
        labels = run.examples(split)[1]
        classes = np.column_stack([labels[self.missing], self._new[:, 1]])
        self._groups = [_Group(run.labels, classes, one) for one in np.unique(classes[classes >= 0]).tolist()]
        self._num_trials = 0

    def ask(self, asked: Iterator[dict[Split, Vectors]]) -> None:
        """Add the features of all trials, and keep what they say."""
        try:
            for one in asked:
                self.add(one["train"], one.get("held_out"))
        except BadInput as error:  # its weights are damaged: what is shown beside goes on without
            raise CannotAsk(str(error)) from None
        self.keep()

    def add(self, of_train: Vectors, of_missing: Vectors | None = None) -> None:
        """Add the features of a trial: of all training examples [K, d], and of those missing of others."""
        unit = unit_rows(of_train[self.missing] if of_missing is None else of_missing)
        for group in self._groups:
            group.sums += unit[group.rows] @ unit_rows(of_train[group.members]).T
        self._num_trials += 1

    def keep(self) -> None:
        """Keep in the run what was added, beside what is kept; nothing where nothing was added."""
        if not self._num_trials or not len(self._new):
            return
        shape = (len(self._new), 2, NUM_OF_CLASS)
        added = Nearest(np.full(shape, -1, np.int64), np.full(shape, np.nan, np.float32))
        for group in self._groups:
            group.fill(added, self.missing if self._split == "train" else None, self._num_trials)
        new = {"rows": self._new, **vars(added)}
        self._kept = {name: np.concatenate([self._kept[name], array]) for name, array in new.items()}
        last = {name: array[-MOST_KEPT:] for name, array in self._kept.items()}
        keep_answer(self._run.path, _NEAREST.format(self._split), self._identity, last)

    def found(self) -> Nearest:
        """The nearest of the examples asked for, all of which are kept or were added."""
        where = {row: at for at, row in enumerate(map(tuple, self._kept["rows"].tolist()))}
        at = np.array([where[row] for row in map(tuple, self._asked.tolist())], np.int64)
        return Nearest(self._kept["positions"][at], self._kept["similarity"][at])


class _Group:
    """Examples that are looked at beside one class: places ``rows`` of those missing, and its ``members``."""

    def __init__(self, labels: _Integers, classes: _Integers, one: int) -> None:
        """Of ``classes`` [n, 2] those that are ``one``."""
        self.rows, self.sides = np.nonzero(classes == one)
        members = np.flatnonzero(labels == one)
        drawn = drawn_examples(len(members), MOST_OF_CLASS)
        self.members = members if drawn is None else members[drawn]
        self.sums = np.zeros((len(self.rows), len(self.members)), np.float32)

    def fill(self, nearest: Nearest, itself: _Integers | None, num_trials: int) -> None:
        """Write what is nearest; ``itself`` [n] are the positions of the examples among the training ones."""
        sums = self.sums
        if itself is not None:
            sums[self.members == itself[self.rows][:, None]] = -np.inf
        num = min(NUM_OF_CLASS, sums.shape[1])
        order = np.argsort(-sums, axis=1, kind="stable")[:, :num]
        similarity = np.take_along_axis(sums, order, axis=1) / num_trials
        there = np.isfinite(similarity)
        nearest.positions[self.rows, self.sides, :num] = np.where(there, self.members[order], -1)
        nearest.similarity[self.rows, self.sides, :num] = np.where(there, similarity, np.nan)


def _kept(run: Run, split: Split, identity: str) -> Arrays:
    """Pairs of a position and the class suggested [m, 2], and what is nearest to them; empty without any."""
    found = kept_answer(run.path, _NEAREST.format(split), identity, _FORMS)
    if found is None or not np.isin(found["positions"], np.arange(-1, len(run.labels))).all():
        return {name: np.zeros((0, *shape[1:]), kind) for name, (kind, shape) in _FORMS.items()}
    return found
