"""When, at which commit and on what machine something was measured."""

from __future__ import annotations

import datetime
import os
import platform
import subprocess
from pathlib import Path


def commit() -> str:
    """The commit, with "-dirty" where files differ from it."""
    describe = ["git", "describe", "--always", "--dirty", "--exclude", "*"]  # no tag's name in it
    found = subprocess.run(describe, capture_output=True, text=True, cwd=Path(__file__).parent)
    return found.stdout.strip() or "unknown"


def processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []:
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def measured() -> str:
    return f"date {datetime.date.today()}, commit {commit()}, {processor()}, {os.cpu_count()} cores"
