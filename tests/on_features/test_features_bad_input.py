"""What cannot be a run on features: one line that says what to do, and exit code 2."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

RNG = np.random.default_rng(0)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """40 vectors of two classes, with ids."""
    y = np.arange(40) % 2
    np.savez(tmp_path / "data.npz", x=RNG.standard_normal((40, 6)).astype(np.float32), y=y)
    return tmp_path / "data.npz"


@pytest.fixture
def refusal(refused: Callable[..., str], source: Path, tmp_path: Path) -> Callable[..., str]:
    def call(*options: object, data: object = None) -> str:
        line = refused("measure", source if data is None else data, *options, "--out", tmp_path / "run")
        assert not (tmp_path / "run").exists()
        return line

    return call


def saved(path: Path, values: np.ndarray) -> Path:
    np.save(path, values)
    return path


def with_one(value: float) -> np.ndarray:
    values = RNG.standard_normal((40, 3)).astype(np.float32)
    values[7, 1] = value
    return values


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (RNG.standard_normal((39, 3)), "39 rows for 40 examples; give one a row"),
        (with_one(np.nan), "the vector of example 7 has nan in column 1"),
        (with_one(np.inf), "the vector of example 7 has inf in column 1"),
        (np.ones((40, 3)), "the vectors of all 40 examples are equal; give features that tell them apart"),
        (np.ones(40), "give numbers [K, D]"),
        (np.arange(40) % 2 + np.zeros((3, 40)), "3 rows for 40 examples"),
        (
            (np.arange(40) % 3)[:, None] + np.zeros((40, 2)),
            "3 of 40 examples differ, and share 0.8 rotates over 5",
        ),
    ],
)
def test_vectors_that_cannot_be_used(refusal, tmp_path, values, message) -> None:
    assert message in refusal("--features", saved(tmp_path / "v.npy", values), "--trials", 5)


def test_ids_that_do_not_fit(refusal, tmp_path) -> None:
    np.savez(tmp_path / "v.npz", x=RNG.standard_normal((40, 3)), ids=np.arange(1, 41))
    assert "no row with the id 0" in refusal("--features", tmp_path / "v.npz", "--trials", 5)


def test_the_same_features_twice(refusal, tmp_path) -> None:
    one = saved(tmp_path / "v.npy", RNG.standard_normal((40, 3)))
    line = refusal("--features", one, "--features", one, "--trials", 5)
    assert "are the same as" in line
    np.savez(tmp_path / "w.npz", x=np.load(one))
    line = refusal("--features", one, "--features", tmp_path / "w.npz", "--trials", 5)
    assert "are the same as" in line


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nonsense", "features 'nonsense': not known"),
        ("imputs", "did you mean inputs"),
        ("missing.npy", "No such file"),
        ("no_such_module:function", "no_such_module"),
        ("run:nowhere", "nowhere"),
        ("timm:resnet18", "makes vectors of pictures"),
        ("column:embedding", "column"),
    ],
)
def test_features_that_are_not_there(refusal, name, message) -> None:
    assert message in refusal("--features", name, "--trials", 5)


def test_weights_that_are_not_on_disk(refusal, monkeypatch, tmp_path, pictures) -> None:
    for name in ("HF_HOME", "TORCH_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    line = refusal("--features", "torchvision:resnet18", "--trials", 5, data=pictures)
    assert "--download" in line


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([0, 1, 2], "3 examples of 3 classes; features need twice as many"),
        ([0] * 9 + [1], "class '1' has one example"),
    ],
)
def test_too_few_examples(refusal, tmp_path, labels, message) -> None:
    np.savez(tmp_path / "few.npz", x=RNG.standard_normal((len(labels), 3)).astype(np.float32), y=labels)
    assert message in refusal("--features", "inputs", "--trials", 5, data=tmp_path / "few.npz")


@pytest.mark.parametrize(
    ("shares", "message"),
    [
        ("0", "give numbers between 0 and 1"),
        ("0.5,1", "give numbers between 0 and 1"),
        ("0.8,0.2", "have to ascend"),
        ("0.5,0.5", "have to ascend"),
        ("nan", "shares"),
        ("a", "--shares"),
        ("", "--shares"),
        ("0.999", "leaves out less than a hundredth"),
        ("0.003", "leaves out less than a hundredth, or no simple part"),
        ("0.01,0.8", "0 of 40 examples are fewer than the 2 classes; give a larger one"),
        ("0.98", "rotates over 50 folds, and data has 40 examples"),
    ],
)
def test_shares_that_make_no_sense(refusal, shares, message) -> None:
    assert message in refusal("--features", "inputs", "--trials", 5, "--shares", shares)


@pytest.mark.parametrize(
    "options",
    [
        ["--train-share", 0.5],
        ["--pretrained"],
        ["--observe", "last"],
        ["--image-size", 64],
        ["--recipe", "paper"],
        ["--epochs", 3],
        ["--batch-size", 8],
        ["--precision", "bfloat16"],
        ["--trials", "auto"],
        ["--trials", 7],
        ["--trials", 0],
        ["--model", "resnet18"],
        ["--model", "nonsense"],
        ["--group", "patient"],
    ],
)
def test_options_that_mean_nothing_here(refusal, options) -> None:
    line = refusal("--features", "inputs", "--trials", 5, *options)
    assert str(options[0]).lstrip("-").split("-")[0] in line


@pytest.mark.parametrize("options", [["--shares", "0.5"], ["--group", "patient"]])
def test_options_that_need_features(refusal, options) -> None:
    line = refusal("--model", "mlp_2", "--trials", 5, *options)
    assert re.search(rf"{options[0]}: goes with --features; give some, or leave it out", line)


@pytest.mark.parametrize("options", [["--precision", "bfloat16"], ["--compile", "on"]])
def test_heads_by_steps_take_no_settings_of_networks(refusal, options) -> None:
    line = refusal("--features", "inputs", "--model", "linear", "--epochs", 1, "--trials", 5, *options)
    assert line.startswith(f"easiness: error: {' '.join(options)}: ")


def test_a_closed_form_of_pictures_needs_features(refusal) -> None:
    line = refusal("--model", "ridge", "--trials", 5, data="digits")
    assert "fits heads on features; name some with --features, such as auto" in line
