"""Which of several processes that work beside each other this one is."""

from __future__ import annotations

_number = 0


def worker_number() -> int:
    """From 0 on among workers; also 0 in a process that is not one."""
    return _number


def become_worker(number: int) -> None:
    """From now on this process is the worker of this ``number``."""
    global _number
    _number = number
