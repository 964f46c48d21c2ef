"""Whatever is wrong with what was given: exit code 2, one line that names it, and no half-written run."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--model", "wrn_16"], ["'wrn_16'", "wrn_16_4"]),
        (["--model", "none.such:thing"], ["there is no module none"]),
        (["--trials", 0], ["--trials 0: must be at least 1"]),
        (["--train-share", 0.001], ["leaves 0 of 100 examples", "fewer than the 10 classes"]),
        (["--recipe", "wrong.toml"], ["wrong.toml: alpha", "-1"]),
        (["--trials", "ten"], ["'--trials': 'ten' is neither a whole number nor auto"]),
    ],
)
def test_options(refused, digits, tmp_path, monkeypatch, options, words):
    monkeypatch.chdir(tmp_path)
    Path("wrong.toml").write_text("alpha = -1.0")
    line = refused(*digits(Path("run"), *options))
    for word in words:
        assert word in line
    assert sorted(path.name for path in tmp_path.iterdir()) == ["wrong.toml"]


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
def test_outputs(refused, digits, tmp_path, out, words, more):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    line = refused(*digits(tmp_path / out, *more))
    for word in words:
        assert word in line
    assert (tmp_path / "full" / "mine.txt").read_text() == "mine"
    assert len(list(tmp_path.rglob("*"))) == 2


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="no /proc to refuse a new folder")
def test_an_output_that_cannot_be_written_to(refused, digits):
    assert "/proc/run: cannot be written to" in refused(*digits(Path("/proc/run")))


def test_the_output_is_checked_before_the_data(refused, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    line = refused("measure", tmp_path / "none", "--out", tmp_path)
    assert "neither empty nor" in line


def test_an_empty_folder_is_used_and_stays_empty_when_refused(command, refused, digits, tmp_path):
    (tmp_path / "run").mkdir()
    refused(*digits(tmp_path / "run", "--trials", 0))
    assert list((tmp_path / "run").iterdir()) == []
    assert command(*digits(tmp_path / "run")).code == 0
