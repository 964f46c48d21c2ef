"""What lies next to each example in the networks' own features, over the trials of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from easiness.analysis import drawn_examples, nearest_rows, unit_rows
from easiness.store import Arrays, Run, kept_in_run
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

    Args:
        run: a run; recorded ones and those without weights have no networks.
        source: of its data, as for `find_data`; not looked at where the neighbours are kept.
        device: for the networks: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        also: is called with the features of each trial, where they are asked for.

    Raises:
        BadInput: the data given are others than those of the run, or a file is damaged.
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
    place = np.full(len(labels), -1)
    place[among] = np.arange(len(among))
    num_nearest = min(num_nearest, len(among) - 1)
    distance, own_share, strength = np.zeros((3, len(labels)))
    num_trials = 0
    for of_trial in features:
        lengths = np.linalg.norm(of_trial, axis=1)
        unit = unit_rows(of_trial)
        nearest, distances = nearest_rows(unit, unit[among], num_nearest, place)
        far = distances[:, -1].astype(np.float64)
        distance += far / _class_medians(far, labels)[labels]
        own_share += (labels[among[nearest]] == labels[:, None]).mean(axis=1)
        strength += lengths / _class_medians(lengths, labels)[labels]
        num_trials += 1
    return Neighbours(
        distance / num_trials, own_share / num_trials, strength / num_trials, num_nearest, num_trials
    )


def _class_medians(values: _Floats, labels: npt.NDArray[np.int64]) -> _Floats:
    """The median of each class [C]; 1 where it is 0, so that a class of equal examples is at 0."""
    medians = np.ones(labels.max() + 1)
    for label in np.unique(labels):
        medians[label] = np.median(values[labels == label]) or 1.0
    return medians
