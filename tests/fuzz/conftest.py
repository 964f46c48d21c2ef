"""What the altered inputs are made from."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import fuzzing
import pytest


@pytest.fixture(scope="session")
def whole_run(made_once) -> Path:
    """A folder as `whole_commands.make` makes it: all that is altered."""

    def make(out: Path) -> None:
        code = f"from pathlib import Path; import whole_commands; whole_commands.make(Path({str(out)!r}))"
        # in a process of its own, since the targets change what a run of this one reads
        subprocess.run([sys.executable, "-c", code], env=fuzzing.environment(), check=True, timeout=600)

    return made_once("whole_run", make)
