"""What lies next to each example in the networks' own features, over the trials of a run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from easiness.analysis import drawn_examples
from easiness.data import Dataset
from easiness.features import feature_reader, untrusted
from easiness.inputs import tell
from easiness.models import missing_code
from easiness.runs import features_of, find_data, positions_in
from easiness.store import WEIGHTS, Run

NUM_NEAREST = 10
AT_MOST = 20_000
"""Examples among which neighbours are looked for; of more, so many are drawn."""
MOST_TRIALS = 5
"""Networks that are asked: one more hardly changes a mean over five."""
_AT_ONCE = 2_000
_ASKING = "asking the networks"

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


def find_neighbours(run: Run, source: Any = None, device: str = "auto") -> tuple[Neighbours | None, str]:
    """The neighbours of the examples of a run, or ``None`` and why they cannot be seen.

    Its first `MOST_TRIALS` trained networks are asked. Memory holds the features of one of them, K x d in
    float32, and a block of distances.

    Args:
        run: a run; recorded ones and those without weights have no networks.
        source: of its data, as for `find_data`. Of a run on features these are looked at.
        device: for the networks: ``auto``, ``cpu``, ``cuda`` or ``mps``.

    Raises:
        BadInput: the data given are others than those of the run, or a file is damaged.
    """
    if run.spec.measured is None:
        return None, "the run was recorded from a training loop of its own, so it has no networks to ask"
    if run.shares:
        return _in_features(run, source)
    if not all(WEIGHTS in trial.document.files for trial in run.trials[:MOST_TRIALS]):
        return None, "the run was made without weights"
    if untrusted(run):
        return None, untrusted(run)
    missing = missing_code(run.model)
    if missing:
        return None, missing
    data, why = find_data(run, source)
    if data is None:
        return None, why
    return neighbours(_features(run, data, device), run.labels), ""


def _in_features(run: Run, source: Any) -> tuple[Neighbours | None, str]:
    """The neighbours in the features that heads have seen."""
    data, why = find_data(run, source)
    if data is None:
        return None, why
    features, why = features_of(run, data)
    if features is None:
        return None, why
    where = positions_in(data, run)
    return neighbours((np.asarray(one, np.float32)[where] for one in features), run.labels), ""


def _features(run: Run, data: Dataset, device: str) -> Iterator[npt.NDArray[np.float32]]:
    """Features [K, d] of the examples in the order of the run, from a trial after another."""
    from easiness.training import resolve_device

    target, where = resolve_device(device), positions_in(data, run)
    order = np.argsort(where)
    asked = run.trials[:MOST_TRIALS]
    for row, trial in enumerate(asked):
        reader = feature_reader(run, data, trial, target)
        blocks = []
        for at in range(0, len(order), _AT_ONCE):
            blocks.append(reader.features(where[order[at : at + _AT_ONCE]]))
            tell(_ASKING, row * len(order) + min(at + _AT_ONCE, len(order)), len(asked) * len(order))
        ascending = np.concatenate(blocks)
        features = np.empty_like(ascending)
        features[order] = ascending
        yield features


def neighbours(
    features: Iterable[npt.NDArray[np.floating]],
    labels: npt.NDArray[np.int64],
    num_nearest: int = NUM_NEAREST,
    at_most: int = AT_MOST,
    seed: int = 0,
) -> Neighbours:
    """The neighbours of K examples in the ``features`` [K, d] of each trial (d may differ).

    Args:
        features: of each trial, one at least.
        labels: class of each example [K], two at least.
        num_nearest: neighbours of each example; fewer where there are no more.
        at_most: examples among which they are looked for, drawn at random where there are more.
        seed: of that draw.
    """
    drawn = drawn_examples(len(labels), at_most, seed)
    among = np.arange(len(labels)) if drawn is None else drawn
    num_nearest = min(num_nearest, len(among) - 1)
    distance, own_share, strength = np.zeros((3, len(labels)))
    num_trials = 0
    for of_trial in features:
        lengths = np.linalg.norm(of_trial, axis=1)
        unit = of_trial / np.where(lengths > 0, lengths, 1)[:, None]
        far, nearest = _nearest(unit, among, num_nearest)
        distance += far / _class_medians(far, labels)[labels]
        own_share += (labels[nearest] == labels[:, None]).mean(axis=1)
        strength += lengths / _class_medians(lengths, labels)[labels]
        num_trials += 1
    return Neighbours(
        distance / num_trials, own_share / num_trials, strength / num_trials, num_nearest, num_trials
    )


def _nearest(
    features: npt.NDArray[np.floating], among: npt.NDArray[np.int64], num: int
) -> tuple[_Floats, npt.NDArray[np.int64]]:
    """Distance [K] to the last of the nearest among some examples, and which these are [K, num].

    No example is its own neighbour.
    """
    from sklearn.neighbors import NearestNeighbors

    # in blocks: the library never holds the distances of all pairs
    search = NearestNeighbors(n_neighbors=num + 1, algorithm="brute").fit(features[among])
    distances, found = search.kneighbors(features)
    found = among[found]
    itself = found == np.arange(len(features))[:, None]
    itself[~itself.any(axis=1), -1] = True  # not among those drawn, or behind others that are equal to it
    others = ~itself
    return distances[others].reshape(-1, num)[:, -1].astype(np.float64), found[others].reshape(-1, num)


def _class_medians(values: _Floats, labels: npt.NDArray[np.int64]) -> _Floats:
    """The median of each class [C]; 1 where it is 0, so that a class of equal examples is at 0."""
    medians = np.ones(labels.max() + 1)
    for label in np.unique(labels):
        medians[label] = np.median(values[labels == label]) or 1.0
    return medians
