"""What lies next to each example in the networks' own features, over the trials of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from easiness.analysis import drawn_examples
from easiness.spec import Split
from easiness.store import Form, Run, keep_answer, kept_answer
from easiness.studies.suspects.asking import Vectors, features, identity_of

NUM_NEAREST = 10
AT_MOST = 20_000
"""Examples among which neighbours are looked for; of more, so many are drawn."""
_NAME = "neighbours"
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

    Args:
        run: a run; recorded ones and those without weights have no networks.
        source: of its data, as for `find_data`; not looked at where the neighbours are kept.
        device: for the networks: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        also: is called with the features of each trial, where they are asked for.

    Raises:
        BadInput: the data given are others than those of the run, or a file is damaged.
    """
    identity, why = identity_of(run, neighbours=NUM_NEAREST, at_most=AT_MOST)
    if not identity:
        return None, why
    kept = _kept(run, identity)
    if kept is not None:
        return kept, ""
    asked, why = features(run, {"train": np.arange(len(run.labels))}, source, device)
    if asked is None:
        return None, why
    found = neighbours(_passed(asked, also), run.labels)
    means = {name: getattr(found, name) for name in _MEANS}
    counts = np.array([found.num_nearest, found.num_trials])
    keep_answer(run.path, _NAME, identity, {**means, "counts": counts})
    return found, ""


def _passed(asked: Iterator[dict[Split, Vectors]], also: Callable[[Vectors], None]) -> Iterator[Vectors]:
    for one in asked:
        also(one["train"])
        yield one["train"]


def _kept(run: Run, identity: str) -> Neighbours | None:
    """What `find_neighbours` has kept, where that is whole."""
    forms: dict[str, Form] = dict.fromkeys(_MEANS, (np.float64, run.labels.shape))
    arrays = kept_answer(run.path, _NAME, identity, {**forms, "counts": (np.int64, (2,))})
    if arrays is None or not all(np.isfinite(one).all() for one in arrays.values()):
        return None
    num_nearest, num_trials = arrays["counts"].tolist()
    distance, own_share, strength = (arrays[name] for name in _MEANS)
    return Neighbours(distance, own_share, strength, num_nearest, num_trials)


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
