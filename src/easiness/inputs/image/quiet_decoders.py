"""What decoders would say on standard error of a damaged picture, which our own line says already."""

from __future__ import annotations

import ctypes
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache


@contextmanager
def quiet_decoders() -> Iterator[None]:
    """Within the block libtiff and Pillow write nothing to standard error.

    The handler of libtiff belongs to the process, so this is entered once, around all the threads.
    """
    _no_last_resort()
    before = _set_libtiff_handler()(None)
    try:
        yield
    finally:
        _set_libtiff_handler()(before)


@cache
def _set_libtiff_handler() -> Callable[[int | None], int | None]:
    """``TIFFSetErrorHandler`` of the library that Pillow has loaded; without effect where it has none."""
    from PIL import _imaging

    try:
        # found among what the extension itself depends on, wherever that lies
        found = ctypes.CDLL(_imaging.__file__).TIFFSetErrorHandler
    except (AttributeError, OSError):
        return lambda _: None
    found.argtypes, found.restype = [ctypes.c_void_p], ctypes.c_void_p
    return found


@cache
def _no_last_resort() -> None:
    """Pillow's log goes where the user sends logs, and not to standard error because that is nowhere."""
    logging.getLogger("PIL").addHandler(logging.NullHandler())
