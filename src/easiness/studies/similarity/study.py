"""Do easy examples look alike? Mean distances between examples of one class."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from easiness.analysis import SIDES, Side, Votes, draws, mean_distance, resampled_means, select, tie_mass
from easiness.data import Dataset
from easiness.errors import BadInput, nearest
from easiness.features import feature_reader
from easiness.inputs import IMAGE, tell
from easiness.named_import import needing_torch
from easiness.runs import data_of, passes_shown, positions_in, recipe_of
from easiness.store import Run, StoredTrial, check_opened
from easiness.studies.similarity import distances
from easiness.studies.similarity.distances import Similarity, Space

if TYPE_CHECKING:
    from easiness.training import InputReader


_REPLICATES = 1000
_MEASURING = "measuring distances within sets"
_Floats = npt.NDArray[np.float64]


def similarity(
    run: Run,
    data: Any = None,
    *,
    fraction: float = 0.1,
    at: float | None = None,
    spaces: Sequence[Space] = distances.SPACES,
    trial: int | None = None,
    at_most: int = 500,
    seed: int = 0,
    device: str = "auto",
    progress: bool = True,
) -> Similarity:
    """Mean Euclidean distance between two examples of a class: easy ones, hard ones, any.

    The easy and the hard set are of the whole data, ties refined. Each class with two examples or more in
    both counts equally. A random set as large as the easy one in each class, another as large as the hard
    one, and all examples of the class stand beside them; of each, and each class, at most ``at_most`` are
    looked at, drawn at random.

    ``pixel``: evaluation input in global contrast normalization, of vectors standardized; distances are
    divided by the root of the number of values, so that two unrelated images are at 1.41. ``feature``: input
    of the classifier layer of a trained network of the run, in units of the root of the mean squared norm
    over all examples.

    Intervals are a bootstrap over the examples of each set and class, independent between sets; an
    example drawn twice is not paired with itself, and a draw of one example alone counts as the set
    itself (so two or three examples in a class make intervals too narrow). Classes and trials are taken
    as they are.

    Args:
        run: to read easiness, and the network, from.
        data: of the run: a `Dataset` or what `load_dataset` takes; by default where the run found them.
        fraction: of the examples that are called easy, and hard.
        at: the epoch from 1, or of a run on features the share, to read at; the last, the largest by default.
        spaces: to measure in.
        trial: index of the trial whose network gives the features; the first by default.
        at_most: examples of each set and class, at least 2.
        seed: of the ties, the random sets and the bootstrap.
        device: for the features: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        progress: show how far it is where that takes longer than a moment.

    Raises:
        BadInput: an option is wrong, the data are others, no class counts, or features are asked for and
            the run has no weights or was recorded from a user's own training loop.
    """
    check_opened(run=run)
    for space in spaces:
        if space not in distances.SPACES:
            raise BadInput(
                f"space {space!r}: unknown{nearest(space, distances.SPACES)}; give pixel or feature"
            )
    if at_most < 2:
        raise BadInput(f"at_most {at_most}: must be at least 2")
    data = data_of(run, data)
    if data.kind.tokens and "pixel" in spaces:
        raise BadInput(
            f"{data.name}: {data.kind.nouns} have no distance in what a network gets, which are numbers of "
            'words; give spaces=["feature"]'
        )
    where = positions_in(data, run)
    votes = run.votes(run.resolve_at(at))
    weights, masses = _extremes(votes, fraction, seed)
    counted = [c for c in range(len(run.classes)) if _num_members(votes, weights, c) >= 2]
    if not counted:
        raise BadInput(
            f"{run.path}: no class has two easy and two hard examples at fraction {fraction:g}; "
            "use a larger fraction"
        )
    reader, used = _reader(run, data, spaces, trial, device)
    shape = (len(distances.SETS), len(counted))
    means = {space: np.empty(shape) for space in spaces}
    replicates = {space: np.empty((*shape, _REPLICATES)) for space in spaces}
    sizes = dict.fromkeys(distances.SETS, 0)
    norms = []
    with passes_shown(progress):
        for at, label in enumerate(counted):
            for row, (name, members) in enumerate(_members(votes, weights, label, at_most, seed)):
                sizes[name] += len(members)
                found = reader.distances(np.sort(where[members]))
                drawn = draws(len(members), _REPLICATES, np.random.default_rng([seed, label, row, 1]))
                for space in spaces:
                    means[space][row, at] = mean_distance(found[space].distances)
                    replicates[space][row, at] = resampled_means(found[space].distances, drawn)
                if name == "all" and "feature" in spaces:
                    norms.append(found["feature"].squared_norms)
                tell(_MEASURING, at * len(distances.SETS) + row + 1, len(counted) * len(distances.SETS))
    if norms:
        unit = float(np.sqrt(np.concatenate(norms).mean())) or 1.0
        means["feature"] /= unit
        replicates["feature"] /= unit
    return Similarity(
        model=run.model,
        row=run.row(votes.epoch),
        num_trials=votes.num_trials,
        fraction=fraction,
        tie_mass=masses,
        classes=tuple(run.classes[label] for label in counted),
        num_classes=len(run.classes),
        at_most=at_most,
        sizes=sizes,
        smallest=min(_num_members(votes, weights, label) for label in counted),
        trial=used,
        spaces={space: _summary(space, means[space], replicates[space]) for space in spaces},
        pictures=data.kind == IMAGE,
    )


def _extremes(
    votes: Votes, fraction: float, seed: int
) -> tuple[dict[Side, npt.NDArray[np.bool_]], dict[Side, float]]:
    """Members [K] of the easy and of the hard set, ties refined, and the tie masses of the cuts."""
    everything = votes.all_trials()
    counts, p_label = votes.counts(everything)[0], votes.mean_p_label(everything)[0]
    members: dict[Side, npt.NDArray[np.bool_]] = {
        side: select(counts, fraction, side, "refine", p_label, votes.keys, seed) > 0 for side in SIDES
    }
    return members, {side: tie_mass(counts, fraction, side) for side in SIDES}


def _num_members(votes: Votes, members: dict[Side, npt.NDArray[np.bool_]], label: int) -> int:
    """How many of a class are in the smaller of the two sets."""
    own = votes.labels == label
    return min(int(np.count_nonzero(chosen & own)) for chosen in members.values())


def _members(
    votes: Votes, extremes: dict[Side, npt.NDArray[np.bool_]], label: int, at_most: int, seed: int
) -> Iterator[tuple[distances.SetName, npt.NDArray[np.int64]]]:
    """Positions of the examples of a class in each of `SETS`, in that order."""
    own = np.flatnonzero(votes.labels == label)
    easy, hard = own[extremes["easy"][own]], own[extremes["hard"][own]]
    wanted: dict[distances.SetName, tuple[npt.NDArray[np.int64], int]] = {
        "easy": (easy, len(easy)),
        "hard": (hard, len(hard)),
        "random as easy": (own, len(easy)),
        "random as hard": (own, len(hard)),
        "all": (own, len(own)),
    }
    for row, name in enumerate(distances.SETS):
        group, num = wanted[name]
        rng = np.random.default_rng([seed, label, row, 0])
        yield name, rng.permutation(group)[: min(num, at_most)]


def _reader(
    run: Run, data: Dataset, spaces: Sequence[Space], trial: int | None, device: str
) -> tuple[InputReader, int | None]:
    """What measures distances, and the trial that it takes features from."""
    with needing_torch("similarity"):
        from easiness.training import InputReader, resolve_device
    target = resolve_device(device)
    if "feature" not in spaces:
        return InputReader(data, recipe_of(run, data), target, None), None
    if run.spec.measured is None:
        raise BadInput(
            f"{run.path}: was recorded from a training loop of your own, so its network cannot be built "
            "again; use pixel space alone"
        )
    chosen = _trial(run, trial)
    return feature_reader(run, data, chosen, target), chosen.index


def _trial(run: Run, index: int | None) -> StoredTrial:
    by_index = {trial.index: trial for trial in run.trials}
    if index is None:
        return run.trials[0]
    if index not in by_index:
        known = ", ".join(map(str, by_index))
        raise BadInput(f"{run.path}: has no finished trial {index}; choose of {known}")
    return by_index[index]


def _summary(space: Space, means: _Floats, replicates: _Floats) -> distances.SpaceDistances:
    """From means [sets, C] and their replicates [sets, C, R]; classes count equally."""
    values, drawn = means.mean(axis=1), replicates.mean(axis=1)
    row = {name: at for at, name in enumerate(distances.SETS)}
    return distances.SpaceDistances(
        space=space,
        sets={name: _estimate(values[at], drawn[at]) for name, at in row.items()},
        differences={
            name: _estimate(values[row[a]] - values[row[b]], drawn[row[a]] - drawn[row[b]])
            for name, (a, b) in distances.DIFFERENCES.items()
        },
        by_class={name: means[at] for name, at in row.items()},
    )


def _estimate(value: float, replicates: _Floats) -> distances.Estimate:
    low, high = np.quantile(replicates, [0.025, 0.975])
    return distances.Estimate(float(value), (float(low), float(high)))
