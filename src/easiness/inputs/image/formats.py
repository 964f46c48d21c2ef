"""Which files are pictures that can be read here: what Pillow reads, and HEIC by a plugin."""

from __future__ import annotations

import importlib.util
from functools import cache

ALWAYS = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm"})
HEIF = frozenset({".heic", ".heif"})

PHONE = b"ftyp"
"""At bytes 4 to 8 of a HEIC or AVIF file."""


@cache
def suffixes() -> frozenset[str]:
    """Ends of the names of pictures that can be read, in lower case."""
    avif = frozenset({".avif"} if importlib.util.find_spec("PIL._avif") else ())
    return ALWAYS | avif | (HEIF if reads_heif() else frozenset())


@cache
def reads_heif() -> bool:
    """Is pillow-heif there? It is made known to Pillow when this is first asked."""
    try:
        from pillow_heif import register_heif_opener
    except ImportError:
        return False
    register_heif_opener()
    return True


def is_phone_picture(data: bytes) -> bool:
    """Are these the bytes of a HEIC or AVIF file?"""
    return data[4:8] == PHONE
