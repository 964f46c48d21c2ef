"""Taking exactly the examples with the largest values, where nothing is drawn."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from easiness.analysis.draw import as_numbers, check_seed, num_drawn, of_length, quotas
from easiness.analysis.tiebreak import id_keys, tie_order


def foremost(
    values: npt.ArrayLike,
    rate: float,
    *,
    refine_by: npt.ArrayLike,
    ids: npt.ArrayLike,
    seed: int = 0,
    labels: npt.ArrayLike | None = None,
) -> npt.NDArray[np.int64]:
    """Positions, ascending, of the ``round(rate * K)`` of K examples with the largest values.

    Equal values are ordered by ``refine_by``, the largest first, and what still ties by a hash of id and
    seed: these are the members by ``select(..., ties="refine")``. Those at a lower rate are among those at a
    higher one, unless ``labels`` are given.

    Args:
        values: one number per example [K]; infinities are allowed, NaN is not.
        rate: share of the examples to take, in [0, 1).
        refine_by: a finer number per example [K].
        ids: ids of the examples [K], distinct integers or texts.
        seed: of the hash, 0 or above.
        labels: classes of the examples [K]. Where given, the same share is taken of each class, as far as
            whole examples allow.

    Raises:
        BadInput: an argument out of range, lengths that differ, or NaN among the values.
    """
    v = as_numbers(values)
    check_seed(seed)
    num = num_drawn(rate, len(v))
    finer = as_numbers(of_length(refine_by, len(v), "refine_by"))
    hashed = tie_order(id_keys(of_length(ids, len(v), "ids")), seed)
    order = np.lexsort((hashed, -finer, -v))
    if labels is None:
        return np.sort(order[:num])
    classes, own, sizes = np.unique(
        of_length(labels, len(v), "labels"), return_inverse=True, return_counts=True
    )
    shares = quotas(rate, num, sizes, np.random.default_rng(np.random.SeedSequence(seed)))
    taken = [order[own[order] == label][: shares[label]] for label in range(len(classes))]
    return np.sort(np.concatenate(taken))
