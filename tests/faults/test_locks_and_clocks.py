"""Locks that nobody holds, locks of other machines, file systems without any, and clocks that go back."""

from __future__ import annotations

import errno
import fcntl
import itertools
import json
import os
import time

import pytest

from easiness.store import RunWriter, at_work

ELSEWHERE = json.dumps(
    {"format": 1, "process": 4711, "began": 1.0, "trials": [3], "host": "another-machine.example"}
)


@pytest.mark.parametrize("left", ["", ELSEWHERE, "\0\xff{[", "4711\nanother-machine\n", "[" * 5000])
def test_a_stale_lock_holds_nobody_up(command, digits, run_copy, contents, tmp_path, left):
    """A lock goes with its process, on whichever machine; what its file says then is nothing."""
    (run_copy / ".lock").write_text(left)
    assert at_work(run_copy) is None
    assert "at work" not in command("status", run_copy).out
    assert command(*digits(run_copy, "--trials", 4, "--executor", "serial")).code == 0
    assert command(*digits(tmp_path / "lone", "--trials", 4, "--executor", "serial")).code == 0
    assert contents(run_copy) == contents(tmp_path / "lone")


def test_a_lock_that_a_process_of_another_machine_holds(refused, command, digits, run_copy, snapshot):
    with RunWriter(run_copy):
        (run_copy / ".lock").write_text(ELSEWHERE)
        before = snapshot(run_copy)
        line = refused(*digits(run_copy, "--trials", 4))
        assert "another process is writing" in line
        assert "at work: process 4711" in command("status", run_copy).out
        assert command("scores", run_copy).code == 0
        assert snapshot(run_copy) == before


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP])
@pytest.mark.parametrize("exists", [False, True])
def test_a_file_system_without_locks(
    refused, command, digits, run_copy, tmp_path, monkeypatch, snapshot, number, exists
):
    """Two processes could write to the same run there: it is refused, and reading goes on."""

    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    out = run_copy if exists else tmp_path / "new"
    before = snapshot(tmp_path)
    monkeypatch.setattr(fcntl, "flock", refuse)
    line = refused(*digits(out, "--trials", 4))
    assert f"{out}: " in line
    assert "locks" in line
    assert "on another disk" in line
    for name in ("status", "scores"):
        assert command(name, run_copy).code == 0
    assert {name: value for name, value in snapshot(tmp_path).items() if name != "run"} == {
        name: value for name, value in before.items() if name != "run"
    }


@pytest.mark.parametrize("moment", [0, 4_000_000_000])
def test_clocks_that_disagree(command, digits, run_copy, contents, tmp_path, monkeypatch, moment):
    """A clock that runs backwards, and files from before there were any or from years ahead."""
    for path in [*run_copy.rglob("*"), run_copy]:
        os.utime(path, (moment, moment))
    backwards = itertools.count(time.time(), -3600)
    monkeypatch.setattr(time, "time", lambda: next(backwards))
    assert command("status", run_copy).code == 0
    assert command(*digits(run_copy, "--trials", 4, "--executor", "serial")).code == 0
    assert command(*digits(tmp_path / "lone", "--trials", 4, "--executor", "serial")).code == 0
    assert contents(run_copy) == contents(tmp_path / "lone")
