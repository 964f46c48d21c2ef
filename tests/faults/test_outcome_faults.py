"""Runs of outcomes whose files are damaged, whose writer is killed or meets another, and full disks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from easiness import open_run
from easiness.store import ASIDE
from lengths import long_but
from recording import answered, flip

FULL = "No space left on device"


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Three items with two answers each."""
    return answered(tmp_path / "runs", {"m": ["AB", "BB", "CA"]}, "ABC")[0].path


def rows(file: Path, trial: str, num: int = 3) -> Path:
    """A table of one trial more of each item, or without a trial."""
    table = pd.DataFrame({"item": range(num), "model": "m", "answer": "A", "key": [*"ABC"] * (num // 3)})
    table.assign(**{"trial": trial} if trial else {}).to_csv(file, index=False)
    return file


@pytest.mark.parametrize(
    "harm", [flip, Path.unlink, lambda file: file.write_bytes(b"")], ids=["bit", "gone", "none"]
)
@pytest.mark.parametrize("name", ["items-*", "outcomes-*", "run.json"])
def test_a_damaged_file_is_named(command, refused, run, tmp_path, snapshot, name, harm):
    (file,) = run.glob(name)
    harm(file)
    before = snapshot(tmp_path)
    for words in (("scores", run), ("suspects", run), ("audit", run)):
        line = refused(*words)
        assert str(run) in line
        assert (file.name in line) or name == "run.json"
    if name != "run.json":
        assert f"{file}: is damaged or missing; record" in refused(
            "record", rows(tmp_path / "t.csv", "9"), "--out", run.parent
        )
        (tmp_path / "t.csv").unlink()
        assert "damaged" in command("status", run.parent).out or harm is flip
        verified = command("status", run, "--verify")
        assert verified.code == 1
        assert file.name in verified.out + verified.err
    assert {**snapshot(tmp_path)}.keys() == before.keys()


KILLED = """
import os, sys
from pathlib import Path
from easiness.cli.main import run
import easiness.store.writer, easiness.studies.outcomes.record

def counted(function, name):
    def call(*arguments):
        global left
        left -= name == {name!r}
        if not left:
            os._exit(9)
        return function(*arguments)
    return call

left = {at}
Path.replace, Path.unlink = counted(Path.replace, "replace"), counted(Path.unlink, "unlink")
sys.argv = ["easiness", "record", {table!r}, "--out", {out!r}]
run()
"""


@pytest.mark.parametrize(
    ("name", "at"),
    long_but([("replace", 1), ("replace", 2), ("replace", 3), ("unlink", 1)], [("replace", 3)]),
)
def test_a_killed_writer_leaves_what_was_recorded_or_all(command, run, tmp_path, name, at):
    table = rows(tmp_path / "t.csv", "9")
    before = len(list(run.glob("*.parquet")))
    code = KILLED.format(name=name, at=at, table=str(table), out=str(run.parent))
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 9
    trials = open_run(run).outcomes.trials.tolist()
    assert trials == ([3] * 3 if name == "unlink" else [2] * 3)
    assert command("record", table, "--out", run.parent).code == 0
    assert open_run(run).outcomes.trials.tolist() == [3] * 3
    assert len(list(run.glob("*.parquet"))) == before or name == "unlink"
    assert not list(run.glob(f"{ASIDE}*"))


def test_processes_that_add_at_once_lose_nothing(start, run, tmp_path):
    tables = [rows(tmp_path / f"{at}.csv", "", 3 * at) for at in (1, 2, 3)]
    processes = [start("record", table, "--out", run.parent, "--add") for table in tables]
    assert [process.wait() for process in processes] == [0] * 3
    assert open_run(run).outcomes.trials.tolist() == [5, 5, 5, 2, 2, 2, 1, 1, 1]


@pytest.mark.parametrize("pages", [0, 1])
def test_a_full_disk(command, disk, tmp_path, pages):
    path, table = disk.path / "runs", rows(tmp_path / "t.csv", "9")
    assert command("record", rows(tmp_path / "first.csv", "1"), "--out", path).code == 0
    files = {file.name for file in (path / "m").iterdir()}
    disk.leave(pages * 4096)
    finished = command("record", table, "--out", path)
    assert finished.code in (1, 2)
    assert FULL in finished.err.splitlines()[-1]
    assert str(path) in finished.err.splitlines()[-1]
    assert {file.name for file in (path / "m").iterdir()} == files
    assert open_run(path / "m").outcomes.trials.tolist() == [1] * 3
    disk.empty()
    assert command("record", table, "--out", path).code == 0
    assert open_run(path / "m").outcomes.trials.tolist() == [2] * 3
