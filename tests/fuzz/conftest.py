"""What the altered inputs are made from."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from refitted import run_and_card


@pytest.fixture(scope="session")
def whole(made_once) -> Path:
    """A folder as `doors.make` makes it: all that is altered."""
    here = Path(__file__).parent
    paths = os.pathsep.join([str(here), str(here.parent), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": paths, "OPENBLAS_NUM_THREADS": "1"}

    def make(out: Path) -> None:  # in a process of its own, since it changes how files are read
        code = f"from pathlib import Path; import doors; doors.make(Path({str(out)!r}))"
        subprocess.run([sys.executable, "-c", code], env=environment, check=True, timeout=600)

    return made_once("whole", make)


@pytest.fixture(scope="session")
def small(made_once) -> Path:
    """A folder with a run, a card of it, and its data."""
    return made_once("small", run_and_card)


@pytest.fixture
def run(small, tmp_path) -> Path:
    return Path(shutil.copytree(small / "run", tmp_path / "run"))


@pytest.fixture
def card(small, tmp_path) -> Path:
    return Path(shutil.copytree(small / "card", tmp_path / "card"))
