"""What networks saw of perturbed images, in files below a run: whole ones are used again, others never."""

from __future__ import annotations

import contextlib
import hashlib
import inspect
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from easiness.perturb import Kind
from easiness.record import Observations
from easiness.store import STATISTICS, Ids, file_written_whole, read_rows, sweep, write_observations


def read_kept(
    path: Path, labels: npt.NDArray[np.int64], trained_on: npt.NDArray[np.bool_], num_classes: int
) -> Observations | None:
    """One level of one trial; ``None`` if the file is unreadable or of other examples than these."""
    try:
        read: dict[str, Any] = read_rows(path, [0], ["label", *STATISTICS])
    except (OSError, ValueError):
        return None
    if not np.array_equal(read.pop("label"), labels[None]):
        return None
    return Observations(labels, num_classes, trained_on, **read)


def keep(path: Path, ids: Ids, seen: Observations) -> None:
    """Write the file, whole or not at all, and remove what killed writers left beside it.

    Nothing is written where the disk is full or read-only: the run can be looked at all the same.
    """
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        sweep(path.parent)
        with file_written_whole(path) as file:
            write_observations(file, ids, seen)


def digest_of(kind: Kind) -> str | None:
    """What a kind computes, as SHA-256 (hex): ours say so, a user's own is the module that it is written in.

    ``None`` where that cannot be read.
    """
    if kind.digest is not None:
        return kind.digest
    module = sys.modules.get(getattr(kind.factory, "__module__", ""))
    if module is None:
        return None
    try:
        return hashlib.sha256(inspect.getsource(module).encode()).hexdigest()
    except (OSError, TypeError):
        return None
