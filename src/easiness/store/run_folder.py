"""The folder of a run: its description, its finished trials, and why others failed."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from easiness.errors import BadInput, shorten
from easiness.regular_file import read_regular
from easiness.spec import DatasetRef, RecordedSpec, RunSpec, Stop, content_hash
from easiness.store.files import FileDigest, FileName, later, own_version, read_json, write_whole
from easiness.store.trial import StoredTrial
from easiness.store.trial_document import DOCUMENT as TRIAL_DOCUMENT, folder_name, stamp

DOCUMENT = "run.json"
EXAMPLES = "examples.parquet"
TRIALS = "trials"

_TRIAL = re.compile("[0-9]+-")
_NOTE_BEGINS = "failed-"
_MOST_BYTES_OF_NOTE = 2**20  # of a note, which is a line


class RunDocument(BaseModel):
    """``run.json``: what was asked, the digests of the files beside it, and why there are no more trials."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    spec: RunSpec | RecordedSpec = Field(discriminator="kind")
    files: dict[FileName, FileDigest]
    stopped: Stop | None = None
    version: str | None = None
    """The version of this package that wrote it; runs of before that have none."""
    sha256: str | None = None
    """The digest of the rest in canonical form; runs of before that have none."""

    @model_validator(mode="after")
    def _examples_are_there(self) -> Self:
        if EXAMPLES not in self.files:
            raise ValueError(f"{EXAMPLES} is not among the files")
        return self


def write_document(path: Path, document: RunDocument) -> None:
    """Write ``run.json`` of the run at ``path``, with our ``version`` and its ``sha256``."""
    ours = document.model_copy(update={"version": own_version()})
    content = ours.model_dump(mode="json")
    for text in _texts(content):
        text.encode()
    sealed = ours.model_copy(update={"sha256": _seal_of(content)})
    write_whole(path / DOCUMENT, sealed.model_dump_json(indent=1).encode())


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _texts(one)


def _seal_of(content: dict[str, Any]) -> str:
    # of what the file says, not of what is made of it: fields that came later are not in older files
    return content_hash({name: value for name, value in content.items() if name != "sha256"})


def is_run(path: Path) -> bool:
    return (path / DOCUMENT).is_file()


def check_opened(**given: object) -> None:
    """Make sure that runs, or lists of runs, are no paths; each is given by the name of its parameter."""
    for name, value in given.items():
        for one in value if isinstance(value, list | tuple) else [value]:
            if isinstance(one, str | os.PathLike):
                path = os.fspath(one)
                raise BadInput(f"{name} {path!r}: is a path; open the run first, easiness.open_run({path!r})")


def read_document(path: Path) -> RunDocument:
    file = path / DOCUMENT
    try:
        there, described = path.exists(), file.is_file()
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror}); give the folder of a run") from None
    if not there:
        raise BadInput(f"{path}: no such run; give the folder of one")
    if not described:
        inside = sorted(found.parent.name for found in path.glob(f"*/{DOCUMENT}"))
        give = (
            f"one of the runs in it ({shorten(inside)})"
            if inside
            else "a folder written by `easiness measure`"
        )
        raise BadInput(f"{path}: not a run (it has no {DOCUMENT}); give {give}")
    content: Any = None
    try:
        content = read_json(file)
        document = RunDocument.model_validate(content)
        if document.sha256 not in (None, _seal_of(content)):
            raise ValueError
        return document
    except (OSError, ValueError):  # of which the errors of a validation are
        raise later(file, content) or BadInput(
            f"{file}: the description of the run is damaged; restore it or measure into another folder"
        ) from None


def trial_names(path: Path) -> list[str]:
    """Names of the folders of trials of a run, in order."""
    try:
        with os.scandir(path / TRIALS) as entries:
            return sorted(filter(_TRIAL.match, (entry.name for entry in entries)))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise BadInput(f"{path / TRIALS}: cannot be read ({error.strerror}); restore that folder") from None


def finished_trials(
    path: Path, data: DatasetRef, before: Iterable[StoredTrial] = (), but: Collection[str] = ()
) -> list[StoredTrial]:
    """The longest trial of each index, not of folders ``but``; of ``before`` unchanged ones are kept."""
    folder, names = path / TRIALS, [name for name in trial_names(path) if name not in but]
    there = {trial.path.name: trial for trial in before}
    found: dict[int, StoredTrial] = {}
    for name in names:
        trial = there.get(name)
        try:
            if trial is None or trial.stamp is None or trial.stamp != stamp(folder / name / TRIAL_DOCUMENT):
                trial = StoredTrial(folder / name, data)
        except BadInput:
            if os.path.lexists(folder / name):  # also a link to nothing
                raise
            # a longer trial has taken its place since the folders were listed
            return finished_trials(path, data, before, but)
        other = found.get(trial.index)
        if other is None or other.epochs < trial.epochs:
            found[trial.index] = trial
    return [found[index] for index in sorted(found)]


class ReadTrials:
    """The trials of a run that were read, by the names of their folders, kept up to date as the run grows."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.by_folder: dict[str, StoredTrial] = {}

    def look(self, data: DatasetRef) -> list[StoredTrial]:
        """All trials of the run over these data: only those are read that came since the last look."""
        names = trial_names(self._path)
        self.by_folder = {name: self.by_folder[name] for name in names if name in self.by_folder}
        for name in names:
            if name not in self.by_folder:
                with contextlib.suppress(FileNotFoundError):  # gone since the folders were listed
                    (self._path / TRIALS / name).lstat()
                    self.by_folder[name] = StoredTrial(self._path / TRIALS / name, data)
        return list(self.by_folder.values())

    def of_index(self, index: int) -> list[str]:
        begins = folder_name(index, "")
        return [name for name in os.listdir(self._path / TRIALS) if name.startswith(begins)]  # noqa: PTH208

    def add(self, trial: StoredTrial) -> None:
        """Add a trial that has been written, and is now the only one of its index."""
        self.by_folder = {name: one for name, one in self.by_folder.items() if one.index != trial.index}
        self.by_folder[trial.path.name] = trial


class FailureNote(BaseModel):
    """The index of a ``trial``, and the ``reason`` why it could not be finished."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    trial: int = Field(ge=0)
    reason: str


def write_note(path: Path, trial: int, reason: str) -> None:
    """Leave a note in the run at ``path`` why a trial failed; what cannot be left is not."""
    with contextlib.suppress(OSError):
        note = FailureNote(trial=trial, reason=reason)
        write_whole(_note_file(path, trial), note.model_dump_json().encode())


def remove_note(path: Path, trial: int) -> None:
    _note_file(path, trial).unlink(missing_ok=True)


def _note_file(path: Path, trial: int) -> Path:
    return path / TRIALS / f"{_NOTE_BEGINS}{trial:04d}.json"


def notes(path: Path) -> Iterator[tuple[Path, int | None, FailureNote | None]]:
    """Every note in a run: its file, the index in the file's name, and the note where it can be read."""
    for file in sorted((path / TRIALS).glob(f"{_NOTE_BEGINS}*.json")):
        text = file.stem.removeprefix(_NOTE_BEGINS)
        index = int(text) if text.isascii() and text.isdigit() else None
        try:
            yield file, index, FailureNote.model_validate_json(read_regular(file, _MOST_BYTES_OF_NOTE))
        except (OSError, ValueError):  # of which the errors of a validation are
            yield file, index, None


def notes_of_failures(path: Path) -> dict[int, str]:
    """Reasons why trials of a run failed when they were last tried, by index; damaged notes are left out."""
    return {note.trial: note.reason for _, _, note in notes(path) if note is not None}
