from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import duckdb
import pytest

from easiness.store import AtWork, RunWriter, at_work, last_events, watching
from easiness.store.watching import EARLIER, EVENTS, Events

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


def test_who_looks_while_a_note_is_written_finds_a_whole_one(tmp_path, add):
    run = tmp_path / "run"
    add(run, 0)
    with RunWriter(run) as writer, ThreadPoolExecutor(1) as looker:
        writer.note_work(())
        looks = looker.submit(lambda: [at_work(run) for _ in range(50)])
        while not looks.done():
            for trials in [(), range(40), (7,)]:
                writer.note_work(trials)
        found = [one for one in looks.result() if one is not None]
    assert len(found) == 50
    assert {one.process for one in found} == {os.getpid()}
    assert {one.trials for one in found} <= {(), tuple(range(40)), (7,)}


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


def test_lines_that_others_read(tmp_path):
    events = Events(tmp_path)
    events.write("run_started", trials=2)
    events.write("trial_finished", trial=0, seconds=1.5, accuracy={"train": 0.5}, reason=None)
    found = last_events(tmp_path)
    assert [{k: v for k, v in one.items() if k != "time"} for one in found] == [
        {"kind": "run_started", "trials": 2},
        {"kind": "trial_finished", "trial": 0, "seconds": 1.5, "accuracy": {"train": 0.5}},
    ]
    assert all(datetime.fromisoformat(one["time"]).utcoffset().total_seconds() == 0 for one in found)  # type: ignore[union-attr]
    rows = duckdb.sql(f"select kind, trial, accuracy.train from '{tmp_path / EVENTS}'").fetchall()  # type: ignore[union-attr]
    assert rows == [("run_started", None, None), ("trial_finished", 0, 0.5)]


def test_a_line_that_was_cut_off_costs_no_other(tmp_path):
    Events(tmp_path).write("run_started")
    file = tmp_path / EVENTS
    file.write_bytes(file.read_bytes() + b'{"time": "2026-01-01T')
    assert [one["kind"] for one in last_events(tmp_path)] == ["run_started"]
    Events(tmp_path).write("run_ended")
    assert [one["kind"] for one in last_events(tmp_path)] == ["run_started", "run_ended"]


@pytest.mark.parametrize(
    "line", ["[]", "3", '{"time": 3, "kind": "x"}', '{"kind": "x"}', "[" * 99999, "\x00"]
)
def test_lines_that_are_no_events_are_left_out(tmp_path, line):
    (tmp_path / EVENTS).write_text(line + "\n")
    assert last_events(tmp_path) == []


def test_the_files_are_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(watching, "MOST_BYTES", 1000)
    events = Events(tmp_path)
    for trial in range(100):
        events.write("trial_started", trial=trial)
    sizes = [(tmp_path / name).stat().st_size for name in (EARLIER, EVENTS)]
    assert max(sizes) <= 1000
    kept = [one["trial"] for one in last_events(tmp_path)]
    assert kept == list(range(kept[0], 100))
    assert len(kept) > 10


def test_how_a_block_ended(tmp_path):
    for error in (None, ValueError("two\nlines"), KeyboardInterrupt()):
        events = Events(tmp_path)
        try:
            with events.ended():
                events.write("run_started")
                if error is not None:
                    raise error
        except (ValueError, KeyboardInterrupt):
            pass
    with events.ended():
        pass  # nothing was started in it
    said = [(one["kind"], one.get("reason")) for one in last_events(tmp_path)]
    assert said[1::2] == [("run_ended", None), ("run_failed", "two lines"), ("run_interrupted", None)]
    assert len(said) == 6


def test_a_folder_that_cannot_be_written_to_costs_nothing(tmp_path):
    (tmp_path / EVENTS).mkdir()
    Events(tmp_path).write("run_started")
    assert last_events(tmp_path) == []
    assert json.dumps(last_events(tmp_path / "none")) == "[]"
