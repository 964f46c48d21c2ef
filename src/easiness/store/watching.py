"""Signs of a run for whoever watches it: the process that writes to it, and the log of its events.

The lock of a run goes with the process that writes to it, however that ends; its file says more while it is
held. ``events.jsonl`` has what happened and when, as lines of JSON. Nothing depends on it: it may be removed.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import platform
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from easiness.regular_file import open_regular

LOCK = ".lock"
_LATEST = 1e11  # seconds since the epoch, which a calendar still has
_MOST_BYTES_OF_LOCK = 2**20
_LOOKS = 5  # at a note that may be half written

EVENTS = "events.jsonl"
MOST_BYTES = 1 << 25
"""Bytes of the file, at most: beyond that it begins anew."""

_TAIL = 1 << 20  # bytes that a look reads

Kind: TypeAlias = Literal[
    "run_started",
    "run_ended",
    "run_failed",
    "run_interrupted",
    "trial_started",
    "trial_retried",
    "trial_finished",
    "trial_failed",
    "stopped_early",
]


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
    """The process of this machine that writes to the run at ``path``, if any. Never writes."""
    try:
        with open_regular(path / LOCK) as file:
            try:
                # shared, so that two who look do not take each other for a writer
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                looks = (_read(os.pread(file.fileno(), _MOST_BYTES_OF_LOCK, 0)) for _ in range(_LOOKS))
                return next((one for one in looks if one.process is not None), AtWork())
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
    """Write into the lock held which trials are in hand: in one go, never empty; errors are ignored."""
    note = AtWork(
        process=os.getpid(), began=began, trials=tuple(sorted(trials)), host=platform.node() or None
    )
    with contextlib.suppress(OSError), (path / LOCK).open("r+b", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        file.write(note.model_dump_json().encode().ljust(size))  # blanks, which JSON allows at its end


def clear_work(path: Path) -> None:
    with contextlib.suppress(OSError):
        (path / LOCK).write_bytes(b"")


class Events:
    """The events of a run, to be added to; what cannot be written is lost, and costs nothing."""

    def __init__(self, path: Path) -> None:
        self._file = path / EVENTS
        self._whole = False
        self._open = False

    def write(self, kind: Kind, **fields: Any) -> None:
        """Append a line: the time (UTC) and the kind, then what is known of it."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        values = {name: value for name, value in fields.items() if value is not None}
        line = json.dumps({"time": now, "kind": kind, **values}) + "\n"
        self._open = kind == "run_started" or (self._open and not kind.startswith("run_"))
        with contextlib.suppress(OSError, ValueError):
            self._append(line.encode())

    def _append(self, line: bytes) -> None:
        with contextlib.suppress(FileNotFoundError):
            if self._file.stat().st_size + len(line) > MOST_BYTES:
                self._file.unlink()
        with self._file.open("ab+") as file:
            if not self._whole and file.tell():
                file.seek(-1, os.SEEK_END)
                if file.read(1) != b"\n":  # cut off when its process was killed
                    line = b"\n" + line
            file.write(line)
        self._whole = True

    @contextmanager
    def note_end(self) -> Iterator[None]:
        """Say how the block ended, if a run was started in it."""
        kind: Kind = "run_ended"
        reason = None
        try:
            yield
        except Exception as error:
            kind, reason = "run_failed", " ".join(str(error).split())[:500]
            raise
        except BaseException:
            kind = "run_interrupted"
            raise
        finally:
            if self._open:
                self.write(kind, reason=reason)


def last_events(path: Path, most: int = 1000) -> list[dict[str, Any]]:
    """The last events of the run at ``path``, oldest first; lines that cannot be read are left out."""
    events: deque[dict[str, Any]] = deque(maxlen=most)
    with contextlib.suppress(OSError), open_regular(path / EVENTS) as content:
        size = content.seek(0, os.SEEK_END)
        content.seek(max(size - _TAIL, 0))
        if size > _TAIL:
            content.readline()
        for line in content:
            with contextlib.suppress(ValueError, KeyError, TypeError, RecursionError):
                event = json.loads(line)
                datetime.fromisoformat(event["time"])
                if isinstance(event["kind"], str):
                    events.append(event)
    return list(events)
