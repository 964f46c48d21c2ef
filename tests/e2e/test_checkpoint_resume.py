"""Killed half-way, a trial goes on after its last epoch, and two processes end in the bits of one."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import pytest

from easiness import open_run
from easiness.store.files import ASIDE
from recording import small_run
from starting import Started
from waiting import wait_until

EPOCHS = 40


def killed_in_the_middle(process: Started, run: Path) -> None:
    """Kills the command when a trial has kept an epoch after its third."""
    process.until(lambda: any(int(path.name[-6:]) > 3 for path in run.glob("checkpoints/0*")))
    process.send(signal.SIGKILL)
    process.wait()


@pytest.fixture(scope="module")
def arguments(digits):
    def make(out: Path, *options: object) -> list[object]:
        size = ["--model", "wrn_10_1", "--trials", 1, "--epochs", EPOCHS, "--checkpoint-every", 0]
        return digits(out, *size, *options)

    return make


@pytest.fixture(scope="module")
def lone(made_once, contents):

    def make(out: Path) -> None:
        small_run(out, model="wrn_10_1", limit=100, epochs=EPOCHS, checkpoint_every="off", progress=False)

    return contents(made_once("never_killed", make))


@pytest.mark.long
def test_a_killed_trial_goes_on_after_its_last_epoch(start, command, arguments, tmp_path, contents, lone):
    path = tmp_path / "run"
    killed_in_the_middle(start(*arguments(path)), path)
    assert not list(path.glob("trials/0*"))
    finished = command(*arguments(path))
    assert finished.code == 0, finished.err
    (line,) = (line for line in finished.err.splitlines() if "goes on after" in line)
    assert int(line.split()[6]) > 3
    assert line.endswith(f" of {EPOCHS}")
    assert contents(path) == lone
    assert not (path / "checkpoints").exists()
    assert not list(path.rglob(f"{ASIDE}*"))


@pytest.mark.long
def test_a_damaged_checkpoint_is_said_and_not_used(start, command, arguments, tmp_path, contents, lone):
    path = tmp_path / "run"
    killed_in_the_middle(start(*arguments(path)), path)
    for file in path.glob("checkpoints/0*/state.safetensors"):
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 1
        file.write_bytes(content)
    finished = command(*arguments(path))
    assert finished.code == 0, finished.err
    lines = [line for line in finished.err.splitlines() if "its checkpoint" in line]
    assert lines
    assert all(line.endswith("not used: it is damaged") for line in lines)
    assert "goes on after" not in finished.err
    assert contents(path) == lone


def test_what_a_kill_left_of_a_finished_trial_goes_with_the_next_command(command, digits, run_copy, snapshot):
    before = snapshot(run_copy)
    (run_copy / "checkpoints" / "0002-000001").mkdir(parents=True)
    assert command(*digits(run_copy)).code == 0
    after = snapshot(run_copy)
    assert after.keys() == before.keys()


TRIALS, LONG = 6, 60  # enough that trials are unfinished when the first one has been stored
SIZE = ("--trials", TRIALS, "--epochs", LONG)


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
def never_killed(tmp_path_factory, contents):
    """The same run, trained by one process and never interrupted."""
    path = tmp_path_factory.mktemp("never_killed") / "run"
    small_run(path, model="mlp_3", limit=100, trials=TRIALS, epochs=LONG, executor="serial")
    return contents(path)


@pytest.fixture
def killed(start, digits, made_once, contents, never_killed):
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
    assert all(trial == never_killed[index] for index, trial in kept.items())
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
def test_killed_in_two_processes_and_gone_on_with(
    command, digits, tmp_path, contents, never_killed, killed, then
):
    path = shutil.copytree(killed, tmp_path / "run")
    assert command(*digits(path, *SIZE, *then)).code == 0
    assert contents(path) == never_killed
    assert open_run(path).spec.resolved.jobs == 2  # type: ignore[union-attr]
    assert not list(path.rglob(f"{ASIDE}*"))
    # what keeps track of shared resources stays as long as this process does
    assert [line for line in map(command_line, descendants(os.getpid())) if "LokyProcess" in line] == []
