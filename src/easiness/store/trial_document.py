"""``trial.json``: everything about a trial but its arrays."""

from __future__ import annotations

import contextlib
import math
import os
from pathlib import Path
from typing import Any, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, model_validator

from easiness.errors import BadInput
from easiness.spec import TrialSpec
from easiness.store.files import FileDigest, FileName, later, read_sealed

DOCUMENT = "trial.json"

Stamp: TypeAlias = tuple[int, int]
"""Size in bytes and time of the last change in nanoseconds."""


class TrialDocument(BaseModel):
    """A loss is of each epoch, an ``accuracy`` of each `observed`; ``spec`` is absent in recorded runs."""

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

    @property
    def seconds(self) -> float | None:
        """The seconds that the trial took, where a finite number is there."""
        value = self.ran.get("seconds")
        with contextlib.suppress(OverflowError):
            return float(value) if isinstance(value, int | float) and math.isfinite(value) else None
        return None

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


def read_document(folder: Path) -> TrialDocument:
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


def stamp(file: Path) -> Stamp | None:
    """The stamp of a file; ``None`` where it cannot be looked at."""
    try:
        found = os.stat(file)  # noqa: PTH116 - a hundred thousand times
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns
