from __future__ import annotations

import builtins
import errno
import io
import os
import platform
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import duckdb
import numpy as np
import pytest

from easiness import store
from easiness.errors import BadInput
from easiness.store.watching import EVENTS, Events
from plans import stored_as
from recording import run_spec

IDS = np.array([30, 10, 20, 40])
LABELS = np.array([0, 1, 1, 0])


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def no_room(*_):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_what_may_become_a_run(tmp_path, add):
    store.check_output(tmp_path / "new" / "deep")
    (tmp_path / "empty").mkdir()
    store.check_output(tmp_path / "empty")
    add(tmp_path / "run", 0)
    store.check_output(tmp_path / "run")
    assert names(tmp_path) == ["empty", "run"]


def test_a_run_killed_before_it_was_described_may_become_one(tmp_path, add):
    folder = tmp_path / "run"
    (folder / "trials" / ".aside-1").mkdir(parents=True)
    for name in (".lock", ".aside-2", "examples.parquet"):
        (folder / name).write_bytes(b"half")
    store.check_output(folder)
    add(folder, 0)
    assert names(folder) == [".lock", "examples.parquet", "run.json", "trials"]
    assert store.open_run(folder).ids.tolist() == IDS.tolist()
    assert len(names(folder / "trials")) == 1


def test_one_writer_at_a_time(tmp_path, add):
    add(tmp_path / "run", 0)
    with store.RunWriter(tmp_path / "run"):
        with pytest.raises(BadInput, match="another process is writing"):
            store.RunWriter(tmp_path / "run")
        assert len(store.open_run(tmp_path / "run").trials) == 1
    with pytest.raises(ValueError, match="mine"), store.RunWriter(tmp_path / "run"):
        raise ValueError("mine")
    with store.RunWriter(tmp_path / "run"):  # the lock goes with the block, also with one that fails
        pass


def test_a_run_that_cannot_be_described_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(store.run_folder, "write_whole", no_room)
    with store.RunWriter(tmp_path / "run") as writer, pytest.raises(BadInput, match=r"to \(No space left"):
        writer.create(run_spec(), IDS, LABELS)
    assert names(tmp_path) == []


def test_a_longer_trial_replaces_the_shorter_one(tmp_path, add):
    path = tmp_path / "run"
    add(path, 0)
    add(path, 1)
    kept = {name for name in names(path / "trials") if name.startswith("0001")}
    add(path, 0, epochs=3)
    assert len(names(path / "trials")) == 2
    assert kept < set(names(path / "trials"))
    assert [trial.epochs for trial in store.open_run(path).trials] == [3, 2]


def test_damaged_trials_are_removed_on_request(tmp_path, add):
    path = tmp_path / "run"
    for index in range(4):
        add(path, index)
    (third,) = (path / "trials").glob("0002-*")
    (third / "train.parquet").write_bytes(b"x")
    (first,) = (path / "trials").glob("0000-*")
    (first / "trial.json").unlink()
    with store.RunWriter(path) as writer:
        assert writer.remove_damaged() == [0, 2]
        assert writer.remove_damaged() == []
    assert [trial.index for trial in store.open_run(path).trials] == [1, 3]
    assert store.is_run(path)


HOLDING = """
import sys
from pathlib import Path
from easiness.store import RunWriter
writer = RunWriter(Path(sys.argv[1]))
writer.note_work({4, 2})
print("holds", flush=True)
sys.stdin.read()
"""


def test_a_writer_is_at_work_until_it_ends(tmp_path, add):
    add(tmp_path / "run", 0)
    with store.RunWriter(tmp_path / "run") as writer:
        assert store.at_work(tmp_path / "run") == store.AtWork()  # it has not said more
        writer.note_work(())
        found = store.at_work(tmp_path / "run")
        assert found is not None
        assert (found.process, found.trials) == (os.getpid(), ())
        writer.note_work({3})
        noted = store.at_work(tmp_path / "run")
        assert noted == store.AtWork(
            process=os.getpid(), began=found.began, trials=(3,), host=platform.node() or None
        )
        assert not noted.is_elsewhere
        assert noted.model_copy(update={"host": "another"}).is_elsewhere
    assert store.at_work(tmp_path / "run") is None
    assert (tmp_path / "run" / ".lock").read_bytes() == b""


def test_who_looks_while_a_note_is_written_finds_a_whole_one(tmp_path, add):
    run = tmp_path / "run"
    add(run, 0)
    with store.RunWriter(run) as writer, ThreadPoolExecutor(1) as looker:
        writer.note_work(())
        looks = looker.submit(lambda: [store.at_work(run) for _ in range(50)])
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
        found = store.at_work(run)
        assert found is not None
        assert (found.process, found.trials) == (process.pid, (2, 4))
        process.kill()
        process.wait()
        assert (run / ".lock").read_bytes() != b""  # what it left, which is stale
        assert store.at_work(run) is None
    with store.RunWriter(run):  # and others may write
        pass


def test_lines_that_others_read(tmp_path):
    events = Events(tmp_path)
    events.write("run_started", trials=2)
    events.write("trial_finished", trial=0, seconds=1.5, accuracy={"train": 0.5}, reason=None)
    found = store.last_events(tmp_path)
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
    assert [one["kind"] for one in store.last_events(tmp_path)] == ["run_started"]
    Events(tmp_path).write("run_ended")
    assert [one["kind"] for one in store.last_events(tmp_path)] == ["run_started", "run_ended"]


@pytest.mark.parametrize(
    "line", ["[]", "3", '{"time": 3, "kind": "x"}', '{"kind": "x"}', "[" * 99999, "\x00"]
)
def test_lines_that_are_no_events_are_left_out(tmp_path, line):
    (tmp_path / EVENTS).write_text(line + "\n")
    assert store.last_events(tmp_path) == []


def test_the_file_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(store.watching, "MOST_BYTES", 1000)
    events = Events(tmp_path)
    for trial in range(100):
        events.write("trial_started", trial=trial)
        assert (tmp_path / EVENTS).stat().st_size <= 1000
    kept = [one["trial"] for one in store.last_events(tmp_path)]
    assert kept == list(range(kept[0], 100))


def test_how_a_block_ended(tmp_path):
    for error in (None, ValueError("two\nlines"), KeyboardInterrupt()):
        events = Events(tmp_path)
        try:
            with events.note_end():
                events.write("run_started")
                if error is not None:
                    raise error
        except (ValueError, KeyboardInterrupt):
            pass
    with events.note_end():
        pass  # nothing was started in it
    said = [(one["kind"], one.get("reason")) for one in store.last_events(tmp_path)]
    assert said[1::2] == [("run_ended", None), ("run_failed", "two lines"), ("run_interrupted", None)]
    assert len(said) == 6


@pytest.fixture
def counted(monkeypatch) -> Counter[str]:
    """How often files of a name are opened, and folders of a name listed."""
    seen: Counter[str] = Counter()
    opened, listed = io.open, os.scandir

    def count_open(file, *args, **kwargs):
        seen[Path(str(file)).name] += 1
        return opened(file, *args, **kwargs)

    def count_scandir(path="."):
        seen[f"{Path(str(path)).name}/"] += 1
        return listed(path)

    monkeypatch.setattr(io, "open", count_open)
    monkeypatch.setattr(builtins, "open", count_open)
    monkeypatch.setattr(os, "scandir", count_scandir)
    return seen


def test_adding_a_trial_reads_no_other_however_many_there_are(tmp_path, make_record, counted):
    spec, ids = run_spec(trials=40), np.array([30, 10, 20, 40])
    with store.RunWriter(tmp_path / "run") as writer:
        writer.create(spec, ids, np.array([0, 1, 1, 0]))
        seen = []
        for num in (10, 20):
            counted.clear()
            for index in range(num - 10, num):
                writer.add(make_record(), {"train": ids}, **stored_as(spec.trial(index)))
            seen.append((counted["trials/"], counted["trial.json"]))
    assert seen[0] == seen[1]  # as much for the second ten as for the first
