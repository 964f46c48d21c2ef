"""A run in two processes, killed, goes on to what one process records, bit by bit, and leaves nothing."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import pytest

from easiness import measure, open_run
from easiness.store.files import ASIDE
from waiting import wait_until

TRIALS, EPOCHS = 6, 60  # enough that trials are unfinished when the first one has been stored
SIZE = ("--trials", TRIALS, "--epochs", EPOCHS)


def descendants(pid: int) -> list[int]:
    """The living processes that a process has started, and those that these have."""
    parents: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = stat.read_text().rsplit(")", 1)[1].split()[:2]
        except OSError:  # it has just ended
            continue
        if state != "Z":
            parents.setdefault(int(parent), []).append(int(stat.parent.name))
    found = [pid]
    for one in found:
        found += parents.get(one, [])
    return found[1:]


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


@pytest.fixture(scope="module")
def lone(tmp_path_factory, contents):
    """The same run, trained by one process and never interrupted."""
    path = tmp_path_factory.mktemp("lone") / "run"
    measure(
        "digits",
        model="mlp_3",
        limit=100,
        trials=TRIALS,
        epochs=EPOCHS,
        precision="float32",
        executor="serial",
        out=path,
    )
    return contents(path)


@pytest.fixture
def killed(start, digits, made_once, contents, lone):
    """A run in two processes that was killed once the first trial had been stored, its workers gone."""

    def make(path: Path) -> None:
        process = start(*digits(path, *SIZE, "--jobs", 2))
        process.until(lambda: any(path.glob("trials/0*")))
        workers = descendants(process.pid)
        assert len(workers) >= 2
        assert list(path.glob(f"{ASIDE}*"))  # the images that they share
        process.send(signal.SIGKILL)
        process.wait()
        wait_until(lambda: not any(is_alive(worker) for worker in workers))

    path = made_once("killed_in_two_processes", make)
    kept = contents(path)
    assert 0 < len(kept) < TRIALS
    assert all(trial == lone[index] for index, trial in kept.items())
    return path


@pytest.mark.long
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds processes in /proc")
@pytest.mark.parametrize(
    "then",
    [
        pytest.param(["--jobs", 2], id="in two again"),
        pytest.param(["--executor", "serial"], id="in one"),
    ],
)
def test_killed_in_two_processes_and_gone_on_with(command, digits, tmp_path, contents, lone, killed, then):
    path = shutil.copytree(killed, tmp_path / "run")
    assert command(*digits(path, *SIZE, *then)).code == 0
    assert contents(path) == lone
    assert open_run(path).spec.resolved.jobs == 2  # type: ignore[union-attr]
    assert not list(path.rglob(f"{ASIDE}*"))
    # what keeps track of shared resources stays as long as this process does
    assert [line for line in map(command_line, descendants(os.getpid())) if "LokyProcess" in line] == []
