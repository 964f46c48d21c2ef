"""Which examples of a run on features stay in one fold: found once, and kept beside the features."""

from __future__ import annotations

import contextlib
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from easiness.data import same_values
from easiness.errors import BadInput
from easiness.heads import kept_together
from easiness.regular_file import read_regular
from easiness.runs.plan import Plan
from easiness.spec import content_hash
from easiness.store import write_whole

_MANY = 5000  # examples, from which on looking for copies takes a noticeable time
_VERSION = 1
_STORED = "<i8"  # of the groups, behind which their checksum stands

Groups = npt.NDArray[np.int64]


def examples_together(plan: Plan, features: Sequence[npt.NDArray[np.floating]], folder: Path) -> Groups:
    """Numbers [K], the same for examples of the plan that heads see together or not at all.

    Args:
        plan: of a run on features.
        features: vectors [K, D] of the training examples, of each kind.
        folder: that files of features are in.
    """
    heads = plan.asked.heads
    assert heads is not None
    path = None
    if len(plan.data) >= _MANY:
        identities = [one.identity for one in heads.features]
        key = content_hash([_VERSION, identities, plan.data.contents, heads.groups])
        path = folder / f"{key[:32]}.together"
    groups = None if path is None else _read(path, len(plan.data))
    if groups is None:
        groups = kept_together(features, plan.data.groups, same_values(plan.data))
        if path is not None:
            _write(path, groups)
    num = len(np.unique(groups))
    if num < heads.folds:
        raise BadInput(
            f"features {heads.features[0].name!r}: {num} of {len(groups)} examples differ, and share "
            f"{heads.shares[-1]:g} rotates over {heads.folds} folds; give --shares whose largest is smaller, "
            "such as 0.5, or other features"
        )
    return groups


def _read(path: Path, num: int) -> Groups | None:
    """What the file at ``path`` has for ``num`` examples, where it is there and as it was written."""
    most = (num + 1) * np.dtype(_STORED).itemsize
    try:
        content = read_regular(path, most)
    except OSError:
        return None
    values = np.frombuffer(content, _STORED) if len(content) == most else None
    if values is None or values[-1] != _checksum(values[:-1]):
        return None
    return values[:-1].astype(np.int64)


def _write(path: Path, groups: Groups) -> None:
    """Write the file, where that is possible: it saves time alone."""
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, np.append(groups, _checksum(groups)).astype(_STORED).tobytes())


def _checksum(groups: Groups) -> int:
    return zlib.crc32(groups.astype(_STORED).tobytes())
