"""Whatever is wrong with what was given, or with a file of a run: one line that names it, and exit code 2."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from lengths import long_but
from recording import flip, recorded


@pytest.mark.parametrize(
    ("out", "words"),
    [
        ("full", ["full: neither empty nor a run (it holds 'mine.txt'); choose another output"]),
        ("full/mine.txt", ["mine.txt: is a file; give a folder for the run"]),
        ("full/mine.txt/run", ["mine.txt/run: cannot be written to (Not a directory"]),
        ("full/mine.txt/deep/run", ["deep/run: cannot be written to (Not a directory"]),
        ("x" * 300, ["cannot be written to (File name too long"]),
    ],
)
@pytest.mark.parametrize("more", [[], ["--dry-run"]])
def test_outputs_are_checked_before_the_data(refused, tmp_path, out, words, more):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    line = refused("measure", tmp_path / "none", "--out", tmp_path / out, *more)
    for word in words:
        assert word in line
    assert (tmp_path / "full" / "mine.txt").read_text() == "mine"
    assert len(list(tmp_path.rglob("*"))) == 2


def test_an_empty_folder_is_used_and_stays_empty_when_refused(command, refused, digits, tmp_path):
    (tmp_path / "run").mkdir()
    refused(*digits(tmp_path / "run", "--trials", 0))
    assert list((tmp_path / "run").iterdir()) == []
    assert command(*digits(tmp_path / "run")).code == 0


def test_a_damaged_run_has_its_row(command, run_copy, tmp_path):
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "run.json").write_text("{")
    lines = command("status", tmp_path).out.splitlines()
    assert lines[4].split() == ["broken", "damaged"]
    assert lines[5].split()[0] == run_copy.name


@pytest.mark.parametrize("name", ["scores", "labels"])
def test_a_folder_in_place_of_the_only_run_in_it(command, run_copy, name):
    there, above = (command(name, path) for path in (run_copy, run_copy.parent))
    assert there.code == above.code == 0
    assert there.out == above.out


@pytest.mark.parametrize("name", ["labels", "keep"])
def test_a_folder_of_several_runs_in_place_of_one(refused, run_copy, name):
    shutil.copytree(run_copy, run_copy.with_name("second"))
    line = refused(name, run_copy.parent, "-o", run_copy.parent / "out.csv")
    assert f"give one of the runs in it ({run_copy.name}, second)" in line


def test_a_run_given_twice_is_not_compared(refused, measured):
    line = refused("compare", measured, measured)
    assert f"{measured}: given twice" in line


FILES = ["trial.json", "train.parquet", "weights.safetensors"]


def truncate(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-10])


def empty(file: Path) -> None:
    file.write_bytes(b"")


@pytest.mark.parametrize("harm", long_but([flip, truncate, empty, Path.unlink], [flip]))
@pytest.mark.parametrize("name", FILES)
def test_a_damaged_trial(command, refused, digits, run_copy, trial_folder, snapshot, contents, harm, name):
    intact, others = contents(run_copy), snapshot(run_copy)
    folder = trial_folder(run_copy, 1)
    others = {key: value for key, value in others.items() if folder.name not in key and "trials/" in key}
    harm(folder / name)
    before = snapshot(run_copy)

    for more in ([], ["--dry-run"], ["--trials", 5], ["--epochs", 3], ["--trials", 1]):
        line = refused(*digits(run_copy, *more))
        assert line.startswith(f"easiness: error: {folder / name}: this trial file")
        assert "--retrain-damaged" in line
    if name == "weights.safetensors":
        assert command("scores", run_copy).code == 0
    else:
        assert f"{folder / name}: this trial file" in refused("scores", run_copy)
    assert snapshot(run_copy) == before

    finished = command(*digits(run_copy, "--retrain-damaged"))
    assert finished.code == 0
    assert finished.err.splitlines()[0].startswith(f"{run_copy}: training 1 of 3 trials")
    assert contents(run_copy) == intact
    after = snapshot(run_copy)
    assert {key: after[key] for key in others} == others
    assert command(*digits(run_copy)).err == ""


def versions(folder: Path, num_trials: int) -> list[object]:
    """The command on two runs of 100 examples, of which 3 moved by six levels."""
    labels = np.arange(100) // 99
    for name in ("old", "new"):
        logits = np.random.default_rng(name == "new").normal(-2, 0.2, (num_trials, 100))
        logits[:, :3] += 6 if name == "new" else 0
        recorded(folder / name, np.eye(2)[labels] * logits[..., None], labels, classes=("ant", "bee"))
    return ["diff", folder / "old", folder / "new"]


def test_a_pipeline_stops_where_too_many_changed(command, refused, tmp_path):
    runs = versions(tmp_path, 10)
    stopped = command(*runs, "--fail-above", 0.01)
    assert stopped.code == 1
    assert stopped.err.startswith("easiness: error: ")
    assert "--fail-above 1" in stopped.err
    assert "0 of 100 examples became harder and 3 easier" in stopped.out
    assert command(*runs, "--fail-above", 1).code == 0
    assert "--fail-above 2: not in [0, 1]" in refused(*runs, "--fail-above", 2)
    assert "same run twice" in refused(*runs[:2], runs[1])
