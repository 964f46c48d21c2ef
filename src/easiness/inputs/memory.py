"""Refusing to decode what would not fit, before the machine starts to swap."""

from __future__ import annotations

import math
import os
from pathlib import Path

from easiness.errors import BadInput

GIB = 1024**3


def available_memory() -> int | None:
    """Bytes of physical memory that can be used now, or ``None`` where the system does not say.

    On Linux what the kernel calls available, at most the limit of the container, and what is left of that of
    the process's addresses (``ulimit -v``); elsewhere all there is.
    """
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        available = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration):
        try:
            return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        except (AttributeError, ValueError, OSError):
            return None
    available = int(min(available, _addresses_left()))
    try:
        return min(available, int(Path("/sys/fs/cgroup/memory.max").read_text()))
    except (OSError, ValueError):  # no container, or one without a limit ("max")
        return available


def _addresses_left() -> float:
    try:
        import resource

        limit, _ = resource.getrlimit(resource.RLIMIT_AS)
        taken = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except (ImportError, OSError, ValueError):
        return math.inf
    return math.inf if limit == resource.RLIM_INFINITY else max(limit - taken, 0)


def fits(num_bytes: int) -> bool:
    """Are ``num_bytes`` of pictures at most a third of the memory available?

    Training may keep a second copy, with a zero border for the random crops.
    """
    available = available_memory()
    return available is None or num_bytes <= available / 3


def check_fits(num_bytes: int, what: str) -> None:
    """Refuse pictures that do not fit.

    Raises:
        BadInput: they do not; the text says how much is needed and available.
    """
    if not fits(num_bytes):
        raise BadInput(
            f"{what}: the decoded examples need {num_bytes / GIB:.1f} GiB, more than a third of the "
            f"{(available_memory() or 0) / GIB:.1f} GiB of memory available; use --limit to take fewer"
        )
