"""Whatever is wrong with what was given: exit code 2, one line that names it, and no half-written run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest


def missing(folder: Path, _: Path) -> Path:
    return folder / "none"


def truncated_image(_: Path, pictures: Path) -> Path:
    image = pictures / "cat" / "05.png"
    image.write_bytes(image.read_bytes()[:60])
    return pictures


def damaged_npz(folder: Path, _: Path) -> Path:
    (folder / "a.npz").write_bytes(b"PK\x03\x04 and no more")
    return folder / "a.npz"


def label_too_large(folder: Path, _: Path) -> Path:
    labels = np.arange(10) % 2 + 1
    np.savez(folder / "a.npz", x=np.zeros((10, 4, 4), np.uint8), y=labels, classes=["no", "yes"])
    return folder / "a.npz"


SOURCES = {
    "missing path": (missing, ["none'", "no such file or folder"]),
    "truncated image": (truncated_image, ["cat/05.png"]),
    "damaged npz": (damaged_npz, ["a.npz", "not an .npz file that can be read"]),
    "label too large": (label_too_large, ["row 1: label 2 is out of range"]),
}


@pytest.mark.parametrize("name", SOURCES)
def test_sources(refused, tmp_path, pictures, name):
    make, words = SOURCES[name]
    source = make(tmp_path, pictures)
    before = sorted(tmp_path.rglob("*"))
    arguments = ["--model", "mlp_3", "--trials", 1, "--epochs", 1, "--out", tmp_path / "new" / "run"]
    line = refused("measure", source, *arguments)
    for word in words:
        assert word in line
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--model", "wrn_16"], ["'wrn_16'", "wrn_16_4"]),
        (["--model", "none.such:thing"], ["there is no module none"]),
        (["--trials", 0], ["--trials 0: must be at least 1"]),
        (["--recipe", "paper", "--epochs", 301], ["--epochs 301: longer than the cosine period of 300"]),
        (["--limit", 1798], ["limit 1798: exceeds the 1797 examples"]),
        (["--batch-size", 0], ["batch_size", "not 0"]),
        (["--train-share", 0.001], ["leaves 0 of 100 examples", "fewer than the 10 classes"]),
        (["--recipe", "none.toml"], ["none.toml: the recipe cannot be read (No such file or directory)"]),
        (["--recipe", "wrong.toml"], ["wrong.toml: alpha", "-1"]),
        (["--trials", "ten"], ["'--trials': 'ten' is neither a whole number nor auto"]),
        (["--trials", "auto", "--max-trials", 4], ["max trials 4: must be at least 10"]),
    ],
)
def test_options(refused, digits, tmp_path, monkeypatch, options, words):
    monkeypatch.chdir(tmp_path)
    Path("wrong.toml").write_text("alpha = -1.0")
    line = refused(*digits(Path("run"), *options))
    for word in words:
        assert word in line
    assert sorted(path.name for path in tmp_path.iterdir()) == ["wrong.toml"]


def test_a_picture_too_small_for_the_network(refused, tmp_path):
    np.savez(tmp_path / "a.npz", x=np.zeros((10, 1, 1), np.uint8), y=np.arange(10) % 2)
    arguments = ["--model", "wrn_16_1", "--trials", 1, "--epochs", 1, "--out", tmp_path / "run"]
    assert "'wrn_16_1': needs images of" in refused("measure", tmp_path / "a.npz", *arguments)
    assert not (tmp_path / "run").exists()


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


def test_runs_over_different_data_are_not_compared(refused, command, digits, measured, tmp_path):
    assert command(*digits(tmp_path / "other", "--limit", 90)).code == 0
    line = refused("compare", measured, tmp_path / "other")
    assert str(tmp_path / "other") in line
