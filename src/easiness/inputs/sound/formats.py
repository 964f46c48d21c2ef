"""Which files are sounds, and the library that reads them."""

from __future__ import annotations

from functools import cache
from typing import Any

from easiness.errors import BadInput

SUFFIXES = frozenset({".wav", ".flac", ".ogg", ".opus", ".mp3", ".aiff", ".aif", ".au"})
"""Ends of the names of sounds, in lower case."""


def suffixes() -> frozenset[str]:
    """Ends of the names of sounds, whether soundfile is there to read them or not."""
    return SUFFIXES


@cache
def soundfile() -> Any:
    """The library soundfile.

    Raises:
        BadInput: it is not installed, or its own library, libsndfile, is not.
    """
    try:
        import soundfile as library
    except (ImportError, OSError):  # the latter for want of libsndfile
        raise BadInput("sounds: reading them needs soundfile; pip install 'easiness[sound]'") from None
    return library
