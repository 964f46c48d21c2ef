"""Whatever is wrong with what was given: exit code 2, one line that names it, and no half-written run."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

X = np.random.default_rng(0).integers(0, 256, (10, 4, 4), dtype=np.uint8)
Y = np.arange(10) % 2


def npz(**arrays: Any) -> Callable[[Path, Path], Path]:
    def make(folder: Path, _pictures: Path) -> Path:
        np.savez(folder / "a.npz", **{"x": X, "y": Y, **arrays})
        return folder / "a.npz"

    return make


def without(name: str) -> Callable[[Path, Path], Path]:
    def make(folder: Path, _pictures: Path) -> Path:
        np.savez(folder / "a.npz", **{key: value for key, value in {"x": X, "y": Y}.items() if key != name})  # type: ignore[arg-type]
        return folder / "a.npz"

    return make


def missing(folder: Path, _: Path) -> Path:
    return folder / "none"


def no_class_folders(folder: Path, _: Path) -> Path:
    (folder / "empty").mkdir()
    (folder / "empty" / "1.txt").write_text("x")
    return folder / "empty"


def class_without_image(_: Path, pictures: Path) -> Path:
    (pictures / "bird").mkdir()
    return pictures


def one_class(_: Path, pictures: Path) -> Path:
    shutil.rmtree(pictures / "dog")
    return pictures


def truncated_image(_: Path, pictures: Path) -> Path:
    image = pictures / "cat" / "05.png"
    image.write_bytes(image.read_bytes()[:60])
    return pictures


def no_image_at_all(_: Path, pictures: Path) -> Path:
    (pictures / "dog" / "07.png").write_text("not a picture")
    return pictures


def unknown_kind(folder: Path, _: Path) -> Path:
    (folder / "a.txt").write_text("x")
    return folder / "a.txt"


def damaged_npz(folder: Path, _: Path) -> Path:
    (folder / "a.npz").write_bytes(b"PK\x03\x04 and no more")
    return folder / "a.npz"


def damaged_parquet(folder: Path, _: Path) -> Path:
    (folder / "train.parquet").write_bytes(b"PAR1")
    return folder / "train.parquet"


def with_nan(values: np.ndarray) -> np.ndarray:
    values = values.astype(np.float64)
    values[3] = np.nan
    return values


SOURCES = {
    "missing path": (missing, ["none'", "no such file or folder"]),
    "no class folders": (no_class_folders, ["empty: no class folders in it"]),
    "a class with no image": (class_without_image, ["bird", "has no image"]),
    "one class folder": (one_class, ["only one class ('cat')"]),
    "truncated image": (truncated_image, ["cat/05.png"]),
    "no image": (no_image_at_all, ["dog/07.png"]),
    "unknown kind of file": (unknown_kind, ["a.txt: not a kind of file that can be read"]),
    "damaged npz": (damaged_npz, ["a.npz", "not an .npz file that can be read"]),
    "damaged parquet": (damaged_parquet, ["train.parquet"]),
    "no y": (without("y"), ["a.npz: no array named y (found x)"]),
    "label too large": (npz(classes=np.array(["no", "yes"]), y=Y + 1), ["row 1: label 2 is out of range"]),
    "negative label": (npz(y=Y - 1), ["row 0: label -1 is out of range"]),
    "label missing in between": (npz(y=2 * Y), ["label 1 never occurs"]),
    "class without an example": (npz(classes=np.array(["a", "b", "c"])), ["'c' (label 2) has no example"]),
    "NaN label": (npz(y=with_nan(Y)), ["row 3: the label is NaN"]),
    "float labels": (npz(y=Y * 1.0), ["dtype float64; convert them to integers"]),
    "objects for pixels": (npz(x=X.astype(object)), ["x is an array of objects"]),
    "objects for labels": (npz(y=Y.astype(object)), ["y is an array of objects"]),
    "lengths that differ": (npz(y=Y[:9]), ["10 examples but 9 labels"]),
    "ids of another length": (npz(ids=np.arange(9)), ["10 examples but 9 ids"]),
    "duplicate ids": (npz(ids=np.array([*range(9), 4])), ["id 4 occurs more than once"]),
    "one class": (npz(y=Y * 0), ["only one class"]),
    "no examples": (npz(x=X[:0], y=Y[:0]), ["x: shape 0x4x4 holds no pixels"]),
    "NaN pixel": (npz(x=with_nan(X / 255)), ["x", "finite"]),
    "pixels above 1": (npz(x=X / 100), ["x", "[0, 1]"]),
    "pixels of int64": (npz(x=X.astype(np.int64)), ["x", "int64"]),
    "flat pixels": (npz(x=X.reshape(10, 16)), ["x", "shape 10x16", "[K, height, width]"]),
    "test images without labels": (npz(x_test=X), ["no array named y_test"]),
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


@pytest.mark.parametrize(("name", "hint"), [("digit", "did you mean digits"), ("mnst", "did you mean mnist")])
def test_unknown_names(refused, tmp_path, name, hint):
    line = refused("measure", name, "--out", tmp_path / "run")
    assert f"'{name}': no such file" in line
    assert hint in line


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--model", "wrn_16"], ["'wrn_16'", "wrn_16_4"]),
        (["--model", "mpl_3"], ["'mpl_3'", "mlp_3"]),
        (["--model", "none.such:thing"], ["there is no module none"]),
        (["--model", "math:sqrt"], ["math:sqrt", "TypeError"]),
        (["--model", "collections:OrderedDict"], ["OrderedDict", "torch.nn.Module"]),
        (["--trials", 0], ["--trials 0: must be at least 1"]),
        (["--trials", -3], ["--trials -3: must be at least 1"]),
        (["--epochs", 0], ["--epochs 0: must be at least 1"]),
        (["--recipe", "paper", "--epochs", 301], ["--epochs 301: longer than the cosine period of 300"]),
        (["--recipe", "shrot"], ["recipe shrot: unknown (did you mean short?)"]),
        (["--seed", -1], ["--seed -1: must be at least 0"]),
        (["--limit", 1798], ["limit 1798: exceeds the 1797 examples"]),
        (["--limit", 9], ["limit 9: below the 10 classes"]),
        (["--limit", -1], ["limit -1: below the 10 classes"]),
        (["--batch-size", 0], ["batch_size", "not 0"]),
        (["--train-share", 0], ["train share 0.0: must be above 0"]),
        (["--train-share", 1.5], ["train share 1.5: must be above 0 and at most 1"]),
        (["--train-share", "nan"], ["train share nan"]),
        (["--train-share", 0.001], ["leaves 0 of 100 examples", "fewer than the 10 classes"]),
        (["--recipe", "none.toml"], ["none.toml: the recipe cannot be read (No such file or directory)"]),
        (["--recipe", "broken.toml"], ["broken.toml: the recipe is not TOML"]),
        (["--recipe", "unknown.toml"], ["unknown.toml: unknown recipe setting 'learning_rate'"]),
        (["--recipe", "wrong.toml"], ["wrong.toml: alpha", "-1"]),
    ],
)
def test_options(refused, digits, tmp_path, monkeypatch, options, words):
    monkeypatch.chdir(tmp_path)
    Path("broken.toml").write_text("alpha = = 1")
    Path("unknown.toml").write_text("learning_rate = 1.0")
    Path("wrong.toml").write_text("alpha = -1.0")
    line = refused(*digits(Path("run"), *options))
    for word in words:
        assert word in line
    assert sorted(path.name for path in tmp_path.iterdir()) == ["broken.toml", "unknown.toml", "wrong.toml"]


def test_a_picture_too_small_for_the_network(refused, tmp_path):
    np.savez(tmp_path / "a.npz", x=X[:, :1, :1], y=Y)
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
