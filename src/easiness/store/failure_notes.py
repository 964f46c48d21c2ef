"""Why trials of a run failed when they were last tried: a small file each, until they are finished."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from easiness.regular_file import read_regular
from easiness.store.files import write_whole

_BEGINS = "failed-"
_MOST_BYTES = 2**20  # of a note, which is a line


class FailureNote(BaseModel):
    """The index of a ``trial``, and the ``reason`` why it could not be finished."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    trial: int = Field(ge=0)
    reason: str


def note_file(trials: Path, index: int) -> Path:
    """Where the note about the trial of this index is, in the folder of the ``trials``."""
    return trials / f"{_BEGINS}{index:04d}.json"


def write_note(trials: Path, note: FailureNote) -> None:
    """Leave a note; what cannot be left is not."""
    with contextlib.suppress(OSError):
        write_whole(note_file(trials, note.trial), note.model_dump_json().encode())


def notes(trials: Path) -> Iterator[tuple[Path, int | None, FailureNote | None]]:
    """Every note: its file, the index in the file's name, and the note itself where it can be read."""
    for file in sorted(trials.glob(f"{_BEGINS}*.json")):
        text = file.stem.removeprefix(_BEGINS)
        index = int(text) if text.isascii() and text.isdigit() else None
        try:
            yield file, index, FailureNote.model_validate_json(read_regular(file, _MOST_BYTES))
        except (OSError, ValueError):  # of which the errors of a validation are
            yield file, index, None
