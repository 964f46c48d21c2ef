"""The examples a trial trains on, and their labels: functions of its spec and seeds alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from easiness.analysis import draw_by_rank
from easiness.spec import Draw, TrialSeeds


@dataclass(frozen=True)
class TrainingSet:
    """``trained_on`` [K] says which examples are trained on, ``labels`` [K] with which labels."""

    trained_on: npt.NDArray[np.bool_]
    labels: npt.NDArray[np.int64]


def training_set(
    labels: npt.NDArray[np.int64],
    num_classes: int,
    share: float,
    draw: Draw | None,
    ranking: npt.NDArray[np.float64] | None,
    seeds: TrialSeeds,
) -> TrainingSet:
    """The training set of a trial."""
    num = len(labels)
    if draw is None and ranking is None:
        order = np.random.default_rng(seeds.share).permutation(num)
        trained_on = np.zeros(num, np.bool_)
        trained_on[order[: int(share * num + 0.5)]] = True
        return TrainingSet(trained_on, labels)
    assert ranking is not None
    trained_on = ~np.isnan(ranking)
    if draw is None:
        return TrainingSet(trained_on, labels)
    drawn = draw_by_rank(
        np.nan_to_num(ranking), draw.rate, draw.beta, seeds.draw, labels=labels if draw.balanced else None
    )
    if draw.effect == "drop":
        trained_on[drawn] = False
        return TrainingSet(trained_on, labels)
    random = np.random.default_rng([seeds.draw, 1])
    given = labels.copy()
    if draw.other_label:
        given[drawn] = (labels[drawn] + random.integers(1, num_classes, len(drawn))) % num_classes
    else:
        given[drawn] = random.integers(0, num_classes, len(drawn))
    return TrainingSet(trained_on, given)
