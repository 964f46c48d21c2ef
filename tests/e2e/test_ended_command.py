"""A run in two processes, looked at while it is at work and ended by SIGTERM; and other mistakes."""

from __future__ import annotations

import re
import shutil
import signal

import pytest

from easiness.store.files import ASIDE

TRIALS = 40
TO_GO_ON = "no process is at work, run the same `easiness measure` to go on"


@pytest.mark.long
def test_status_while_at_work_and_after_an_end(start, command, digits, measured, tmp_path):
    runs = tmp_path / "runs"
    shutil.copytree(measured, runs / "small")
    path = runs / "large"
    process = start(*digits(path, "--trials", TRIALS, "--epochs", 60, "--jobs", 2))
    process.until(lambda: any(path.glob("trials/0*")))
    one, several = command("status", path), command("status", runs)
    process.send(signal.SIGTERM)
    assert (process.wait(), process.out) == (143, "")
    *_, last = process.err.splitlines()
    assert last.startswith(
        "easiness: ended by SIGTERM; everything finished so far is kept. To go on: easiness "
    )
    for word in ("resource_tracker", "leaked", "Warning", "Traceback"):
        assert word not in process.err
    assert not list(path.rglob(f"{ASIDE}*"))

    assert (one.code, one.err) == (0, "")
    (working,) = (line for line in one.out.splitlines() if line.startswith("at work: "))
    assert working.startswith(f"at work: process {process.pid}, since ")
    assert " trials to go with these" in working
    assert "missing" not in one.out
    assert (several.code, several.err) == (0, "")
    title, _, _, header, large, small = several.out.splitlines()
    assert title == f"{runs}: 2 runs"
    assert header.split() == ["run", "network", "data", "examples", "trials", "epochs", "accuracy", "state"]
    assert large.split()[:3] == ["large", "mlp_3", "digits"]
    assert re.search(r" at work, \d+ to go(, until |$)", large)
    assert small.split()[:7] == ["small", "mlp_3", "digits", "100", "3", "of", "3"]
    assert small.endswith("finished")

    lines = command("status", path).out.splitlines()
    (missing,) = (line for line in lines if line.startswith("missing: "))
    assert missing.endswith(f" to 39; {TO_GO_ON}")
    assert not any(line.startswith("at work") for line in lines)


def test_a_damaged_run_has_its_row(command, run_copy, tmp_path):
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "run.json").write_text("{")
    lines = command("status", tmp_path).out.splitlines()
    assert lines[4].split() == ["broken", "damaged"]
    assert lines[5].split()[0] == run_copy.name


@pytest.mark.parametrize("name", ["scores", "report", "suspects"])
def test_a_folder_of_runs_in_place_of_a_run(refused, run_copy, name):
    assert f"runs in it ({run_copy.name})" in refused(name, run_copy.parent)


def test_a_run_given_twice_is_not_compared(refused, measured):
    line = refused("compare", measured, measured)
    assert f"{measured}: given twice" in line


def test_a_colon_in_the_path(command, digits, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # an absolute path is never taken for an address
    finished = command(*digits("a:b", "--trials", 2))
    assert finished.code == 0, finished.err
    assert finished.out.splitlines()[-1].split() == ["next:", "easiness", "suspects", "a:b"]
    assert command("scores", "a:b", "-o", "s:c.parquet").code == 0
    assert command("status", "a:b").out.startswith("a:b: mlp_3, 2 of 2 trials finished")


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("none/photos", "'none/photos': no such file or folder, nor a folder none; give the path"),
        ("./potos", "'./potos': no such file or folder (did you mean photos?); give the path"),
        ("labels.csv", "'labels.csv': no such file or folder; give the path"),
        ("potos", "'potos': no such file or folder, and not a known name (did you mean photos?)"),
        ("nofolder", "'nofolder': no such file or folder, and not a known name; give digits"),
    ],
)
def test_a_mistyped_path(refused, tmp_path, monkeypatch, source, words):
    (tmp_path / "photos").mkdir()
    monkeypatch.chdir(tmp_path)
    assert words in refused("measure", source, "--out", "run")
