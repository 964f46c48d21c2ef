"""The folder of a run: its description, its finished trials, and why others failed."""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from easiness.errors import BadInput, shorten
from easiness.regular_file import read_regular
from easiness.spec import AnySpec, DatasetRef, Frozen, OutcomeSpec, Stop, content_hash
from easiness.store.files import FileDigest, FileName, later, own_version, read_json, write_whole
from easiness.store.trial import StoredTrial

DOCUMENT = "run.json"
EXAMPLES = "examples.parquet"
TRIALS = "trials"

_TRIAL = re.compile("[0-9]+-")
_NOTE_BEGINS = "failed-"
_MOST_BYTES_OF_NOTE = 2**20  # of a note, which is a line


class RunDocument(Frozen):
    """``run.json``: what was asked, the digests of the files beside it, and why there are no more trials."""

    format: Literal[1] = 1
    spec: AnySpec = Field(discriminator="kind")
    files: dict[FileName, FileDigest]
    stopped: Stop | None = None
    version: str | None = None
    """The version of this package that wrote it; runs of before that have none."""
    sha256: str | None = None
    """The digest of the rest in canonical form; runs of before that have none."""

    @model_validator(mode="after")
    def _examples_are_there(self) -> Self:
        if isinstance(self.spec, OutcomeSpec):
            if sorted(name.partition("-")[0] for name in self.files) != ["items", "outcomes"]:
                raise ValueError("the files are not those of outcomes")
        elif EXAMPLES not in self.files:
            raise ValueError(f"{EXAMPLES} is not among the files")
        return self


def write_document(path: Path, document: RunDocument) -> None:
    """Write ``run.json`` of the run at ``path``, with our ``version`` and its ``sha256``."""
    ours = document.model_copy(update={"version": own_version()})
    content = ours.model_dump(mode="json")
    json.dumps(content, ensure_ascii=False).encode()  # so that no half of a character is written
    whole = ours.model_copy(update={"sha256": _seal_of(content)})
    write_whole(path / DOCUMENT, whole.model_dump_json(indent=1).encode())


def _seal_of(content: dict[str, Any]) -> str:
    # of what the file says, not of what is made of it: fields that came later are not in older files
    return content_hash({name: value for name, value in content.items() if name != "sha256"})


def is_run(path: Path) -> bool:
    return (path / DOCUMENT).is_file()


def runs_in(path: Path, *, several: bool) -> list[Path]:
    """The folder itself, or the runs in it where it is none: all if ``several`` may be, else the only one."""
    try:
        inside = [] if is_run(path) else sorted(file.parent for file in path.glob(f"*/{DOCUMENT}"))
    except (OSError, ValueError):  # whoever opens it says why
        inside = []
    return inside if len(inside) == 1 or (several and inside) else [path]


def check_opened(**arguments: object) -> None:
    """Make sure that runs, or lists of runs, are no paths; each is given by the name of its parameter."""
    for name, value in arguments.items():
        for one in value if isinstance(value, list | tuple) else [value]:
            if isinstance(one, str | os.PathLike):
                path = os.fspath(one)
                raise BadInput(f"{name} {path!r}: is a path; open the run first, easiness.open_run({path!r})")


def read_document(path: Path) -> RunDocument:
    file = path / DOCUMENT
    try:
        there, is_described = path.exists(), file.is_file()
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror}); give the folder of a run") from None
    if not there:
        raise BadInput(f"{path}: no such run; give the folder of one")
    if not is_described:
        inside = sorted(file_below.parent.name for file_below in path.glob(f"*/{DOCUMENT}"))
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
    try:
        with os.scandir(path / TRIALS) as entries:
            return sorted(filter(_TRIAL.match, (entry.name for entry in entries)))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise BadInput(f"{path / TRIALS}: cannot be read ({error.strerror}); restore that folder") from None


def finished_trials(path: Path, data: DatasetRef, but: Collection[str] = ()) -> list[StoredTrial]:
    """The longest trial of each index, not of folders ``but``."""
    trials: dict[int, StoredTrial] = {}
    for name in trial_names(path):
        try:
            trial = None if name in but else StoredTrial(path / TRIALS / name, data)
        except BadInput:
            if os.path.lexists(path / TRIALS / name):  # also a link to nothing
                raise
            # a longer trial has taken its place since the folders were listed
            return finished_trials(path, data, but)
        if trial is not None and trials.get(trial.index, trial).epochs <= trial.epochs:
            trials[trial.index] = trial
    return [trials[index] for index in sorted(trials)]


def update_trials(path: Path, data: DatasetRef, trials: dict[str, StoredTrial]) -> None:
    """Bring ``trials``, by the names of their folders, up to date: only those are read that came since."""
    names = trial_names(path)
    for name in trials.keys() - set(names):
        del trials[name]
    for name in names:
        if name not in trials:
            with contextlib.suppress(FileNotFoundError):  # gone since the folders were listed
                (path / TRIALS / name).lstat()
                trials[name] = StoredTrial(path / TRIALS / name, data)


class FailureNote(Frozen):
    """The index of a ``trial``, and the ``reason`` why it could not be finished."""

    model_config = ConfigDict(strict=True)

    trial: int = Field(ge=0)
    reason: str


def write_note(path: Path, trial: int, reason: str) -> None:
    with contextlib.suppress(OSError):
        note = FailureNote(trial=trial, reason=reason)
        write_whole(note_file(path, trial), note.model_dump_json().encode())


def note_file(path: Path, trial: int) -> Path:
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
