"""Memory for tensors on a CPU: kept by the process, in large pages."""

from __future__ import annotations

import ctypes
import functools
import os
import sys

_MOST_TRIM = 2**31 - 1
_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4  # of glibc's malloc.h


@functools.cache
def keep_memory() -> None:
    """Let this process reuse the memory of large tensors, instead of getting it anew from the system.

    glibc gives back what is larger than 32 MiB as soon as it is freed, and the system clears it page by
    page when it is next asked for: for the activations of a training step that can be a third of its time.
    Freed memory, up to 2 GiB at the end of the heap and all of it before, then stays with the process until
    it ends. torch aligns what is larger than 2 MiB so that it can be in large pages. No value changes.
    Nothing is done where the C library is not glibc.
    """
    if not sys.platform.startswith("linux"):
        return
    # read by torch when a tensor is first allocated
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_MAX, 0)
        mallopt(_M_TRIM_THRESHOLD, _MOST_TRIM)
