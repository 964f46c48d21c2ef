"""What a list of trials needs of each, kept in one file where there are very many.

The file is a copy of what the trials say themselves, for speed: whoever opens a run takes from it only what
is of a ``trial.json`` of the same size and time, and reads the others. Without it, or where it is damaged,
all are read. Small runs have none.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, FiniteFloat, NonNegativeInt, PositiveInt

from easiness.regular_file import read_regular
from easiness.store.files import write_whole

INDEX = ".index"
FEWEST = 512
"""Trials from which on a run has an index: fewer are read in a moment."""

Stamp: TypeAlias = tuple[int, int]
"""Size in bytes and time of the last change in nanoseconds."""

_MOST_BYTES = 2**30


@dataclass(frozen=True, slots=True)
class Known:
    """A trial in short. ``accuracy`` is the last of each probe, ``stamp`` that of its document.

    ``files`` is the `stamp_of_all` its files when they were whole; ``None`` where nobody has looked.
    """

    index: int
    seed: int
    epochs: int
    observed: tuple[int, ...]
    accuracy: Mapping[str, float]
    seconds: float | None
    stamp: Stamp | None
    files: str | None = None


class _Index(BaseModel):
    """The file: of each trial its name and what is known of it, ``observed`` by its place in the list."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    format: Literal[1]
    probes: list[str]
    observed: list[tuple[int, ...]]
    trials: list[
        tuple[
            str,
            NonNegativeInt,
            NonNegativeInt,
            PositiveInt,
            NonNegativeInt,
            list[FiniteFloat | None],
            FiniteFloat | None,
            Stamp | None,
            str | None,
        ]
    ]


def stamp(file: Path) -> Stamp | None:
    """Of a file; ``None`` where it cannot be looked at."""
    try:
        found = os.stat(file)  # noqa: PTH116 - a hundred thousand times
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns


def stamp_of_all(folder: Path) -> str | None:
    """Of all files in a folder together; ``None`` where they cannot be looked at."""
    try:
        with os.scandir(folder) as entries:
            found = sorted((one.name, one.stat().st_size, one.stat().st_mtime_ns) for one in entries)
    except OSError:
        return None
    return hashlib.sha256(repr(found).encode()).hexdigest()[:16]


def write_index(path: Path, trials: Mapping[str, Known]) -> None:
    """Write what is known of the trials of a run, by folder name; what cannot be written is not."""
    lists: dict[tuple[int, ...], int] = {}
    probes = sorted({name for known in trials.values() for name in known.accuracy})
    rows = [
        [
            name,
            known.index,
            known.seed,
            known.epochs,
            lists.setdefault(known.observed, len(lists)),
            [known.accuracy.get(probe) for probe in probes],
            known.seconds,
            known.stamp,
            known.files,
        ]
        for name, known in trials.items()
    ]
    content = json.dumps({"format": 1, "probes": probes, "observed": list(lists), "trials": rows}).encode()
    with contextlib.suppress(OSError):
        write_whole(path / INDEX, hashlib.sha256(content).hexdigest().encode() + b"\n" + content)


def read_index(path: Path) -> dict[str, Known]:
    """What is known of the trials of a run; nothing where the file cannot be read."""
    try:
        seal, _, content = read_regular(path / INDEX, _MOST_BYTES).partition(b"\n")
        if hashlib.sha256(content).hexdigest().encode() != seal:
            return {}
        return dict(_rows(_Index.model_validate_json(content)))
    except (OSError, ValueError, LookupError):  # of which the errors of a validation are
        return {}


def _rows(index: _Index) -> Iterable[tuple[str, Known]]:
    for name, number, seed, epochs, place, accuracy, seconds, mark, files in index.trials:
        observed = index.observed[place]
        if observed[-1] != epochs or any(a >= b for a, b in itertools.pairwise((0, *observed))):
            raise ValueError(f"{name}: observed after {observed[:3]}")
        pairs = zip(index.probes, accuracy, strict=True)
        last = {probe: value for probe, value in pairs if value is not None}
        yield name, Known(number, seed, epochs, observed, last, seconds, mark, files)
