"""A part of the examples in which classes are equally large."""

import numpy as np
import numpy.typing as npt


def balanced_subset(labels: npt.NDArray[np.int64], k: int, seed: int) -> npt.NDArray[np.int64]:
    """Positions, ascending, of ``k`` of the examples with ``labels`` [K], ``k <= K``.

    All examples are put in one seeded order that deals out the classes in turn, so its first ``k`` are
    balanced (a class that runs out leaves its turns to the others) and nested by construction.
    """
    rng = np.random.default_rng(seed)
    lots = rng.random(len(labels))
    by_class = np.lexsort((lots, labels))
    _, starts, sizes = np.unique(labels[by_class], return_index=True, return_counts=True)
    turn = np.empty(len(labels), np.int64)
    turn[by_class] = np.arange(len(labels)) - np.repeat(starts, sizes)
    # Within a turn the lots decide the order, so that no class is always served first.
    return np.sort(np.lexsort((lots, turn))[:k])
