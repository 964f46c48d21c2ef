"""What the altered inputs are made from."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import fuzzing
import of_cards
import pytest


@pytest.fixture(scope="session")
def whole_run(made_once) -> Path:
    """A folder as `whole_commands.make` makes it: all that is altered."""

    def make(out: Path) -> None:
        code = f"from pathlib import Path; import whole_commands; whole_commands.make(Path({str(out)!r}))"
        # in a process of its own, since the targets change what a run of this one reads
        subprocess.run([sys.executable, "-c", code], env=fuzzing.environment(), check=True, timeout=600)

    return made_once("whole_run", make)


@pytest.fixture(scope="session")
def small(made_once) -> Path:
    """A folder with a run, a card of it, and its data; what alters all that there is takes `whole_run`."""

    def make(out: Path) -> None:
        out.mkdir()
        of_cards.make_run(out)
        of_cards.make_card(out)

    return made_once("small", make)
