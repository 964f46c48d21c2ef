"""``trial.json``, and what a list of trials takes from it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from easiness.errors import BadInput
from easiness.spec import TrialSpec, content_hash
from easiness.store.files import FileDigest
from easiness.store.inside import FileName
from easiness.store.known import Known, Stamp

DOCUMENT = "trial.json"


class TrialDocument(BaseModel):
    """``trial.json``: everything about a trial but its arrays. ``spec`` is absent in recorded runs.

    ``train_loss`` has a value an epoch, each list of ``accuracy`` one an epoch `observed`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    index: int
    seed: int
    hash: str
    epochs: int
    spec: TrialSpec | None
    train_loss: list[float]
    accuracy: dict[str, list[float]]
    ran: dict[str, Any]
    files: dict[FileName, FileDigest]

    @property
    def observed(self) -> tuple[int, ...]:
        """The epochs observed, ascending, the last of the trial among them."""
        return tuple(range(1, self.epochs + 1)) if self.spec is None else self.spec.observed


def known_of(document: TrialDocument, mark: Stamp | None) -> Known:
    """What a list of trials needs of a document whose file had this stamp."""
    seconds = document.ran.get("seconds")
    return Known(
        index=document.index,
        seed=document.seed,
        epochs=document.epochs,
        observed=document.observed,
        accuracy={name: values[-1] for name, values in document.accuracy.items() if values},
        seconds=float(seconds) if isinstance(seconds, int | float) else None,
        stamp=mark,
    )


def read_trial_document(folder: Path) -> TrialDocument:
    """The document of the trial in a folder.

    Raises:
        BadInput: it is missing, damaged, or of another trial than the folder's name says.
    """
    file = folder / DOCUMENT
    try:
        sealed = json.loads(file.read_bytes())
        document = TrialDocument.model_validate(sealed["trial"])
        if content_hash(sealed["trial"]) != sealed["sha256"]:
            raise ValueError
    except (OSError, ValueError, ValidationError, KeyError, TypeError):
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
