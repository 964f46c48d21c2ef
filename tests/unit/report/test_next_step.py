"""The one command that fits what was found, and that it can be copied."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from easiness import measure, open_run
from easiness.report.next_step import measure_more, next_step
from easiness.store import Run
from easiness.studies.suspects import Glance

NUM = 60
KNOWS_LITTLE = Glance(NUM, 0.1, 0.3)


def _said(run: Run) -> tuple[str, str]:
    step = next_step(run)
    return step.why, step.command


def _logits(believed: Any, trials: int = 4) -> Any:
    noise = np.random.default_rng(0).normal(0, 0.5, (trials, 4, len(believed), 3))
    return noise + 6 * np.eye(3)[believed]


def test_labels_that_look_wrong_are_to_be_looked_at(record: Callable[..., Run]) -> None:
    believed = np.arange(NUM) % 3
    labels = believed.copy()
    labels[[4, 20, 41]] = (labels[[4, 20, 41]] + 1) % 3
    run = record(_logits(believed), labels, name="my run")
    assert _said(run) == ("labels: about 3 of 60 look wrong", f"easiness suspects '{run.path}'")


def test_of_sound_labels_the_page_is_next(record: Callable[..., Run]) -> None:
    run = record(_logits(np.arange(NUM) % 3), np.arange(NUM) % 3)
    assert _said(run) == (
        "labels: none of 60 looks wrong at a glance",
        f"easiness report {run.path} -o report.html",
    )


def test_networks_that_know_too_little_do_not_judge(record: Callable[..., Run]) -> None:
    """Right are the 20 examples of the first class. What was recorded no command measures."""
    run = record(_logits(np.zeros(NUM, int)), np.arange(NUM) % 3)
    why = "labels: the networks have 33.3\N{NO-BREAK SPACE}% right, which is too little to judge them"
    assert _said(run) == (why, f"easiness report {run.path} -o report.html")


@pytest.fixture
def small(tmp_path: Path) -> Run:
    """One trial by a recipe that has no name."""
    recipe = {"batch_size": 20, "alpha": 0.01}
    return measure(
        "digits", model="mlp_3", limit=50, trials=1, epochs=1, recipe=recipe, seed=3, out=tmp_path / "a run"
    )


def test_what_one_trial_does_not_tell_more_do(small: Run, command: Callable[..., Any]) -> None:
    why, line = _said(small)
    assert why.startswith("one trial tells only right from wrong")
    options = "--model mlp_3 --epochs 1 --seed 3 --trials 5 --limit 50"
    assert line == f"easiness measure digits {options} --out '{small.path}'"
    assert command(*shlex.split(line)[1:]).code == 0
    assert len(open_run(small.path).trials) == 5


def test_of_small_pictures_more_epochs_are_to_be_learned(measured: Path, command: Callable[..., Any]) -> None:
    line = measure_more(open_run(measured), KNOWS_LITTLE)
    assert line == (
        f"easiness measure digits --model mlp_3 --epochs 4 --trials 3 --limit 100 --out {measured}"
    )
    assert command(*shlex.split(line)[1:], "--dry-run").code == 0
    assert measure_more(open_run(measured), Glance(NUM, 0.1, 0.9)) is None


def test_photos_are_judged_by_features(small: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = small.spec.measured
    assert spec is not None
    photos = spec.model_copy(update={"data": spec.data.model_copy(update={"image_shape": None})})
    monkeypatch.setattr(small, "spec", photos)
    monkeypatch.setattr(small, "trials", [*small.trials] * 2)
    monkeypatch.setattr("easiness.features.has_usual", lambda kind: kind == "image")
    line = measure_more(small, KNOWS_LITTLE)
    assert line == (
        f"easiness measure digits --features auto --trials 20 --limit 50 --out '{small.path}-features'"
    )
    monkeypatch.setattr("easiness.features.has_usual", lambda _: False)
    assert "--epochs 2" in str(measure_more(small, KNOWS_LITTLE))
