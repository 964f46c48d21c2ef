"""Waiting for what happens in other processes."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

Seen = TypeVar("Seen")


def wait_until(look: Callable[[], Seen], process: subprocess.Popen[str] | None = None) -> Seen:
    """What is seen, once it is true; in vain where the process ends before, or after two minutes."""
    until = time.monotonic() + 120
    while not (seen := look()):
        assert process is None or process.poll() is None, process.communicate()
        assert time.monotonic() < until
        time.sleep(0.002)
    return seen


def is_alive(pid: int) -> bool:
    """Is the process there, and no zombie?"""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False
