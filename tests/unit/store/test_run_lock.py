from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest

from easiness.store import AtWork, RunWriter, at_work

HOLDING = """
import sys
from pathlib import Path
from easiness.store import RunWriter
writer = RunWriter(Path(sys.argv[1]))
writer.note_work({4, 2})
print("holds", flush=True)
sys.stdin.read()
"""


def test_nobody_is_at_work(tmp_path, add):
    assert at_work(tmp_path / "none") is None
    add(tmp_path / "run", 0)
    assert at_work(tmp_path / "run") is None


def test_a_writer_is_at_work_until_it_ends(tmp_path, add):
    add(tmp_path / "run", 0)
    with RunWriter(tmp_path / "run") as writer:
        assert at_work(tmp_path / "run") == AtWork()  # it has not said more
        writer.note_work(())
        found = at_work(tmp_path / "run")
        assert found is not None
        assert (found.process, found.trials) == (os.getpid(), ())
        writer.note_work({3})
        noted = at_work(tmp_path / "run")
        assert noted == AtWork(
            process=os.getpid(), began=found.began, trials=(3,), host=platform.node() or None
        )
        assert not noted.is_elsewhere
        assert noted.model_copy(update={"host": "another"}).is_elsewhere
    assert at_work(tmp_path / "run") is None
    assert (tmp_path / "run" / ".lock").read_bytes() == b""


def test_a_process_that_was_killed_is_not_at_work(tmp_path, add):
    run = tmp_path / "run"
    add(run, 0)
    with subprocess.Popen(
        [sys.executable, "-c", HOLDING, str(run)], stdout=subprocess.PIPE, stdin=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"holds\n"
        found = at_work(run)
        assert found is not None
        assert (found.process, found.trials) == (process.pid, (2, 4))
        process.kill()
        process.wait()
        assert (run / ".lock").read_bytes() != b""  # what it left, which is stale
        assert at_work(run) is None
    with RunWriter(run):  # and others may write
        pass


@pytest.mark.parametrize("content", [b"", b"{", b'{"format": 2}', b"\xff"])
def test_a_note_that_says_nothing(tmp_path, add, content):
    add(tmp_path / "run", 0)
    with RunWriter(tmp_path / "run"):
        (tmp_path / "run" / ".lock").write_bytes(content)
        assert at_work(tmp_path / "run") == AtWork()


def test_who_looks_is_no_writer_and_changes_nothing(tmp_path, add, snapshot):
    add(tmp_path / "run", 0)
    before = snapshot(tmp_path)
    for _ in range(3):
        assert at_work(tmp_path / "run") is None
    assert snapshot(tmp_path) == before
