from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import easiness as ez
from easiness.analysis import stopping_rule
from easiness.errors import BadInput, RunFailed
from easiness.runs.measuring import UntilReliable, trials_asked
from easiness.runs.progress import Progress
from easiness.spec import Trials
from easiness.store import RunWriter
from recording import recorded

SETTINGS: dict[str, Any] = {
    "model": "mlp_2_w64",
    "data": ez.load_dataset("digits", limit=100),
    "recipe": {"batch_size": 20, "alpha": 0.02},
    "epochs": 2,
    "precision": "float32",
    "executor": "serial",
    "keep_weights": False,
}


class Noted(Progress):
    """A front end that writes down checks and trials, and interrupts after one of them."""

    def __init__(self, interrupt_after: int | None = None) -> None:
        self.checks: list[str] = []
        self.stored_trials: list[int] = []
        self._interrupt_after = interrupt_after

    def note(self, text: str) -> None:
        self.checks.append(text)

    def finish(self, index: int) -> None:
        self.stored_trials.append(index)
        if index == self._interrupt_after:
            raise KeyboardInterrupt


def auto(
    out: Path, reliability: float, max_trials: int, progress: Progress | None = None, **options: Any
) -> ez.Run:
    return ez.measure(
        **SETTINGS | options,
        trials={"reliability": reliability, "max_trials": max_trials},
        out=out,
        progress=progress,  # type: ignore[arg-type]
    )


def made(out: Path, logits: np.ndarray, epochs: int = 1) -> ez.Run:
    """A run from the logits [N, K, 2] of the label and of the other class, the same in every epoch."""
    labels = np.arange(logits.shape[1]) % 2
    of_class = np.where(labels[:, None] == 0, logits, logits[..., ::-1])
    return recorded(out, of_class[:, None].repeat(epochs, axis=1), labels)


def steady(num_trials: int) -> np.ndarray:
    """The same logits [N, 20, 2] in every trial: nine of the examples are right."""
    one = np.stack([np.linspace(1, -1, 20), np.full(20, 0.1)], axis=1).astype(np.float32)
    return np.repeat(one[None], num_trials, axis=0)


def test_what_is_asked() -> None:
    assert trials_asked(Trials(trials=7), 3, print) == (7, None)
    assert trials_asked(Trials(trials="7"), 3, print) == (7, None)  # type: ignore[arg-type]
    num, until = trials_asked(Trials(trials="auto"), 3, print)
    assert num == 10
    assert until is not None
    assert until.rule == stopping_rule(0.8, 100)
    _, until = trials_asked(Trials(trials="auto", reliability=0.6, max_trials=24), 3, print)
    assert until is not None
    assert until.rule == stopping_rule(0.6, 24)


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        (("ten", None, None), "trials 'ten': must be a whole number, or auto"),
        ((10, 0.8, None), "reliability 0.8: needs trials auto, but 10 trials are asked"),
        (("10", None, 50), "max trials 50: needs trials auto, but 10 trials are asked"),
        (("auto", 0.05, None), "reliability 0.05: not in"),
        (("auto", None, 8), "max trials 8: must be at least 10"),
    ],
)
def test_what_cannot_be_asked(asked: tuple[Any, ...], text: str) -> None:
    with pytest.raises(BadInput, match=text):
        trials_asked(Trials(*asked), 3, print)


def test_more_trials_are_asked_for_until_there_are_ten(tmp_path: Path) -> None:
    lines: list[str] = []
    until = UntilReliable(stopping_rule(0.9, 20), 1, lines.append)
    assert until(made(tmp_path / "nine", steady(9))) == 10
    assert lines == []
    run = made(tmp_path / "ten", steady(10))
    assert until(run) is None
    (line,) = lines
    assert line.startswith("share of the true sets easy 0.99")
    assert line.endswith("after 10 trials, epoch 1, 0.9 asked")
    stopped = until.conclude(run).document.stopped
    assert stopped is not None
    assert stopped.reason == "reliable"
    assert ez.open_run(run.path).document.stopped == stopped


def test_trials_of_noise_go_on_to_the_cap(tmp_path: Path) -> None:
    logits = np.random.default_rng(0).normal(size=(12, 50, 2)).astype(np.float32)
    until = UntilReliable(stopping_rule(0.5, 12), 1, lambda _: None)
    assert until(made(tmp_path / "ten", logits[:10])) == 12
    run = made(tmp_path / "twelve", logits)
    assert until(run) is None
    stopped = until.conclude(run).document.stopped
    assert stopped is not None
    assert stopped.reason == "cap"
    assert [check.trials for check in stopped.checks] == [10, 12]
    assert all(check.easy.low < 0.5 for check in stopped.checks)


def test_only_the_first_trials_are_looked_at(tmp_path: Path) -> None:
    """Ten trials that agree are enough, whatever five more say; one that is missing is asked for."""
    noise = np.random.default_rng(0).normal(size=(5, 20, 2)).astype(np.float32)
    run = made(tmp_path / "run", np.concatenate([steady(10), noise]))
    until = UntilReliable(stopping_rule(0.9, 20), 1, lambda _: None)
    assert until(run) is None
    shutil.rmtree(next((tmp_path / "run" / "trials").glob("0003-*")))
    assert UntilReliable(stopping_rule(0.9, 20), 1, lambda _: None)(ez.open_run(run.path)) == 10


def test_reliability_that_is_undefined_keeps_the_trials(tmp_path: Path) -> None:
    wrong = np.zeros((10, 5, 2), np.float32)
    wrong[..., 1] = 1
    run = made(tmp_path / "run", wrong)
    with pytest.raises(RunFailed, match=r"run: how reliable .*\(epoch 1:"):
        UntilReliable(stopping_rule(0.9, 20), 1, lambda _: None)(run)
    assert len(ez.open_run(run.path).trials) == 10


@pytest.mark.long
def test_a_run_stops_at_the_same_number_however_it_got_there(tmp_path, contents, snapshot):
    first = Noted()
    run = auto(tmp_path / "longer", 0.99, 16, first)
    assert len(first.checks) == 2
    assert first.stored_trials == list(range(16))
    at_cap = run.document.stopped
    assert at_cap is not None
    assert (at_cap.reason, [check.trials for check in at_cap.checks]) == ("cap", [10, 16])
    lowest = min(at_cap.checks[0].easy.low, at_cap.checks[0].hard.low)
    target = max(lowest + 0.01, 0.11)  # just out of reach of the first ten

    lone = auto(tmp_path / "lone", target, 20)
    best = len(lone.trials)
    assert lone.spec.kind == "measured"
    assert 10 < best == lone.spec.trials <= 20

    with pytest.raises(KeyboardInterrupt):
        auto(tmp_path / "interrupted", target, 20, Noted(interrupt_after=best - 1))
    assert ez.open_run(tmp_path / "interrupted").document.stopped is None
    resumed = auto(tmp_path / "interrupted", target, 20)
    assert resumed.document.stopped == lone.document.stopped
    assert resumed.spec.kind == "measured"
    assert resumed.spec.trials == best
    assert contents(tmp_path / "interrupted") == contents(tmp_path / "lone")

    progress = Noted()
    longer = auto(tmp_path / "longer", target, 20, progress)
    assert progress.stored_trials == list(range(16, best))
    assert len(longer.trials) == max(16, best)
    assert longer.document.stopped == lone.document.stopped

    mended = auto(tmp_path / "longer", 0.99, 22, retrain_damaged=True)
    assert len(mended.trials) == 22  # nothing was damaged or missing, and it goes on

    before = snapshot(tmp_path / "lone")
    progress = Noted()
    auto(tmp_path / "lone", target, 20, progress)
    assert snapshot(tmp_path / "lone") == before
    assert progress.checks == []


def test_the_conclusion_is_read_anew_where_the_trials_are_others(tmp_path: Path) -> None:
    """A run that says so itself is believed only for as many trials as it said it of."""
    run = made(tmp_path / "run", steady(10))
    rule = stopping_rule(0.9, 20)
    until = UntilReliable(rule, 1, lambda _: None)
    until(run)
    until.conclude(run)
    lines: list[str] = []
    assert UntilReliable(rule, 1, lines.append)(ez.open_run(run.path)) is None
    assert UntilReliable(stopping_rule(0.8, 20), 1, lines.append)(ez.open_run(run.path)) is None
    assert len(lines) == 1
    shutil.rmtree(next((tmp_path / "run" / "trials").glob("0009-*")))
    assert UntilReliable(rule, 1, lines.append)(ez.open_run(run.path)) == 10


def test_what_was_concluded_falls_when_the_run_grows(tmp_path):
    run = auto(tmp_path / "run", 0.99, 10)
    document = json.loads((tmp_path / "run" / "run.json").read_text())
    assert document["stopped"]["rule"] == {
        "reliability": 0.99,
        "max_trials": 10,
        "fraction": 0.1,
        "of": "true set",
    }
    with RunWriter(run.path) as writer:
        writer.describe(run.spec)
    assert ez.open_run(run.path).document.stopped == run.document.stopped
    grown = ez.measure(**SETTINGS, trials=11, out=run.path)
    assert grown.document.stopped is None
