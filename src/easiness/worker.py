"""The number of this process among workers that run at the same time."""

from __future__ import annotations

_number = 0


def worker_number() -> int:
    """The number of this worker, from 0; also 0 in a process that is not one."""
    return _number


def become_worker(number: int) -> None:
    """Make this process the worker of this ``number``."""
    global _number
    _number = number
