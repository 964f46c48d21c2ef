"""Whether a process is writing to a run, and what it has in hand.

Its lock says whether: that goes with the process, however it ends. What the file of the lock says is of use
only while it is held.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import platform
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from easiness.regular_file import open_regular

LOCK = ".lock"
_LATEST = 1e11  # seconds since the epoch, which a calendar still has
_MOST_BYTES = 2**20


class AtWork(BaseModel):
    """A process that holds the lock of a run; what is not known is ``None``.

    ``began`` is in seconds since the epoch, ``trials`` are the indices of those that are being trained,
    ``host`` is the machine that it runs on.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    format: Literal[1] = 1
    process: int | None = None
    began: float | None = Field(default=None, ge=0, le=_LATEST)
    trials: tuple[int, ...] = ()
    host: str | None = None

    @property
    def is_elsewhere(self) -> bool:
        """Does it run on another machine, whose processes are not seen from here?"""
        return self.host is not None and self.host != platform.node()


def at_work(path: Path) -> AtWork | None:
    """Who is writing to the run at ``path`` from this machine; ``None`` where nobody is. Never writes."""
    try:
        with open_regular(path / LOCK) as file:
            try:
                # shared, so that two who look do not take each other for a writer
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return _read(file.read(_MOST_BYTES))
            fcntl.flock(file, fcntl.LOCK_UN)
    except OSError:
        return None
    return None


def _read(content: bytes) -> AtWork:
    try:
        return AtWork.model_validate_json(content)
    except ValueError:  # being written, or of a version that writes nothing
        return AtWork()


def note_work(path: Path, began: float, trials: Iterable[int]) -> None:
    """Leave in the lock that this process holds which trials it has in hand; what cannot be left is not."""
    note = AtWork(
        process=os.getpid(), began=began, trials=tuple(sorted(trials)), host=platform.node() or None
    )
    with contextlib.suppress(OSError):
        (path / LOCK).write_text(note.model_dump_json())


def clear_work(path: Path) -> None:
    """Leave nothing in the lock that is about to be given up."""
    with contextlib.suppress(OSError):
        (path / LOCK).write_bytes(b"")
