"""The search for nearest neighbours: every one goes through here."""

from __future__ import annotations

import numpy as np

from easiness.lazy import Integers, Reals, Singles

_AT_ONCE = 1024


def nearest_rows(rows: Reals, among: Reals, num: int, own: Integers | None = None) -> tuple[Integers, Reals]:
    """The ``num`` nearest of ``among`` [M, D] to each of ``rows`` [n, D], and their distances, both [n, num].

    The nearest come first, and of two that are equally far the first one. ``own`` [n] is for each row the
    place of the one among them that is no neighbour of it, such as itself, or -1; there are more than ``num``
    among them then. Memory holds no distances of all pairs.
    """
    from sklearn.neighbors import NearestNeighbors

    search = NearestNeighbors(n_neighbors=min(num + 2, len(among)), algorithm="brute")
    distances, places = search.fit(among).kneighbors(rows)
    far = distances.astype(np.float32)  # which equal ones are in spite of rounding
    if own is not None:
        far[places == own[:, None]] = np.inf
    order = np.lexsort((places, far))[:, :num]
    return np.take_along_axis(places, order, axis=1), np.take_along_axis(distances, order, axis=1)


def unit_rows(vectors: Reals) -> Singles:
    """A copy [n, D] of vectors with a length of one each; of those without any direction 0."""
    unit = np.array(vectors, np.float32)
    for at in range(0, len(unit), _AT_ONCE):
        part = unit[at : at + _AT_ONCE]
        lengths = np.linalg.norm(part, axis=1, keepdims=True)
        part /= np.where(lengths > 0, lengths, 1)
    return unit
