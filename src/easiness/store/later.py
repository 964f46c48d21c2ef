"""Files that a later version of this package wrote: they are refused by its name, and not called damaged."""

from __future__ import annotations

import json
import re
from importlib.metadata import version
from pathlib import Path
from typing import Any

from easiness.errors import BadInput

_VERSION = re.compile(r"(\d{1,6})\.(\d{1,6})(?:\.(\d{1,6}))?[0-9a-z.+]{0,20}", re.ASCII)


class LaterVersion(BadInput):
    """A later version of this package wrote the file."""


def own_version() -> str:
    """The version of this package."""
    return version("easiness")


def later(file: Path, document: Any, known: int = 1) -> LaterVersion | None:
    """The error for a document that cannot be read because a later version wrote it; ``None`` for any other.

    Args:
        file: where it is.
        document: its JSON value, or its bytes. Its ``format`` is a number, 1 where it says none; the version
            that wrote it is in its ``version``, or in ``versions`` or ``ran`` as that of ``easiness``.
        known: the latest format that this version reads.
    """
    values = _object(document)
    number, written_by = values.get("format", 1), values.get("version")
    for name in ("versions", "ran"):
        written_by = _object(values.get(name)).get("easiness", written_by)
    newer_format = type(number) is int and number > known
    release, own = _release(written_by), _release(own_version())
    if not newer_format and (release is None or own is None or release <= own):
        return None
    by = "a later easiness" if release is None else f"easiness {written_by}"
    reads = f"this is {own_version()}, which reads format {known}"
    return LaterVersion(f"{file}: was written by {by}, format {number}; {reads}: update easiness")


def _object(value: Any) -> dict[str, Any]:
    if isinstance(value, bytes):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return {}
    return value if isinstance(value, dict) else {}


def _release(text: Any) -> tuple[int, ...] | None:
    found = _VERSION.fullmatch(text) if isinstance(text, str) else None
    return None if found is None else tuple(int(part or 0) for part in found.groups())
