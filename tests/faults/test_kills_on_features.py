"""kill -9 while features are made and while heads are fitted: the bits are those of a run never killed."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from easiness import open_run

# blocks at a call where the file `block` says so, so that a kill comes then
SLOW = """
import time
from pathlib import Path
import numpy as np

TURN = np.random.default_rng(0).standard_normal((64, 24))

def vectors(digits):
    calls, block = Path("calls"), Path("block")
    with calls.open("a") as file:
        file.write("x")
    while block.exists() and len(calls.read_text()) == int(block.read_text()):
        time.sleep(0.005)
    return np.stack([one.ravel() for one in digits]) @ TURN
"""


@pytest.fixture
def arguments(tmp_path: Path) -> Callable[..., list[object]]:
    (tmp_path / "slow_vectors.py").write_text(SLOW)

    def given(out: str, *options: object) -> list[object]:
        features = ["--features", "slow_vectors:vectors", "--trials", 5]
        return ["measure", "digits", "--limit", 640, *features, *options, "--out", tmp_path / out]

    return given


def calls(folder: Path) -> int:
    file = folder / "calls"
    return len(file.read_text()) if file.exists() else 0


def killed(process) -> None:
    process.send(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL


@pytest.mark.long
def test_while_features_are_made(start, arguments, contents, tmp_path) -> None:
    for at in (1, 4, 9):
        (tmp_path / "calls").unlink(missing_ok=True)
        (tmp_path / "block").write_text(str(at))
        process = start(*arguments("run"))
        process.until(lambda: calls(tmp_path) == at)  # noqa: B023
        killed(process)
    (tmp_path / "block").unlink()
    process = start(*arguments("run"))
    assert process.wait() == 0, process.err
    lone = start(*arguments("elsewhere/lone"))
    assert lone.wait() == 0, lone.err
    assert contents(tmp_path / "run") == contents(tmp_path / "elsewhere" / "lone")
    assert not list((tmp_path / "easiness-features").glob("*.part"))


@pytest.mark.long
def test_while_heads_are_fitted(start, arguments, contents, tmp_path) -> None:
    path, moments, known = tmp_path / "run", random.Random(25), 0
    for _ in range(3):
        process = start(*arguments("run", "--trials", 500))
        process.until(lambda: len(list(path.glob("trials/0*/trial.json"))) > known)  # noqa: B023
        time.sleep(moments.uniform(0, 0.1))
        killed(process)
        known = len(list(path.glob("trials/0*/trial.json")))
        open_run(path).check()
    made = calls(tmp_path)
    more = (known // 5 + 1) * 5
    process = start(*arguments("run", "--trials", more))
    assert process.wait() == 0, process.err
    assert calls(tmp_path) == made  # features are there
    lone = start(*arguments("lone", "--trials", more))
    assert lone.wait() == 0, lone.err
    assert contents(path) == contents(tmp_path / "lone")
