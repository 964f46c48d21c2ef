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
from easiness.spec import DatasetRef, RecordedSpec, RunSpec, Stopped, content_hash
from easiness.store.files import FileDigest, FileName, read_json, write_whole
from easiness.store.later import later, own_version
from easiness.store.trial import StoredTrial
from easiness.store.trial_document import (
    DOCUMENT as TRIAL_DOCUMENT,
    FEWEST,
    index_in,
    read_index,
    stamp,
    write_index,
)

DOCUMENT = "run.json"
EXAMPLES = "examples.parquet"
TRIALS = "trials"

_TRIAL = re.compile("[0-9]+-")
_NOTE_BEGINS = "failed-"
_MOST_BYTES_OF_NOTE = 2**20  # of a note, which is a line
_WHILE, _AT_THE_END = 10, 50  # one of so many trials may be missing in the index: to read it takes a moment


class RunDocument(BaseModel):
    """``run.json``: what was asked, the digests of the files beside it, and why there are no more trials."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    spec: RunSpec | RecordedSpec = Field(discriminator="kind")
    files: dict[FileName, FileDigest]
    stopped: Stopped | None = None
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
    """Does the folder hold a run?"""
    return (path / DOCUMENT).is_file()


def check_opened(**given: object) -> None:
    """Make sure that runs, or lists of runs, are no paths; each is given by the name of its parameter."""
    for name, value in given.items():
        for one in value if isinstance(value, list | tuple) else [value]:
            if isinstance(one, str | os.PathLike):
                path = os.fspath(one)
                raise BadInput(f"{name} {path!r}: is a path; open the run first, easiness.open_run({path!r})")


def read_document(path: Path) -> RunDocument:
    """``run.json`` of the run at ``path``."""
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
    """The trials of a run over these data, by index; of two with the same index, the longer one.

    Trials of ``before`` whose documents did not change are not read again, nor those that the index of a
    large run knows. Folders named in ``but`` are left out.
    """
    folder, names = path / TRIALS, [name for name in trial_names(path) if name not in but]
    there = {trial.path.name: trial.known for trial in before}
    if len(names) - len(there) >= FEWEST:
        there = {**read_index(path), **there}
    stay = {trial.path.name: trial for trial in before}
    found: dict[int, StoredTrial] = {}
    for name in names:
        known = there.get(name)
        if known is not None and (
            known.stamp is None or known.stamp != stamp(folder / name / TRIAL_DOCUMENT)
        ):
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


class Index:
    """The trials of a run by folder, and the file that lists them, kept up to date as the run grows."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._folders: dict[int, list[str]] | None = None
        self._trials: dict[str, StoredTrial] | None = None
        self._num_new = 0

    @property
    def trials(self) -> list[StoredTrial]:
        """The trials taken and added."""
        return list((self._trials or {}).values())

    def look(self, data: DatasetRef) -> list[StoredTrial]:
        """All trials of the run over these data: only those are read that came since the last look."""
        if self._trials is None:
            self.take(finished_trials(self._path, data))
            return self.trials
        names = set(trial_names(self._path))
        if names != self._trials.keys():
            self._folders = None
        for name in self._trials.keys() - names:
            del self._trials[name]
        for name in names - self._trials.keys():
            with contextlib.suppress(FileNotFoundError):  # gone since the folders were listed
                (self._path / TRIALS / name).lstat()
                self._trials[name] = trial = StoredTrial(self._path / TRIALS / name, data=data)
                trial.forget_document()
                self._num_new += 1
        return self.trials

    def folders(self, index: int) -> list[str]:
        """Names of the folders of the trials of an index."""
        if self._folders is None:
            self._folders = {}
            for name in trial_names(self._path):
                self._folders.setdefault(index_in(name), []).append(name)
        return self._folders.get(index, [])

    def take(self, trials: Iterable[StoredTrial]) -> None:
        """Take all trials of the run, as they have been read."""
        first, self._folders = self._trials is None, None
        self._trials = {trial.path.name: trial for trial in trials}
        if first and len(self._trials) >= FEWEST:
            there = read_index(self._path)
            self._num_new = sum(there.get(name) != trial.known for name, trial in self._trials.items())

    def add(self, trial: StoredTrial) -> None:
        """Add a trial that has been written, and is now the only one of its index."""
        if self._trials is not None:
            for name in self.folders(trial.index):
                self._trials.pop(name, None)
            self._trials[trial.path.name] = trial
        if self._folders is not None:
            self._folders[trial.index] = [trial.path.name]
        self._num_new += 1
        self._write(max(FEWEST, len(self._trials or ()) // _WHILE))

    def close(self) -> None:
        """Write the file where it lacks more than a few trials."""
        self._write(1 + len(self._trials or ()) // _AT_THE_END)

    def _write(self, fewest_new: int) -> None:
        if self._trials is None or self._num_new < fewest_new or len(self._trials) < FEWEST:
            return
        write_index(self._path, {name: trial.known for name, trial in self._trials.items()})
        self._num_new = 0


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
    """Remove the note about a trial, if there is one."""
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
