"""kill -9 at random moments: what is finished stays, and the run ends in the bits of one never killed."""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

import pytest

from easiness import open_run
from easiness.store import ASIDE, is_run

ALONE, WITH_WORKERS, OF_WORKERS = 27, 4, 4
MORE_THAN_ENOUGH = 3001  # a prime number: no group of trials divides it

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds processes in /proc"),
]


def finished(path: Path) -> dict[str, int]:
    """The documents of the finished trials and when they were written."""
    return {file.parent.name: file.stat().st_mtime_ns for file in path.glob("trials/0*/trial.json")}


def children(pid: int) -> list[int]:
    """The living workers of a process."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = stat.read_text().rsplit(")", 1)[1].split()[:2]
            line = (stat.parent / "cmdline").read_text()
        except OSError:  # it has just ended
            continue
        if parent == str(pid) and state != "Z" and "LokyProcess" in line:
            found.append(int(stat.parent.name))
    return found


def check_whole(path: Path, before: dict[str, int]) -> dict[str, int]:
    """Nothing finished is touched or damaged, and the run can be read."""
    after = finished(path)
    assert before.items() <= after.items()
    if is_run(path):
        open_run(path).check()
    return after


def end(path: Path, start, digits, command, contents, lone: Path, *options: object) -> None:
    """Go on to one trial more, and compare with a run that nobody killed."""
    trials = len(open_run(path).trials) + 1
    process = start(*digits(path, "--trials", trials, *options))
    assert process.wait() == 0, process.err
    assert not list(path.rglob(f"{ASIDE}*"))
    assert command(*digits(lone, "--trials", trials, *options)).code == 0
    assert contents(path) == contents(lone)


def test_the_driver_alone(start, digits, command, contents, tmp_path):
    path, moments = tmp_path / "run", random.Random(16)
    known: dict[str, int] = {}
    for kill in range(ALONE):
        process = start(*digits(path, "--trials", MORE_THAN_ENOUGH))
        if kill % 3 == 0:  # while it reads and prepares, too
            time.sleep(moments.uniform(0, 1))
        elif kill % 3 == 1:
            process.until(lambda: len(finished(path)) > len(known))  # noqa: B023
            time.sleep(moments.uniform(0, 0.1))
        else:
            process.until(lambda: any(path.glob(f"trials/{ASIDE}*")))
            time.sleep(moments.uniform(0, 0.003))
        process.send(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        known = check_whole(path, known)
    assert len(known) >= ALONE // 3
    end(path, start, digits, command, contents, tmp_path / "lone")


def test_the_driver_of_workers(start, digits, command, contents, tmp_path):
    path, moments = tmp_path / "run", random.Random(17)
    size = ("--epochs", 20)
    known: dict[str, int] = {}
    for _ in range(WITH_WORKERS):
        process = start(*digits(path, "--trials", MORE_THAN_ENOUGH, *size, "--jobs", 2))
        process.until(lambda: len(finished(path)) > len(known))  # noqa: B023
        workers = children(process.pid)
        time.sleep(moments.uniform(0, 0.2))
        process.send(signal.SIGKILL)
        process.wait()
        deadline = time.monotonic() + 60
        while any(Path(f"/proc/{worker}").exists() for worker in workers):
            assert time.monotonic() < deadline, "workers outlive their driver"
            time.sleep(0.05)
        known = check_whole(path, known)
    end(path, start, digits, command, contents, tmp_path / "lone", *size)


def test_workers(start, digits, command, contents, tmp_path):
    """What they had in hand is trained once more: the command ends well, as if nothing had happened."""
    path, moments = tmp_path / "run", random.Random(18)
    size = ("--epochs", 20)
    known: dict[str, int] = {}

    def settled() -> bool:
        """Those that the last kill cost have been trained alone: killed there again, one would fail.

        They are two; the worker that was spared may have ended as many before anybody saw the kill.
        """
        return len(finished(path)) >= len(known) + 5

    process = start(*digits(path, "--trials", MORE_THAN_ENOUGH, *size, "--jobs", 2))
    for _ in range(OF_WORKERS):
        process.until(lambda: settled() and len(children(process.pid)) == 2)
        time.sleep(moments.uniform(0, 0.2))
        os.kill(moments.choice(children(process.pid)), signal.SIGKILL)
        known = check_whole(path, finished(path))
    process.until(settled)
    assert not open_run(path).failures()
    process.send(signal.SIGKILL)
    process.wait()
    end(path, start, digits, command, contents, tmp_path / "lone", *size)
