"""Runs on texts: in one process and in several, the networks by default, and the plan in words."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import easiness as ez
from easiness.cli.main import app

QUESTIONS = [f"{'Who wrote' if at % 2 else 'Where is'} the book of number {at} ?" for at in range(40)]
ASKED: dict[str, Any] = {"trials": 2, "epochs": 2, "progress": False, "device": "cpu"}


@pytest.fixture(scope="module")
def texts() -> ez.Dataset:
    return ez.load_dataset((QUESTIONS, [0, 1] * 20), classes=["place", "person"], holdout=0.2)


def bits(run: ez.Run) -> list[bytes]:
    found = []
    for trial in run.trials:
        found += [trial.weights()[name].tobytes() for name in sorted(trial.weights())]
        found += [trial.observations(2, None, name).loss.tobytes() for name in ("train", "held_out")]
    return found


@pytest.mark.long
@pytest.mark.parametrize("model", ["bag_4", "text_cnn"])
def test_processes_train_to_the_same_bits(texts, model, tmp_path):
    runs = [ez.measure(texts, model=model, jobs=jobs, out=tmp_path / str(jobs), **ASKED) for jobs in (1, 2)]
    assert bits(runs[0]) == bits(runs[1])


def test_texts_in_python_are_measured_by_a_bag(tmp_path):
    run = ez.measure((QUESTIONS, [0, 1] * 20), out=tmp_path / "run", **ASKED)
    assert run.spec.model == "bag"
    assert run.spec.data.kind == "text"
    assert run.spec.measured is not None
    assert run.spec.measured.recipe.word_dropout > 0
    again = ez.open_run(tmp_path / "run")
    assert again.spec == run.spec
    assert len(run.scores()) == 40


def test_token_numbers_have_no_distance(texts, tmp_path):
    run = ez.measure(texts, model="bag_4", out=tmp_path / "run", **ASKED)
    with pytest.raises(ez.BadInput, match="texts have no distance"):
        ez.similarity(run, texts)


def test_the_plan_says_what_networks_on_texts_get(tmp_path):
    np.savez(tmp_path / "questions.npz", x=np.array(QUESTIONS), y=np.arange(40) % 2)
    asked = ["measure", str(tmp_path / "questions.npz"), "--out", str(tmp_path / "run"), "--device", "cpu"]
    shown = CliRunner().invoke(app, [*asked, "--dry-run"])
    assert shown.exit_code == 0, shown.output
    assert "(tokens, as the network gets them)" in shown.output
    assert "model: bag, from scratch" in shown.output
    assert "  word_dropout = 0.1  # probability that a word" in shown.output
    assert "augmentation: each word is left out with probability 0.1" in shown.output
    assert "SparseAdam, without weight decay" in shown.output
    assert "flip" not in shown.output
