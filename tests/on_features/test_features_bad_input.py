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


def test_the_same_features_twice(refusal, tmp_path) -> None:
    values = RNG.standard_normal((40, 3))
    np.save(tmp_path / "v.npy", values)
    np.savez(tmp_path / "w.npz", x=values)
    for other in ("v.npy", "w.npz"):
        given = [option for name in ("v.npy", other) for option in ("--features", tmp_path / name)]
        assert "are the same as" in refusal(*given, "--trials", 5)


def test_features_that_are_not_there(refusal) -> None:
    assert "features 'nonsense': not known" in refusal("--features", "nonsense", "--trials", 5)


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
        *((given, "give numbers between 0 and 1") for given in ("0", "0.5,1")),
        *((given, "have to ascend") for given in ("0.8,0.2", "0.5,0.5")),
        *((given, "shares") for given in ("nan", "a", "")),
        ("0.999", "leaves out less than a hundredth"),
        ("0.003", "leaves out less than a hundredth, or no simple part"),
        ("0.01,0.8", "0 of 40 examples are fewer than the 2 classes; give a larger one"),
        ("0.98", "rotates over 50 folds, and data has 40 examples"),
    ],
)
def test_shares_that_make_no_sense(refusal, shares, message) -> None:
    assert message in refusal("--features", "inputs", "--trials", 5, "--shares", shares)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        *(("--train-share", 0.5), ("--pretrained", None), ("--observe", "last"), ("--image-size", 64)),
        *(("--recipe", "paper"), ("--epochs", 3), ("--batch-size", 8), ("--precision", "bfloat16")),
        *(("--trials", "auto"), ("--trials", 7), ("--trials", 0), ("--group", "patient")),
        *(("--model", "resnet18"), ("--model", "nonsense")),
    ],
)
def test_options_that_mean_nothing_here(refusal, option, value) -> None:
    given = [option] if value is None else [option, value]
    line = refusal("--features", "inputs", "--trials", 5, *given)
    assert option.lstrip("-").split("-")[0] in line


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
