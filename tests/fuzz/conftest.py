"""What the altered inputs are made from."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import fuzzing
import pytest


@pytest.fixture(scope="session")
def whole_run(made_once) -> Path:
    """A folder as `of_written.make` makes it: a run, a card of it, its data, a checkpoint."""

    def make(out: Path) -> None:
        code = f"from pathlib import Path; import of_written; of_written.make(Path({str(out)!r}))"
        # in a process of its own, since the targets change what a run of this one reads
        subprocess.run([sys.executable, "-c", code], env=fuzzing.environment(), check=True, timeout=600)

    return made_once("whole_run", make)
