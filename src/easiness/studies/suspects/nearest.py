"""What stands nearest to an example among those of its label's class and those of the class suggested."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from easiness.analysis import drawn_examples, unit_rows
from easiness.errors import BadInput
from easiness.spec import Split
from easiness.store import Form, Run, keep_answer, kept_answer
from easiness.studies.suspects.asking import CannotAsk, Vectors, features, identity_of

NUM_OF_CLASS = 4
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

    The answer is kept in the run. `suspects` has it for the first suspects, when it asks the networks.

    Args:
        run: a run; recorded ones and those without weights have no networks.
        positions: of the examples [n] in the ``split`` of the run.
        suggested: for each of them the class suggested instead of its label [n], -1 for none.
        split: what they are of; those that are near to them are training examples.
        source: of the data, as for `find_data`; not looked at where the answer is kept.
        device: for the networks: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        ask: ask the networks for what is not kept, which may take a while.

    Raises:
        BadInput: the data given are others than those of the run, or there is no such split.
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
        self._rows, self._nearest = _kept(run, split, self._identity)
        known = set(map(tuple, self._rows.tolist()))
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
        self._rows = np.concatenate([self._rows, self._new])
        self._nearest = Nearest(
            np.concatenate([self._nearest.positions, added.positions]),
            np.concatenate([self._nearest.similarity, added.similarity]),
        )
        arrays = {"rows": self._rows, **vars(self._nearest)}
        last = {name: array[-MOST_KEPT:] for name, array in arrays.items()}
        keep_answer(self._run.path, _name(self._split), self._identity, last)

    def found(self) -> Nearest:
        """The nearest of the examples asked for, all of which are kept or were added."""
        where = {row: at for at, row in enumerate(map(tuple, self._rows.tolist()))}
        at = np.array([where[row] for row in map(tuple, self._asked.tolist())], np.int64)
        return Nearest(self._nearest.positions[at], self._nearest.similarity[at])


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


def _name(split: Split) -> str:
    return f"nearest-{split}"


def _kept(run: Run, split: Split, identity: str) -> tuple[_Integers, Nearest]:
    """Pairs of a position and the class suggested [m, 2], and what is nearest to them; empty without any."""
    shape = (2, NUM_OF_CLASS)
    forms: dict[str, Form] = {
        "rows": (np.int64, ("rows", 2)),
        "positions": (np.int64, ("rows", *shape)),
        "similarity": (np.float32, ("rows", *shape)),
    }
    arrays = kept_answer(run.path, _name(split), identity, forms)
    if arrays is None or not np.isin(arrays["positions"], np.arange(-1, len(run.labels))).all():
        nothing = Nearest(np.zeros((0, *shape), np.int64), np.zeros((0, *shape), np.float32))
        return np.zeros((0, 2), np.int64), nothing
    return arrays["rows"], Nearest(arrays["positions"], arrays["similarity"])
