"""``trial.json``, and in short what a list of trials needs of it, kept in one file where there are very many.

That file, the index, is a copy for speed: whoever opens a run takes from it only what is of a ``trial.json``
of the same size and time, and reads the others. Without an index, or where it is damaged, all are read. Small
runs have none.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, NonNegativeInt, PositiveInt, model_validator

from easiness.errors import BadInput
from easiness.regular_file import read_regular
from easiness.spec import TrialSpec
from easiness.store.files import FileDigest, FileName, read_sealed, write_whole
from easiness.store.later import later

DOCUMENT = "trial.json"
INDEX = ".index"
FEWEST = 512
"""Trials from which on a run has an index: fewer are read in a moment."""

_MOST_BYTES = 2**30  # of an index

Stamp: TypeAlias = tuple[int, int]
"""Size in bytes and time of the last change in nanoseconds."""


@dataclass(frozen=True, slots=True)
class Known:
    """A trial in short: ``accuracy`` is the last of each probe, ``stamp`` belongs to its document.

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


class TrialDocument(BaseModel):
    """``trial.json``: everything about a trial but its arrays. ``spec`` is absent in recorded runs.

    ``train_loss`` has a value an epoch, each list of ``accuracy`` one an epoch `observed`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    index: int = Field(ge=0)
    seed: int = Field(ge=0)
    hash: str
    epochs: int = Field(ge=1)
    spec: TrialSpec | None
    train_loss: list[FiniteFloat]
    accuracy: dict[str, list[FiniteFloat]] = Field(min_length=1)
    ran: dict[str, Any]
    files: dict[FileName, FileDigest]

    @property
    def observed(self) -> tuple[int, ...]:
        """The epochs observed, ascending, the last of the trial among them."""
        return tuple(range(1, self.epochs + 1)) if self.spec is None else self.spec.observed

    @model_validator(mode="after")
    def _of_one_length(self) -> Self:
        # lists are in the file, so that a giant number of epochs ends here, before anything is as long
        lists = self.accuracy.values() if self.spec is None else (self.train_loss,)
        if any(len(one) != self.epochs for one in lists):
            raise ValueError("there has to be a value for each epoch")
        if self.spec is not None and (self.spec.epochs, self.spec.index) != (self.epochs, self.index):
            raise ValueError("the spec is of another trial")
        if any(len(one) != len(self.observed) for one in self.accuracy.values()):
            raise ValueError("there has to be an accuracy for each epoch observed")
        return self


def known_of(document: TrialDocument, mark: Stamp | None) -> Known:
    """The trial of a document in short; the document's file had the stamp ``mark``."""
    return Known(
        index=document.index,
        seed=document.seed,
        epochs=document.epochs,
        observed=document.observed,
        accuracy={name: values[-1] for name, values in document.accuracy.items()},
        seconds=_seconds(document.ran.get("seconds")),
        stamp=mark,
    )


def _seconds(value: Any) -> float | None:
    """The seconds that a trial took, where its document has a finite number."""
    try:
        seconds = float(value) if isinstance(value, int | float) else math.nan
    except OverflowError:
        return None
    return seconds if math.isfinite(seconds) else None


def read_document(folder: Path) -> TrialDocument:
    """The document of the trial in a folder."""
    file = folder / DOCUMENT
    content: Any = None
    try:
        content = read_sealed(file, "trial")
        document = TrialDocument.model_validate(content)
    except (OSError, ValueError, LookupError, TypeError):
        raise later(file, content) or damaged(file) from None
    if document.spec is not None and document.spec.hash != document.hash:
        raise damaged(file)
    if folder_name(document.index, document.hash) != folder.name:
        raise damaged(file)
    return document


def folder_name(index: int, identity: str) -> str:
    """Trials of the same index and different length lie side by side until the older one is removed."""
    return f"{index:04d}-{identity[:12]}"


def index_in(name: str) -> int:
    """The index of a trial, from the `folder_name`."""
    return int(name.split("-")[0])


def damaged(path: Path) -> BadInput:
    """The error for a trial file that is not what was written."""
    return BadInput(
        f"{path}: this trial file is damaged or missing; run the same `easiness measure` with "
        "--retrain-damaged, or where you recorded it yourself remove the trial's folder and record it again"
    )


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
    """The stamp of a file; ``None`` where it cannot be looked at."""
    try:
        found = os.stat(file)  # noqa: PTH116 - a hundred thousand times
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns


def stamp_of_all(folder: Path) -> str | None:
    """A digest of the stamps of all files in a folder; ``None`` where they cannot be looked at."""
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
    """The trials that the index of a run knows, by folder name; none where it cannot be read."""
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
