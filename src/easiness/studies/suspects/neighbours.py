"""Neighbours of examples in the features of a run, which its networks make or its heads have seen."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from easiness.analysis import drawn_examples, nearest_rows, unit_rows
from easiness.data import Dataset
from easiness.errors import BadInput
from easiness.features import feature_reader, untrusted
from easiness.inputs import tell
from easiness.models import missing_code
from easiness.named_import import no_torch
from easiness.runs import features_of, find_data, find_split, positions_in
from easiness.spec import Split, content_hash
from easiness.store import WEIGHTS, Arrays, Run, keep_answer, kept_answer, kept_in_run

MOST_TRIALS = 5
"""Networks that are asked: one more hardly changes a mean over five."""
_AT_ONCE = 2_000
_ASKING = "asking the networks"

Vectors: TypeAlias = npt.NDArray[np.floating]
_Floats = npt.NDArray[np.float64]
_Integers = npt.NDArray[np.int64]
Wanted: TypeAlias = Mapping[Split, _Integers]
"""Positions in the run of the examples that are asked about, by split."""


class CannotAsk(Exception):
    """The features of a run cannot be had, and why."""


def identity_of(run: Run, **settings: int) -> str:
    """A hash of what follows from the features of a run and these settings."""
    spec = run.spec.measured
    if spec is None:
        raise CannotAsk("the run was recorded from a training loop of its own, so it has no networks to ask")
    asked = run.trials[:MOST_TRIALS]
    if not asked:
        raise CannotAsk("the run has no finished trial")
    made: list[str] = []
    if spec.heads is not None:
        made = [one.identity for one in spec.heads.features]
    elif all(WEIGHTS in trial.document.files for trial in asked):
        made = [trial.document.files[WEIGHTS].sha256 for trial in asked]
    else:
        raise CannotAsk("the run was made without weights")
    data = run.spec.data.model_dump(mode="json", include={"train", "held_out"})
    recipe = spec.recipe.model_dump(mode="json")
    asked_of = {"made": made, "model": spec.model, "recipe": recipe, "data": data}
    return content_hash({"format": 1, **asked_of, **settings})


def features(
    run: Run, wanted: Wanted, source: Any = None, device: str = "auto"
) -> Iterator[dict[Split, Vectors]]:
    """The features [n, d] of the examples ``wanted``, by split, from a trial after another.

    The first `MOST_TRIALS` trained networks of a run that has an `identity_of` its features are asked. Of a
    run on features these are looked at, one after another. Raises `CannotAsk` where they cannot be had, and
    `BadInput` where the ``source`` given has other data than the run, or a file is damaged.
    """
    why = "" if run.shares else untrusted(run) or no_torch() or missing_code(run.model)
    data: Dataset | None = None
    if not why:
        data, why = find_data(run, source)
    if data is None:
        raise CannotAsk(why)
    try:
        parts = {split: find_split(run, data, split)[0] for split in wanted}
    except BadInput as error:
        if source is not None:
            raise
        raise CannotAsk(str(error)) from None
    rows = {
        split: positions_in(part, run, split)[wanted[split]]
        for split, part in parts.items()
        if part is not None
    }
    if not run.shares:
        return _of_networks(run, data, rows, device)
    kept, why = features_of(run, data)
    if kept is None:
        raise CannotAsk(why)
    return ({split: np.asarray(one[split], np.float32)[at] for split, at in rows.items()} for one in kept)


def _of_networks(run: Run, data: Dataset, rows: Wanted, device: str) -> Iterator[dict[Split, Vectors]]:
    from easiness.training import resolve_device

    target, asked = resolve_device(device), run.trials[:MOST_TRIALS]
    done, total = 0, len(asked) * sum(map(len, rows.values()))
    for trial in asked:
        found: dict[Split, Vectors] = {}
        for split, at in rows.items():
            reader = feature_reader(run, data, trial, target, data.splits[split])
            order, blocks = np.argsort(at), []
            for start in range(0, len(order), _AT_ONCE):
                blocks.append(reader.features(at[order[start : start + _AT_ONCE]]))
                done += len(blocks[-1])
                tell(_ASKING, done, total)
            ascending = np.concatenate(blocks)
            found[split] = np.empty_like(ascending)
            found[split][order] = ascending
        yield found


NUM_NEAREST = 10
AT_MOST = 20_000
"""Examples among which neighbours are looked for; of more, so many are drawn."""
_MEANS = "distance", "own_share", "strength"


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
    medians = np.ones(labels.max() + 1)
    for label in np.unique(labels):
        medians[label] = np.median(values[labels == label]) or 1.0
    return np.asarray(values / medians[labels], np.float64)


NUM_OF_CLASS = 4
_NEAREST = "nearest-{}"
_FORMS: dict[str, tuple[type[np.generic], tuple[Any, ...]]] = {
    "pairs": (np.int64, ("pairs", 2)),  # of the position of an example, and a class
    "positions": (np.int64, ("pairs", NUM_OF_CLASS)),
    "similarity": (np.float32, ("pairs", NUM_OF_CLASS)),
}
MOST_OF_CLASS = 10_000
"""Examples of a class among which the nearest are looked for; of more, so many are drawn."""
MOST_KEPT = 20_000
"""Pairs of an example and a class whose nearest a run keeps; where there are more, the last ones."""


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
            asked = features(run, wanted, source, device)
            try:
                for one in asked:
                    looked.add(one["train"], one.get("held_out"))
            except BadInput as error:  # its weights are damaged: what is shown beside goes on without
                raise CannotAsk(str(error)) from None
            looked.keep()
    except CannotAsk as error:
        return None, str(error)
    return looked.found(), ""


class Looked:
    """The nearest of some examples: what is kept of them, and of the others what trial after trial says."""

    def __init__(self, run: Run, positions: _Integers, suggested: _Integers, split: Split = "train") -> None:
        """As `nearest_by_class`; raises `CannotAsk` where the run has no networks."""
        self._identity = identity_of(run, of_class=NUM_OF_CLASS, among=MOST_OF_CLASS)
        self._run, self._split = run, split
        own = run.examples(split)[1][positions]
        self._asked = np.stack([np.column_stack([positions, one]) for one in (own, suggested)], axis=1)
        found = kept_answer(run.path, _NEAREST.format(split), self._identity, _FORMS)
        if found is None or not np.isin(found["positions"], np.arange(-1, len(run.labels))).all():
            found = {name: np.zeros((0, *shape[1:]), kind) for name, (kind, shape) in _FORMS.items()}
        self._kept = found
        pairs = np.unique(self._asked[self._asked[..., 1] >= 0], axis=0)
        known = set(map(tuple, found["pairs"].tolist()))
        self._new = pairs[[pair not in known for pair in map(tuple, pairs.tolist())]]
        self.missing, self._rows = np.unique(self._new[:, 0], return_inverse=True)
        """Positions of the examples that something is not kept of."""
        self._members = {one: self._of_class(one) for one in np.unique(self._new[:, 1]).tolist()}
        self._sums = {
            one: np.zeros(((self._new[:, 1] == one).sum(), len(members)), np.float32)
            for one, members in self._members.items()
        }
        self._num_trials = 0

    def _of_class(self, one: int) -> _Integers:
        """The training examples of a class, or some of them."""
        members = np.flatnonzero(self._run.labels == one)
        drawn = drawn_examples(len(members), MOST_OF_CLASS)
        return members if drawn is None else members[drawn]

    def add(self, of_train: Vectors, of_missing: Vectors | None = None) -> None:
        """Add the features of a trial: of all training examples [K, d], and of those missing of others."""
        unit = unit_rows(of_train[self.missing] if of_missing is None else of_missing)[self._rows]
        for one, sums in self._sums.items():
            sums += unit[self._new[:, 1] == one] @ unit_rows(of_train[self._members[one]]).T
        self._num_trials += 1

    def keep(self) -> None:
        """Keep in the run what was added, beside what is kept; nothing where nothing was added."""
        if not self._num_trials or not len(self._new):
            return
        shape = len(self._new), NUM_OF_CLASS
        added = {"pairs": self._new, "positions": np.full(shape, -1), "similarity": np.full(shape, np.nan)}
        for one, sums in self._sums.items():
            rows, members = np.flatnonzero(self._new[:, 1] == one), self._members[one]
            if self._split == "train":  # where each example is among the members itself
                sums[members == self._new[rows, :1]] = -np.inf
            order = np.argsort(-sums, axis=1, kind="stable")[:, :NUM_OF_CLASS]
            similarity = np.take_along_axis(sums, order, axis=1) / self._num_trials
            there = np.isfinite(similarity)
            added["positions"][rows, : order.shape[1]] = np.where(there, members[order], -1)
            added["similarity"][rows, : order.shape[1]] = np.where(there, similarity, np.nan)
        self._kept = {
            name: np.concatenate([self._kept[name], added[name].astype(kind)])
            for name, (kind, _) in _FORMS.items()
        }
        last = {name: array[-MOST_KEPT:] for name, array in self._kept.items()}
        keep_answer(self._run.path, _NEAREST.format(self._split), self._identity, last)

    def found(self) -> Nearest:
        """The nearest of the examples asked for, all of which are kept or were added."""
        where = {pair: at for at, pair in enumerate(map(tuple, self._kept["pairs"].tolist()))}
        rows = [where.get(pair, -1) for both in self._asked.tolist() for pair in map(tuple, both)]
        at = np.array(rows, np.int64).reshape(-1, 2)
        none = np.full((1, NUM_OF_CLASS), -1), np.full((1, NUM_OF_CLASS), np.nan, np.float32)
        names = "positions", "similarity"
        kept = (np.concatenate([self._kept[name], one])[at] for name, one in zip(names, none, strict=True))
        return Nearest(*kept)
