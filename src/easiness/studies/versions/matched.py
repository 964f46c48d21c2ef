"""Which examples of two versions of a data set are the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from easiness.errors import BadInput
from easiness.store import Run
from easiness.studies.versions.found import Matching

Positions = npt.NDArray[np.int64]


class Matched(NamedTuple):
    """Positions in the old and in the new version: of examples in both [C], and of those in one alone."""

    old: Positions
    new: Positions
    went: Positions
    came: Positions


def match_examples(old: Run, new: Run, by: Matching, sources: tuple[Any, Any]) -> Matched:
    """Examples of both runs by their ids, or by their pixels.

    Pictures that are there several times are matched in their order.

    Raises:
        BadInput: no example is in both, or pixels are asked for and the data of a run cannot be had.
    """
    if by == "ids":
        keys = (old.ids.tolist(), new.ids.tolist())
    else:
        keys = (_pixels(old, sources[0], "--old-source"), _pixels(new, sources[1], "--new-source"))
    matched = _matched(*keys)
    if not len(matched.old):
        other = "pixels" if by == "ids" else "ids"
        raise BadInput(
            f"{old.path} and {new.path} have no example in common by {by}; match them --by {other}"
        )
    return matched


def _matched(old: Iterable[Hashable], new: Iterable[Hashable]) -> Matched:
    before, after = _numbered(old), _numbered(new)
    positions = {key: at for at, key in enumerate(before)}
    found = np.array([positions.get(key, -1) for key in after], np.int64)
    common = np.flatnonzero(found >= 0)
    went = np.setdiff1d(np.arange(len(before)), found[common])
    return Matched(found[common], common, went, np.flatnonzero(found < 0))


def _numbered(keys: Iterable[Hashable]) -> list[tuple[Hashable, int]]:
    """Each key with how many times it was there before."""
    seen: Counter[Hashable] = Counter()
    numbered = []
    for key in keys:
        numbered.append((key, seen[key]))
        seen[key] += 1
    return numbered


def _pixels(run: Run, source: Any, option: str) -> list[bytes]:
    from easiness.data import picture_digests  # loads torch, which matching by ids need not wait for
    from easiness.runs import data_of, positions_in

    data = data_of(run, source, option)
    return [digest.tobytes() for digest in picture_digests(data)[positions_in(data, run)]]
