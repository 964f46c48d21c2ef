"""``trial.json``, and what a list of trials takes from it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, model_validator

from easiness.errors import BadInput
from easiness.spec import TrialSpec, content_hash
from easiness.store.files import FileDigest
from easiness.store.inside import FileName
from easiness.store.json_file import read_json
from easiness.store.known import Known, Stamp

DOCUMENT = "trial.json"


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
    """What a list of trials needs of a document whose file had this stamp."""
    return Known(
        index=document.index,
        seed=document.seed,
        epochs=document.epochs,
        observed=document.observed,
        accuracy={name: values[-1] for name, values in document.accuracy.items()},
        seconds=_seconds(document.ran.get("seconds")),
        stamp=mark,
    )


def _seconds(said: Any) -> float | None:
    """How long a trial took, where that is said and can be: it is no part of the result."""
    try:
        seconds = float(said) if isinstance(said, int | float) else math.nan
    except OverflowError:
        return None
    return seconds if math.isfinite(seconds) else None


def read_trial_document(folder: Path) -> TrialDocument:
    """The document of the trial in a folder.

    Raises:
        BadInput: it is missing, damaged, or of another trial than the folder's name says.
    """
    file = folder / DOCUMENT
    try:
        sealed = read_json(file)
        document = TrialDocument.model_validate(sealed["trial"])
        if content_hash(sealed["trial"]) != sealed["sha256"]:
            raise ValueError
    except (OSError, ValueError, LookupError, TypeError):
        raise damaged(file) from None
    if document.spec is not None and document.spec.hash != document.hash:
        raise damaged(file)
    if folder_name(document.index, document.hash) != folder.name:
        raise damaged(file)
    return document


def folder_name(index: int, identity: str) -> str:
    """Trials of the same index and different length lie side by side until the older one is removed."""
    return f"{index:04d}-{identity[:12]}"


def damaged(path: Path) -> BadInput:
    """The error for a trial file that is not what was written."""
    return BadInput(
        f"{path}: this trial file is damaged or missing; run the same `easiness measure` with "
        "--retrain-damaged, or where you recorded it yourself remove the trial's folder and record it again"
    )
