"""What happened to a run and when, as lines of JSON, for whoever watches; nothing else reads them.

``events.jsonl`` is appended to by the process that trains and by no other. It may be cut off, or removed.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, TypeAlias

EVENTS, EARLIER = "events.jsonl", "events-earlier.jsonl"
MOST_BYTES = 1 << 25
"""Of a file: what is older is in ``events-earlier.jsonl``, and what is older than that is gone."""

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


class Events:
    """The events of a run, to be added to; what cannot be written is lost, and costs nothing."""

    def __init__(self, path: Path) -> None:
        self._file = path / EVENTS
        self._earlier = path / EARLIER
        self._whole = False
        self._open = False

    def write(self, kind: Kind, **fields: Any) -> None:
        """Append a line: the time (UTC) and the kind, then what is known of it."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        said = {name: value for name, value in fields.items() if value is not None}
        line = json.dumps({"time": now, "kind": kind, **said}) + "\n"
        self._open = kind == "run_started" or (self._open and not kind.startswith("run_"))
        with contextlib.suppress(OSError, ValueError):
            self._append(line.encode())

    def _append(self, line: bytes) -> None:
        with contextlib.suppress(FileNotFoundError):
            if self._file.stat().st_size + len(line) > MOST_BYTES:
                self._file.replace(self._earlier)
        with self._file.open("ab+") as file:
            if not self._whole and file.tell():
                file.seek(-1, os.SEEK_END)
                if file.read(1) != b"\n":  # cut off when its process was killed
                    line = b"\n" + line
            file.write(line)
        self._whole = True

    @contextmanager
    def ended(self) -> Iterator[None]:
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
    found: deque[dict[str, Any]] = deque(maxlen=most)
    for name in (EARLIER, EVENTS):
        with contextlib.suppress(OSError):
            found.extend(_events(path / name))
    return list(found)


def _events(file: Path) -> Iterator[dict[str, Any]]:
    if not file.is_file():
        return
    with file.open("rb") as content:
        size = content.seek(0, os.SEEK_END)
        content.seek(max(size - _TAIL, 0))
        if size > _TAIL:
            content.readline()
        for line in content:
            try:
                event = json.loads(line)
                datetime.fromisoformat(event["time"])
            except (ValueError, KeyError, TypeError, RecursionError):
                continue
            if isinstance(event.get("kind"), str):
                yield event
