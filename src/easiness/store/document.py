"""What lies in the folder of a run: its description, its examples, its finished trials."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from easiness.errors import BadInput, shorten
from easiness.spec import DatasetRef, RecordedSpec, RunSpec, Stopped, content_hash
from easiness.store.failure_notes import notes
from easiness.store.files import FileDigest
from easiness.store.inside import FileName
from easiness.store.json_file import read_json
from easiness.store.known import FEWEST, read_index, stamp
from easiness.store.trial import StoredTrial
from easiness.store.trial_document import DOCUMENT as TRIAL

DOCUMENT = "run.json"
EXAMPLES = "examples.parquet"
TRIALS = "trials"

_TRIAL = re.compile("[0-9]+-")


class RunDocument(BaseModel):
    """``run.json``: what was asked, the digests of the files beside it, and why there are no more trials."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    spec: RunSpec | RecordedSpec = Field(discriminator="kind")
    files: dict[FileName, FileDigest]
    stopped: Stopped | None = None
    sha256: str | None = None
    """Of the rest in canonical form, see `sealed`; runs of before that have none."""

    @model_validator(mode="after")
    def _examples_are_there(self) -> Self:
        if EXAMPLES not in self.files:
            raise ValueError(f"{EXAMPLES} is not among the files")
        return self


def sealed(document: RunDocument) -> RunDocument:
    """The description with its ``sha256``."""
    return document.model_copy(update={"sha256": _seal_of(document.model_dump(mode="json"))})


def _seal_of(content: dict[str, Any]) -> str:
    # of what the file says, not of what is made of it: fields that came later are not in older files
    return content_hash({name: value for name, value in content.items() if name != "sha256"})


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
        content = read_json(file)
        document = RunDocument.model_validate(content)
        if document.sha256 not in (None, _seal_of(content)):
            raise ValueError
        return document
    except (OSError, ValueError):  # of which the errors of a validation are
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
    except OSError as error:
        raise BadInput(f"{path / TRIALS}: cannot be read ({error.strerror}); restore that folder") from None


def damaged_trials(path: Path) -> list[str]:
    """Names of the folders of trials of a run in which a file is damaged or missing, in order."""
    found = []
    for name in trial_names(path):
        try:
            StoredTrial(path / TRIALS / name).check()
        except BadInput:
            found.append(name)
    return found


def finished_trials(
    path: Path, data: DatasetRef, before: Iterable[StoredTrial] = (), but: Collection[str] = ()
) -> list[StoredTrial]:
    """The trials of a run over these data, by index; of two with the same index, the longer one.

    Those of ``before`` that are as they were stay, so that what is known of them is not found out again; so
    does what the index of a large run knows. Folders named in ``but`` are left out.
    """
    folder, names = path / TRIALS, [name for name in trial_names(path) if name not in but]
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
                trial = StoredTrial(folder / name, data=data)
                if len(names) >= FEWEST:
                    trial.forget_document()  # of very many the documents would fill the memory
            else:
                trial = stay.get(name) or StoredTrial(folder / name, known, data)
        except BadInput:
            if os.path.lexists(folder / name):  # also a link to nothing
                raise
            # a longer trial has taken its place since the folders were listed
            return finished_trials(path, data, before, but)
        other = found.get(trial.index)
        if other is None or other.epochs < trial.epochs:
            found[trial.index] = trial
    return [found[index] for index in sorted(found)]


def notes_of_failures(path: Path) -> dict[int, str]:
    """Why trials of a run failed when they were last tried, by index; a note that is damaged says nothing."""
    return {note.trial: note.reason for _, _, note in notes(path / TRIALS) if note is not None}
