"""Examples in files of their own, and what was learned of files while they have not changed."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import cached_property, partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from easiness import inputs
from easiness.errors import BadInput
from easiness.inputs import Blobs, Files, Header, Positions, Unreadable
from easiness.regular_file import UTF_8, read_regular

T = TypeVar("T")
R = TypeVar("R")

MOST_LETTERS = 2**26
"""Bytes of a text at most: a longer one is more than anything reads at a time."""

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


def cache_folder() -> Path:
    """The folder in which facts are kept: ``EASINESS_CACHE``, or the user's cache folder for ``easiness``."""
    import platformdirs

    setting = os.environ.get("EASINESS_CACHE")
    if setting:
        return Path(setting)
    with suppress(RuntimeError):  # of systems that know no home; others would make a folder named ~
        folder = platformdirs.user_cache_path("easiness")
        if folder.is_absolute():
            return folder
    return Path(os.devnull, "easiness")


class FileFacts:
    """Facts (digest, header, readable or not) about files, by size and time of modification.

    Files are named from ``root``, whose facts lie in an SQLite file for several threads and processes. It is
    a cache: broken, locked, missing or read-only it costs time, never an error.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        key = hashlib.sha256(os.fsencode(root)).hexdigest()
        self._path = cache_folder() / "files" / f"{key}-{FORMAT}.sqlite"
        self._lock = threading.Lock()
        self._new: dict[str, tuple[Stamp, dict[str, Any]]] = {}
        self._database: sqlite3.Connection | None = None
        self._is_usable = True

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
            facts = self._known_facts(name, stamp)
            newer, additions = self._new.get(name, (None, {}))
        return stamp, {**facts, **additions} if newer == stamp else facts

    def remember(self, name: str, stamp: Stamp | None, **facts: Any) -> None:
        """Add facts (any but ``None``) about the file as it was under ``stamp``."""
        if stamp is None:
            return
        with self._lock:
            newer, additions = self._new.get(name, (None, {}))
            self._new[name] = (stamp, {**additions, **facts} if newer == stamp else facts)
            if len(self._new) >= AT_ONCE:
                self._write()

    def lookup(self, name: str, fact: str, kind: type[T], learn: Callable[[], T]) -> tuple[Stamp | None, T]:
        """The file's stamp now, and a fact of this kind under it: as known, else learned and remembered."""
        stamp, facts = self.recall(name)
        value = facts.get(fact)
        if not isinstance(value, kind):
            value = learn()
            self.remember(name, stamp, **{fact: value})
        return stamp, value

    def save(self) -> None:
        """Keep what was remembered since the last time: all of it or nothing."""
        with self._lock:
            self._write()

    def _known_facts(self, name: str, stamp: Stamp) -> dict[str, Any]:
        try:
            rows = self._run(_RECALL, [(os.fsencode(name), *stamp)])
            facts = json.loads(rows[0][0]) if rows else {}
        except (TypeError, ValueError, RecursionError):
            return {}
        return facts if isinstance(facts, dict) else {}

    def _write(self) -> None:
        new, self._new = self._new, {}
        rows = [
            (os.fsencode(name), *stamp, json.dumps(facts, separators=(",", ":")))
            for name, (stamp, facts) in new.items()
        ]
        self._run(_REMEMBER, rows)

    def _run(self, statement: str, rows: Sequence[tuple[Any, ...]]) -> list[Any]:
        """Answers of the database, none after an error: waiting takes longer than to learn the facts."""
        if not self._is_usable:
            return []
        try:
            if self._database is None:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                self._database = sqlite3.connect(
                    self._path, timeout=SECONDS_TO_WAIT, isolation_level="IMMEDIATE", check_same_thread=False
                )
                weakref.finalize(self, self._database.close)
                self._database.execute(_TABLE)
            with self._database as database:
                return [answer for row in rows for answer in database.execute(statement, row)]
        except (OSError, sqlite3.Error) as error:
            self._is_usable = False
            if not isinstance(error, OSError | sqlite3.OperationalError):  # neither locked nor full
                with suppress(OSError):
                    self._path.unlink(missing_ok=True)
            return []


class FileBlobs(Blobs):
    """Examples in files of their own: the one at position i is ``root / files[i]``."""

    def __init__(self, root: Path, files: Sequence[str], facts: FileFacts, reader: Files) -> None:
        self.reader = reader
        self._root, self._files, self._facts = root, files, facts
        self._marks = np.zeros(len(files), np.uint64)  # of the files as their digests were taken

    def __len__(self) -> int:
        return len(self._files)

    def name(self, position: int) -> str:
        return str(self._root / self._files[position])

    def blobs(self, positions: Positions) -> Iterator[Callable[[], bytes]]:
        return (partial(self._read, position) for position in positions.tolist())

    def headers(self, positions: Positions) -> Iterator[Header | None]:
        with self.reader.quiet():
            yield from self._of_each(self._header, positions, self.reader.reading_headers)

    def digests(self, positions: Positions) -> list[str]:
        return list(self._of_each(self._digest, positions, self.reader.reading))

    def unreadable(self, positions: Positions) -> Positions:
        with self.reader.quiet():
            readable = np.array(list(self._of_each(self._readable, positions, self.reader.looking)), np.bool_)
        return positions[~readable]

    def _of_each(self, function: Callable[[int], R], positions: Positions, what: str) -> Iterator[R]:
        try:
            yield from inputs.track(inputs.in_threads(function, positions.tolist()), what, len(positions))
        finally:
            self._facts.save()

    def _read(self, position: int) -> bytes:
        path = self._root / self._files[position]
        try:
            content = read_regular(path, inputs.MOST_BYTES)
            status = path.stat()
        except OSError as error:
            raise Unreadable(str(path), f"the file cannot be read: {error.strerror}") from None
        if self._marks[position] not in (0, _mark((status.st_size, status.st_mtime_ns))):
            raise Unreadable(str(path), "the file has changed since the data were loaded")
        return content

    def _header(self, position: int) -> Header | None:
        file = self._files[position]
        stamp, facts = self._facts.recall(file)
        header = self.reader.header(facts.get("header"))
        if header is not None:
            return header
        try:
            header = self.reader.read_header(partial(self._read, position), file)
        except Unreadable:  # named when it is decoded; it may lie outside of the subset in use
            return None
        self._facts.remember(file, stamp, header=list(header))
        return header

    def _digest(self, position: int) -> str:
        file, read = self._files[position], partial(self._read, position)
        stamp, value = self._facts.lookup(file, "sha256", str, lambda: inputs.digest(read).hex())
        if stamp is not None:
            self._marks[position] = _mark(stamp)
        return value

    def _readable(self, position: int) -> bool:
        file = self._files[position]
        learn = partial(self.reader.is_readable, partial(self._read, position), file)
        return self._facts.lookup(file, self.reader.readable(), bool, learn)[1]


def _mark(stamp: Stamp) -> np.uint64:
    """A stamp in eight bytes, of which there may be one for each of millions of files; never 0."""
    return np.uint64(hash(stamp) & (2**64 - 1) or 1)


class TextFiles:
    """The texts in the files ``root / files[i]``, as they are."""

    def __init__(self, root: Path, files: Sequence[str], encoding: str | None) -> None:
        self._root, self._files, self._encoding = root, files, encoding

    def __len__(self) -> int:
        return len(self._files)

    def name(self, position: int) -> str:
        return str(self._root / self._files[position])

    def unreadable(self, positions: Positions) -> Positions:
        return np.array([at for at in positions if isinstance(self._texts[at], Unreadable)], np.int64)

    def digests(self, positions: Positions) -> list[str]:
        """The texts themselves, of which equal ones are one."""
        return [str(self._texts[at]) for at in positions.tolist()]

    def stored(self, positions: Positions) -> inputs.StoredTexts:
        if not len(positions):
            raise BadInput(f"{self._root}: no text in it can be read; give some that can")
        bad = self.unreadable(positions).tolist()
        if bad:
            first = self._texts[bad[0]]
            assert isinstance(first, Unreadable)
            raise Unreadable(first.name, first.reason, [self._files[at] for at in bad[1:]])
        texts = [self._texts[at] for at in positions.tolist()]
        return inputs.from_texts(texts, str(self._root), lambda at: self.name(int(positions[at])))

    @cached_property
    def _texts(self) -> list[str | Unreadable]:
        return list(inputs.in_threads(self._read, self._files))

    def _read(self, file: str) -> str | Unreadable:
        path = self._root / file
        try:
            content = read_regular(path, MOST_LETTERS)
            text = content.decode(self._encoding or UTF_8)
        except OSError as error:
            return Unreadable(str(path), f"the file cannot be read: {error.strerror}")
        except UnicodeError as error:
            line = content[: getattr(error, "start", 0)].count(10) + 1
            hint = "" if self._encoding else " (--encoding names its own, such as latin-1)"
            return Unreadable(str(path), f"line {line} is not in {self._encoding or 'UTF-8'}{hint}")
        return text if text.strip() else Unreadable(str(path), "the text is empty")
