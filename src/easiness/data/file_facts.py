"""What was learned from files the last time they were read, as long as they have not changed."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any

FORMAT = 1

Stamp = tuple[int, int]


def cache_folder() -> Path:
    """Where facts are kept: ``EASINESS_CACHE``, or the user's cache folder for ``easiness``."""
    import platformdirs

    chosen = os.environ.get("EASINESS_CACHE")
    return Path(chosen) if chosen else platformdirs.user_cache_path("easiness")


class FileFacts:
    """Facts (digest, header, readable or not) about files, by size and time of modification.

    Files are named from ``root``. A cache and no more: one that is broken, missing or cannot be written
    costs time, never an error.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        key = hashlib.sha256(os.fsencode(root)).hexdigest()
        self._path = cache_folder() / "files" / f"{key}.json"
        self._changed = False
        self._files: dict[str, Any] = {}
        try:
            content = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return
        if isinstance(content, dict) and content.get("format") == FORMAT:
            files = content.get("files")
            self._files = files if isinstance(files, dict) else {}

    def recall(self, name: str) -> tuple[Stamp | None, dict[str, Any]]:
        """The file's stamp now, to be taken before it is read, and the facts known under that stamp."""
        try:
            status = (self._root / name).stat()
        except OSError:
            return None, {}
        stamp = (status.st_size, status.st_mtime_ns)
        return stamp, self._known(name, stamp)

    def remember(self, name: str, stamp: Stamp | None, **facts: Any) -> None:
        """Add facts about the file as it was under ``stamp``."""
        if stamp is not None:
            self._files[name] = [*stamp, {**self._known(name, stamp), **facts}]
            self._changed = True

    def _known(self, name: str, stamp: Stamp) -> dict[str, Any]:
        match self._files.get(name):
            case [size, mtime, dict(facts)] if (size, mtime) == stamp:
                return facts
        return {}

    def save(self) -> None:
        """Keep what was remembered: written aside and renamed, so that a reader sees all or nothing."""
        if not self._changed:
            return
        self._changed = False
        text = json.dumps({"format": FORMAT, "files": self._files}, separators=(",", ":"))
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(dir=self._path.parent, suffix=".tmp")
        except OSError:
            return
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
            Path(temporary).replace(self._path)
        except OSError:
            Path(temporary).unlink(missing_ok=True)
