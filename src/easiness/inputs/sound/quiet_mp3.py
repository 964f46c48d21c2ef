"""What libmpg123 would say on standard error of a damaged MP3 file, which our own line says already."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_ERRORS = 2  # the descriptor of standard error
_MARKS = (b"ID3", b"\xff")  # what MP3 files begin with

_lock = threading.Lock()
_num_inside = 0
_kept = -1


@contextmanager
def quiet_mp3(data: bytes) -> Iterator[None]:
    """Within the block, of a sound that may be MP3, nothing reaches standard error from any thread.

    The library has no switch for it that can be reached through libsndfile. The descriptor belongs to the
    process, so that the first that comes in turns it away and the last that leaves turns it back.
    """
    if not data.startswith(_MARKS):
        yield
        return
    _enter()
    try:
        yield
    finally:
        _leave()


def _enter() -> None:
    global _num_inside, _kept
    with _lock:
        _num_inside += 1
        if _num_inside == 1:
            try:
                _kept = os.dup(_ERRORS)
            except OSError:  # there is no standard error
                return
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, _ERRORS)
            os.close(nowhere)


def _leave() -> None:
    global _num_inside, _kept
    with _lock:
        _num_inside -= 1
        if _num_inside == 0 and _kept >= 0:
            os.dup2(_kept, _ERRORS)
            os.close(_kept)
            _kept = -1
