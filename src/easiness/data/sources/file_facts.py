"""Facts learned from files when they were last read, as long as these have not changed."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import threading
import weakref
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from easiness.inputs import Positions

T = TypeVar("T")

FORMAT = 2
AT_ONCE = 4096  # files to a transaction; an interrupt loses no more than these
SECONDS_TO_WAIT = 10.0  # for another process that is writing
Stamp = tuple[int, int]
"""Size in bytes and time of modification in nanoseconds."""
_TABLE = """CREATE TABLE IF NOT EXISTS files (
    name BLOB PRIMARY KEY, size INTEGER, mtime_ns INTEGER, facts TEXT
) WITHOUT ROWID"""
_RECALL = "SELECT facts FROM files WHERE name = ? AND size = ? AND mtime_ns = ?"
# facts that another process added in the meantime are kept, where they are about the same content
_REMEMBER = """INSERT INTO files VALUES (?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET
    facts = CASE WHEN size = excluded.size AND mtime_ns = excluded.mtime_ns AND json_valid(facts)
        THEN json_patch(facts, excluded.facts) ELSE excluded.facts END,
    size = excluded.size, mtime_ns = excluded.mtime_ns"""
_ROWS_FACT = "row_sha256"
_SHA256_BYTES = 32


def cache_folder() -> Path:
    """The folder in which facts are kept: ``EASINESS_CACHE``, or the user's cache folder for ``easiness``.

    For a user without a home it is a place where nothing can be.
    """
    import platformdirs

    chosen = os.environ.get("EASINESS_CACHE")
    if chosen:
        return Path(chosen)
    try:
        found = platformdirs.user_cache_path("easiness")
    except RuntimeError:  # of those that know of it; the others would make a folder named ~
        found = Path("~")
    return found if found.is_absolute() else Path(os.devnull, "easiness")


class FileFacts:
    """Facts (digest, header, readable or not) about files, by size and time of modification.

    Files are named from ``root``, and each root has an SQLite file of its own, from which one file's
    facts are read at a time. It may be used from several threads and processes. A cache and no more: one
    that is broken, locked, missing or cannot be written costs time, never an error.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        key = hashlib.sha256(os.fsencode(root)).hexdigest()
        self._path = cache_folder() / "files" / f"{key}-{FORMAT}.sqlite"
        self._lock = threading.Lock()
        self._new: dict[str, tuple[Stamp, dict[str, Any]]] = {}
        self._database = self._open()

    def __reduce__(self) -> tuple[type[FileFacts], tuple[Path]]:
        return FileFacts, (self._root,)

    def recall(self, name: str) -> tuple[Stamp | None, dict[str, Any]]:
        """The file's stamp now, to be taken before it is read, and the facts known under that stamp."""
        try:
            status = (self._root / name).stat()
        except (OSError, ValueError):  # the latter of what no file can be called
            return None, {}
        stamp = (status.st_size, status.st_mtime_ns)
        with self._lock:
            facts = self._stored(name, stamp)
            newer, added = self._new.get(name, (None, {}))
        return stamp, {**facts, **added} if newer == stamp else facts

    def remember(self, name: str, stamp: Stamp | None, **facts: Any) -> None:
        """Add facts (any but ``None``) about the file as it was under ``stamp``."""
        if stamp is None:
            return
        with self._lock:
            newer, added = self._new.get(name, (None, {}))
            self._new[name] = (stamp, {**added, **facts} if newer == stamp else facts)
            if len(self._new) >= AT_ONCE:
                self._write()

    def learned(self, name: str, fact: str, kind: type[T], learn: Callable[[], T]) -> tuple[Stamp | None, T]:
        """The file's stamp now, and a fact of this kind under it: as known, else learned and remembered."""
        stamp, known = self.recall(name)
        found = known.get(fact)
        if not isinstance(found, kind):
            found = learn()
            self.remember(name, stamp, **{fact: found})
        return stamp, found

    def save(self) -> None:
        """Keep what was remembered since the last time: all of it or nothing."""
        with self._lock:
            self._write()

    def _open(self) -> sqlite3.Connection | None:
        for _ in range(2):  # the second time in place of one that was broken
            try:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                database = sqlite3.connect(
                    self._path,
                    timeout=SECONDS_TO_WAIT,
                    isolation_level="IMMEDIATE",
                    check_same_thread=False,
                )
            except (OSError, sqlite3.Error):
                return None
            weakref.finalize(self, database.close)
            try:
                database.execute(_TABLE)
            except sqlite3.Error as error:
                self._remove_if_broken(error)
            else:
                return database
        return None

    def _stored(self, name: str, stamp: Stamp) -> dict[str, Any]:
        if self._database is None:
            return {}
        try:
            rows = self._database.execute(_RECALL, (os.fsencode(name), *stamp)).fetchall()
            facts = json.loads(rows[0][0]) if rows else {}
        except sqlite3.Error as error:
            self._give_up(error)
            return {}
        except (TypeError, ValueError, RecursionError):
            return {}
        return facts if isinstance(facts, dict) else {}

    def _write(self) -> None:
        new, self._new = self._new, {}
        if self._database is None or not new:
            return
        rows = [
            (os.fsencode(name), *stamp, json.dumps(facts, separators=(",", ":")))
            for name, (stamp, facts) in new.items()
        ]
        try:
            with self._database:
                self._database.executemany(_REMEMBER, rows)
        except sqlite3.Error as error:
            self._give_up(error)

    def _give_up(self, error: sqlite3.Error) -> None:
        """Go on without: waiting for the same lock at each file would take longer than reading it."""
        self._database = None
        self._remove_if_broken(error)

    def _remove_if_broken(self, error: sqlite3.Error) -> None:
        if isinstance(error, sqlite3.OperationalError):  # locked, full, not to be written
            return
        try:
            self._path.unlink(missing_ok=True)
        except OSError:
            return


def row_digests(
    facts: FileFacts,
    file: str,
    num_rows: int,
    rows: Positions,
    read: Callable[[Positions], Iterable[bytes]],
    *,
    identity: str = "",
) -> list[str]:
    """SHA-256 (hex) of the pictures at ascending ``rows`` among the ``num_rows`` of ``file``.

    ``read`` digests those rows that are not known yet. ``identity`` tells apart what one file can be read
    as; what is known under another one is forgotten.
    """
    stamp, known = facts.recall(file)
    table = _unpacked(known.get(_ROWS_FACT), identity, num_rows)
    missing = rows[~table[rows].any(axis=1)]  # no digest is all zeros
    try:
        for row, digest in zip(missing.tolist(), read(missing), strict=True):
            table[row] = np.frombuffer(digest, np.uint8)
    finally:
        if len(missing):
            packed = b64encode(table.tobytes()).decode()
            facts.remember(file, stamp, **{_ROWS_FACT: [identity, packed]})
            facts.save()
    return [digest.tobytes().hex() for digest in table[rows]]


def _unpacked(fact: Any, identity: str, num_rows: int) -> npt.NDArray[np.uint8]:
    content = b""
    match fact:
        case [str(known), str(packed)] if known == identity:
            with suppress(ValueError):  # not base64
                content = b64decode(packed)
    if len(content) != num_rows * _SHA256_BYTES:
        return np.zeros((num_rows, _SHA256_BYTES), np.uint8)
    return np.frombuffer(content, np.uint8).reshape(num_rows, _SHA256_BYTES).copy()
