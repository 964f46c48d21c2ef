"""What lies in the folder of a run: its description, its examples, its finished trials."""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from easiness.errors import BadInput, shorten
from easiness.spec import RecordedSpec, RunSpec, Stopped, content_hash
from easiness.store.files import FileDigest
from easiness.store.inside import FileName
from easiness.store.known import FEWEST, read_index, stamp
from easiness.store.trial import StoredTrial
from easiness.store.trial_document import DOCUMENT as TRIAL

DOCUMENT = "run.json"
EXAMPLES = "examples.parquet"
TRIALS = "trials"
FAILED = "failed-"

_TRIAL = re.compile("[0-9].*-")


class RunDocument(BaseModel):
    """``run.json``: what was asked, the digests of the files beside it, and why there are no more trials."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    spec: RunSpec | RecordedSpec = Field(discriminator="kind")
    files: dict[FileName, FileDigest]
    stopped: Stopped | None = None
    sha256: str | None = None
    """Of the rest in canonical form, see `seal_of`; runs of before that have none."""


def seal_of(document: RunDocument) -> str:
    """The ``sha256`` of a description."""
    return content_hash(document.model_dump(mode="json", exclude={"sha256"}))


def is_run(path: Path) -> bool:
    """Does the folder hold a run?"""
    return (path / DOCUMENT).is_file()


def read_document(path: Path) -> RunDocument:
    """``run.json`` of the run at ``path``."""
    file = path / DOCUMENT
    try:
        there, described = path.exists(), file.is_file()
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror}); give the folder of a run") from None
    if not there:
        raise BadInput(f"{path}: no such run")
    if not described:
        inside = sorted(found.parent.name for found in path.glob(f"*/{DOCUMENT}"))
        give = (
            f"one of the runs in it ({shorten(inside)})"
            if inside
            else "a folder written by `easiness measure`"
        )
        raise BadInput(f"{path}: not a run (it has no {DOCUMENT}); give {give}")
    try:
        return RunDocument.model_validate(json.loads(file.read_bytes()))
    except (OSError, ValueError, ValidationError):
        raise BadInput(
            f"{file}: the description of the run is damaged; restore it or measure into another folder"
        ) from None


def trial_names(path: Path) -> list[str]:
    """Names of the folders of trials of a run, in order."""
    try:
        with os.scandir(path / TRIALS) as entries:
            return sorted(entry.name for entry in entries if _TRIAL.match(entry.name))
    except (FileNotFoundError, NotADirectoryError):
        return []


def finished_trials(path: Path, before: Iterable[StoredTrial] = ()) -> list[StoredTrial]:
    """The trials of a run by index; of two with the same index, the longer one.

    Those of ``before`` that are as they were stay, so that what is known of them is not found out again; so
    does what the index of a large run knows.
    """
    folder, names = path / TRIALS, trial_names(path)
    there = {trial.path.name: trial.known for trial in before}
    if len(names) - len(there) >= FEWEST:
        there = {**read_index(path), **there}
    stay = {trial.path.name: trial for trial in before}
    found: dict[int, StoredTrial] = {}
    for name in names:
        known = there.get(name)
        if known is not None and (known.stamp is None or known.stamp != stamp(folder / name / TRIAL)):
            known = None
        try:
            if known is None:
                trial = StoredTrial(folder / name)
            else:
                trial = stay.get(name) or StoredTrial(folder / name, known)
        except BadInput:
            if (folder / name).exists():
                raise
            # a longer trial has taken its place since the folders were listed
            return finished_trials(path, before)
        other = found.get(trial.index)
        if other is None or other.epochs < trial.epochs:
            found[trial.index] = trial
    return [found[index] for index in sorted(found)]


class _Note(BaseModel):
    trial: int
    reason: str


def notes_of_failures(path: Path) -> dict[int, str]:
    """Why trials of a run failed when they were last tried, by index; a note that is damaged says nothing."""
    reasons: dict[int, str] = {}
    for file in sorted((path / TRIALS).glob(f"{FAILED}*.json")):
        with contextlib.suppress(OSError, ValueError):  # of which the errors of a validation are
            note = _Note.model_validate_json(file.read_bytes())
            reasons[note.trial] = note.reason
    return reasons
