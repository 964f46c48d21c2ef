"""Neighbours of examples in the features of a run, which its networks make or its heads have seen."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from easiness import features
from easiness.analysis import drawn_examples, nearest_rows, unit_rows
from easiness.data import Dataset
from easiness.errors import BadInput
from easiness.features import distrust_reason
from easiness.inputs import IMAGE, VECTOR, tell
from easiness.lazy import Floats, Integers, pd
from easiness.models import missing_code
from easiness.named_import import no_torch
from easiness.runs import features_of, find_data, find_split, positions_in
from easiness.spec import Split, command_line, content_hash, loading_of
from easiness.store import WEIGHTS, Arrays, Run, keep_answer, kept_answer, kept_in_run

MOST_TRIALS = 5
"""Networks that are asked: one more hardly changes a mean over five."""
_AT_ONCE = 2_000
_ASKING = "asking the networks"

Vectors: TypeAlias = npt.NDArray[np.floating]
Rows: TypeAlias = Mapping[Split, Integers]
"""Positions of examples in the run, by split."""


class NoFeatures(BadInput):
    """The features of a run cannot be had, and why."""


def identity_of(run: Run, **settings: int) -> str:
    """A hash of what follows from the features of a run and these settings."""
    spec = run.spec.measured
    if spec is None:
        raise NoFeatures("the run was recorded from a training loop of its own, so it has no networks to ask")
    trials = run.trials[:MOST_TRIALS]
    if not trials:
        raise NoFeatures("the run has no finished trial")
    if spec.heads is not None:
        sources = [one.identity for one in spec.heads.features]
    elif all(WEIGHTS in trial.document.files for trial in trials):
        sources = [trial.document.files[WEIGHTS].sha256 for trial in trials]
    else:
        raise NoFeatures("the run was made without weights")
    data = run.spec.data.model_dump(mode="json", include={"train", "held_out"})
    recipe = spec.recipe.model_dump(mode="json")
    of = {"made": sources, "model": spec.model, "recipe": recipe, "data": data}
    return content_hash({"format": 1, **of, **settings})


def read_features(
    run: Run, examples: Rows, source: Any = None, device: str = "auto"
) -> Iterator[dict[Split, Vectors]]:
    """The features [n, d] of the ``examples``, by split, from a trial after another.

    The first `MOST_TRIALS` trained networks of a run that has an `identity_of` its features are asked. For a
    run on features these are looked at, one after another. Raises `NoFeatures` where they cannot be had, and
    `BadInput` where the ``source`` given has other data than the run, or a file is damaged.
    """
    why = "" if run.shares else distrust_reason(run) or no_torch() or missing_code(run.model)
    data: Dataset | None = None
    if not why:
        data, why = find_data(run, source)
    if data is None:
        raise NoFeatures(why)
    try:
        parts = {split: find_split(run, data, split)[0] for split in examples}
    except BadInput as error:
        if source is not None:
            raise
        raise NoFeatures(str(error)) from None
    rows = {
        split: positions_in(part, run, split)[examples[split]]
        for split, part in parts.items()
        if part is not None
    }
    if not run.shares:
        return of_networks(run, data, rows, device)
    vectors, why = features_of(run, data)
    if vectors is None:
        raise NoFeatures(why)
    return ({split: np.asarray(one[split], np.float32)[at] for split, at in rows.items()} for one in vectors)


def of_networks(run: Run, data: Dataset, rows: Rows, device: str) -> Iterator[dict[Split, Vectors]]:
    from easiness.training import resolve_device

    target, trials = resolve_device(device), run.trials[:MOST_TRIALS]
    num, total = 0, len(trials) * sum(map(len, rows.values()))
    for trial in trials:
        vectors: dict[Split, Vectors] = {}
        for split, at in rows.items():
            reader = features.feature_reader(run, data, trial, target, data.splits[split])
            order, blocks = np.argsort(at), []
            for start in range(0, len(order), _AT_ONCE):
                blocks.append(reader.features(at[order[start : start + _AT_ONCE]]))
                num += len(blocks[-1])
                tell(_ASKING, num, total)
            vectors[split] = np.concatenate(blocks)[np.argsort(order)]
        yield vectors


NUM_NEAREST = 10
AT_MOST = 20_000
"""Examples among which neighbours are looked for; of more, so many are drawn."""
_MEANS = "distance", "own_share", "strength"


@kept_in_run(
    "neighbours",
    {**dict.fromkeys(_MEANS, (np.float64, ("examples",))), "num_nearest": (np.int64, ("examples",))},
    lambda run, *_, **__: identity_of(run, neighbours=NUM_NEAREST, at_most=AT_MOST, version=2),
    lambda arrays, run, *_, **__: all(
        len(one) == len(run.labels) and np.isfinite(one).all() for one in arrays.values()
    ),
)
def find_neighbours(
    run: Run, source: Any = None, device: str = "auto", also: Callable[[Vectors], None] = lambda _: None
) -> Arrays:
    """The columns of `neighbours` of the examples of a run; `NoFeatures` says why they cannot be seen.

    They are kept in the run, and found anew where its networks are others. Memory holds the features of one
    network, K x d in float32, and a block of distances.
    """

    def vectors() -> Iterator[Vectors]:
        for one in read_features(run, {"train": np.arange(len(run.labels))}, source, device):
            also(one["train"])
            yield one["train"]

    return {str(name): values.to_numpy() for name, values in neighbours(vectors(), run.labels).items()}


def neighbours(
    vectors: Iterable[npt.NDArray[np.floating]],
    labels: Integers,
    num_nearest: int = NUM_NEAREST,
    at_most: int = AT_MOST,
    seed: int = 0,
) -> pd.DataFrame:
    """The surroundings of each of K examples in the ``vectors`` [K, d] of each trial (d may differ).

    Means over trials: ``distance`` is how far the last of the ``num_nearest`` nearest examples is by
    direction (between features of unit length), over the median of that in the example's class: 1 is usual.
    ``own_share`` is the share of the nearest that have the example's label. ``strength`` is the length of its
    features over the median length in its class: networks answer weakly to what they do not know (Tack et al.
    2020, arXiv 2007.08176).
    """
    among = _among(np.arange(len(labels)), at_most, seed)
    place = np.full(len(labels), -1)
    place[among] = np.arange(len(among))
    num_nearest = min(num_nearest, len(among) - 1)

    def over_class(values: npt.NDArray[np.floating]) -> Floats:
        medians = pd.Series(values).groupby(labels).transform("median").replace(0, 1)
        return np.asarray(values / medians.to_numpy(np.float64))

    sums, num_trials = np.zeros((len(_MEANS), len(labels))), 0
    for of_trial in vectors:
        unit = unit_rows(of_trial)
        nearest, distances = nearest_rows(unit, unit[among], num_nearest, place)
        own_share = (labels[among[nearest]] == labels[:, None]).mean(axis=1)
        sums += over_class(distances[:, -1]), own_share, over_class(np.linalg.norm(of_trial, axis=1))
        num_trials += 1
    return pd.DataFrame(dict(zip(_MEANS, sums / num_trials, strict=True))).assign(num_nearest=num_nearest)


def _among(rows: Integers, at_most: int, seed: int = 0) -> Integers:
    """The rows, or ``at_most`` of them, drawn at random."""
    sample = drawn_examples(len(rows), at_most, seed)
    return rows if sample is None else rows[sample]


NUM_OF_CLASS = 4
_FORMS: dict[str, tuple[type[np.generic], tuple[Any, ...]]] = {
    "pairs": (np.int64, ("pairs", 2)),  # of the position of an example, and a class
    "positions": (np.int64, ("pairs", NUM_OF_CLASS)),
}
MOST_OF_CLASS = 10_000
"""Examples of a class among which the nearest are looked for; of more, so many are drawn."""


def nearest_by_class(
    run: Run,
    positions: Integers,
    suggested: Integers,
    *,
    split: Split = "train",
    source: Any = None,
    device: str = "auto",
    ask: bool = True,
) -> tuple[Integers | None, str]:
    """The nearest to some examples by the features of a run, or ``None`` and why that cannot be seen.

    For each of the ``positions`` [n] of examples in the ``split`` of the run ``suggested`` [n] is the class
    suggested instead of its label, -1 for none. Returns positions [n, 2, `NUM_OF_CLASS`] in the training
    split, the nearest by the mean cosine over networks first, -1 where there are no more: at [:, 0] those
    with the label of the example, at [:, 1] those of the class suggested. No example is near to itself.
    Where examples have several tags these are questions on the same one.

    The answer is kept in the run: `suspects` has it for the first suspects, when it asks the networks.
    Without ``ask`` nothing else is asked, which takes a while.
    """
    try:
        nearest = Nearest(run, positions, suggested, split)
        if len(nearest.missing):
            if not ask:
                raise NoFeatures("the networks were not asked")
            examples: dict[Split, Integers] = {"train": nearest.firsts}
            if split != "train":
                examples[split] = nearest.missing
            for one in read_features(run, examples, source, device):
                nearest.add(one["train"], one.get("held_out"))
            nearest.keep()
    except BadInput as error:  # weights are damaged: what is shown beside goes on without
        return None, str(error)
    return nearest.positions(), ""


class Nearest:
    """The nearest of some examples: what is kept of them, and of the others what trial after trial says."""

    def __init__(self, run: Run, positions: Integers, suggested: Integers, split: Split = "train") -> None:
        """As `nearest_by_class`; raises `NoFeatures` where the run has no networks."""
        self._identity = identity_of(run, of_class=NUM_OF_CLASS, among=MOST_OF_CLASS, version=2)
        self._run, self._split, self._name = run, split, f"nearest-{split}"
        own, strata = run.strata(split)[positions], run.strata()
        others = (
            own - run.examples(split)[1][positions] + suggested
        )  # of tags the other state of the same one
        classes = np.concatenate([own, np.where(suggested < 0, -1, others)])
        self._pairs = pd.MultiIndex.from_arrays([np.tile(positions, 2), classes])
        arrays = kept_answer(run.path, self._name, self._identity, _FORMS)
        if arrays is None or not np.isin(arrays["positions"], np.arange(-1, len(run.labels))).all():
            arrays = {name: np.zeros((0, *shape[1:]), kind) for name, (kind, shape) in _FORMS.items()}
        table = pd.DataFrame(arrays["positions"], pd.MultiIndex.from_arrays([*arrays["pairs"].T]))
        self._table = table[~table.index.duplicated()]
        new = self._pairs[(classes >= 0) & ~self._pairs.isin(self._table.index)].unique().sortlevel()[0]
        pairs = new.to_frame(index=False, name=["at", "class"])
        self.missing = np.unique(pairs["at"].to_numpy(np.int64))
        """Positions of the examples that something is not kept of."""
        self._new = {
            one: (at.to_numpy(), _among(np.flatnonzero(strata == one), MOST_OF_CLASS))
            for one, at in pairs.groupby("class")["at"]
        }
        self._sums: dict[Any, npt.NDArray[np.float32]] = {}
        self.firsts = self._rows = np.arange(len(run.labels))
        """Positions of the examples whose features are to be added, of each example one question."""
        if run.tags is not None:
            _, self.firsts, self._rows = np.unique(run.tags.examples, return_index=True, return_inverse=True)

    def add(self, of_train: Vectors, of_missing: Vectors | None = None) -> None:
        """Add the features of a trial: of the training examples `firsts`, and of those missing of others."""
        unit = unit_rows(of_train[self._rows[self.missing]] if of_missing is None else of_missing)
        for one, (at, members) in self._new.items():
            cosine = unit[np.searchsorted(self.missing, at)] @ unit_rows(of_train[self._rows[members]]).T
            self._sums[one] = self._sums.get(one, np.float32(0)) + cosine

    def keep(self) -> None:
        """Keep in the run what was added, beside what is kept; nothing where nothing was added."""
        if not self._sums:
            return
        for one, sums in self._sums.items():
            at, members = self._new[one]
            if self._split == "train":  # where each example is among the members itself
                sums[members == at[:, None]] = -np.inf
            order = np.argsort(-sums, axis=1, kind="stable")[:, :NUM_OF_CLASS]
            nearest = np.full((len(at), NUM_OF_CLASS), -1)
            there = np.isfinite(np.take_along_axis(sums, order, axis=1))
            nearest[:, : order.shape[1]] = np.where(there, members[order], -1)
            rows = pd.DataFrame(nearest, pd.MultiIndex.from_product([at, [one]]))
            self._table = pd.concat([self._table, rows])
        pairs, positions = np.array(self._table.index.to_list(), np.int64), self._table.to_numpy(np.int64)
        arrays = {"pairs": pairs, "positions": positions}
        keep_answer(self._run.path, self._name, self._identity, arrays)

    def positions(self) -> Integers:
        """The nearest of the examples asked for, all of which are kept or were added."""
        positions = self._table.reindex(self._pairs, fill_value=-1).to_numpy(np.int64)
        return positions.reshape(2, -1, NUM_OF_CLASS).transpose(1, 0, 2)


_TRIALS = 20
_LARGE = 32  # pixels: networks that know photos say little of smaller pictures


def features_command(run: Run) -> str | None:
    """The command that measures usual features of the examples of a run of networks.

    ``None`` where none know such examples or are installed, and of a run without a source or on features.
    """
    spec = run.spec.measured
    if spec is None or spec.data.source is None or run.shares:
        return None
    kind, side = spec.data.kind, max((spec.data.image_shape or (0,))[1:], default=_LARGE)
    if kind == VECTOR.name or (kind == IMAGE.name and side < _LARGE) or not features.has_usual(kind):
        return None
    words = ("--features", "auto", "--trials", _TRIALS, loading_of(spec.data))
    return command_line("measure", spec.data.source, *words, "--out", Path(f"{run.path}-features"))
