from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torch import nn

import easiness as ez
from easiness.errors import BadInput, RunFailed, TrialFailed
from easiness.runs import carrying_out as execute_module, trainer as trainer_module
from easiness.runs.progress import Progress
from easiness.store import RunWriter

DIGITS: dict[str, Any] = {
    "model": "mlp_3",
    "data": ez.load_dataset("digits", limit=100),
    "precision": "float32",
}


class Noted(Progress):
    """A front end that writes down what it is told."""

    def __init__(self):
        self.events = []

    def begin(self, spec, missing, _path, cost):
        assert cost.num_trials == len(missing)
        self.events.append(("begin", spec.trials, spec.epochs, missing))

    def epoch(self, report):
        self.events.append(("epoch", report.trial, report.epoch, report.epochs))

    def finish(self, index):
        self.events.append(("stored", index))

    def fail(self, index, reason):
        self.events.append(("failed", index, reason))


def again(path: Path, trials: int = 3, epochs: int = 2, **options: Any) -> tuple[ez.Run, list[Any]]:
    progress = Noted()
    run = ez.measure(**DIGITS, trials=trials, epochs=epochs, out=path, progress=progress, **options)
    return run, progress.events


def test_a_run_and_what_a_front_end_is_told(tmp_path, measured, contents):
    run, events = again(tmp_path / "run", trials=2)
    assert events == [
        ("begin", 2, 2, [0, 1]),
        ("epoch", 0, 1, 2),
        ("epoch", 0, 2, 2),
        ("stored", 0),
        ("epoch", 1, 1, 2),
        ("epoch", 1, 2, 2),
        ("stored", 1),
    ]
    assert isinstance(run, ez.Run)
    assert len(run.trials) == 2
    same = contents(tmp_path / "run")
    assert same == {index: contents(measured)[index] for index in (0, 1)}


def test_reading_does_not_wait_for_a_writer(run_copy):
    with RunWriter(run_copy):
        run, _ = again(run_copy)
        assert len(run.trials) == 3
        with pytest.raises(BadInput, match="another process is writing"):
            again(run_copy, trials=4)


@pytest.mark.parametrize(
    ("trials", "epochs", "trained"),
    [(5, 2, [3, 4]), (3, 3, [0, 1, 2]), (2, 3, [0, 1, 2]), (4, 1, [3]), (4, 3, [0, 1, 2, 3])],
)
def test_a_run_stays_a_rectangle(run_copy, trials, epochs, trained):
    run, events = again(run_copy, trials, epochs)
    assert [event[1] for event in events if event[0] == "stored"] == trained
    assert len(run.trials) == max(3, trials)
    assert {trial.epochs for trial in run.trials} == {max(2, epochs)}
    assert run.spec.kind == "measured"
    assert (run.spec.trials, run.spec.epochs) == (max(3, trials), max(2, epochs))
    assert again(run_copy, trials, epochs)[1] == []


def test_what_auto_became_is_reused(run_copy, monkeypatch):
    def resolve(*_, **__):
        pytest.fail("decided again")

    monkeypatch.setattr(execute_module, "resolve_plan", resolve)
    resolved = ez.open_run(run_copy).spec.resolved  # type: ignore[union-attr]
    run = ez.measure(**{**DIGITS, "precision": "auto"}, trials=4, epochs=2, out=run_copy)
    assert run.spec.kind == "measured"
    assert run.spec.resolved == resolved
    assert run.trials[3].document.spec is not None
    assert run.trials[3].document.spec.resolved == resolved


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (TrialFailed("the loss stopped"), "the loss stopped"),
        (ZeroDivisionError("a\nb"), "ZeroDivisionError: a b"),
    ],
)
def test_a_failed_trial_costs_no_other(tmp_path, monkeypatch, measured, contents, error, reason):
    real = trainer_module.run_trial  # type: ignore[attr-defined]

    def failing(spec, *arguments, **options):
        if spec.index != 1:
            return real(spec, *arguments, **options)
        raise error

    path = tmp_path / "run"
    with monkeypatch.context() as patch:
        patch.setattr(trainer_module, "run_trial", failing)
        with pytest.raises(RunFailed, match=rf"1 of 3 trials failed \(trial 1: {reason}\); the 2 finished"):
            again(path)
    run = ez.open_run(path)
    assert [trial.index for trial in run.trials] == [0, 2]
    assert run.failures() == {1: reason}
    run, events = again(path)
    assert events[0] == ("begin", 3, 2, [1])
    assert run.failures() == {}
    assert contents(path) == contents(measured)


def test_old_trials_stay_until_their_replacements_are_whole(run_copy, monkeypatch, contents, tmp_path):
    lone = tmp_path / "lone"
    again(lone, epochs=3)
    old = contents(run_copy)
    real = RunWriter.add
    calls = []

    def dying(self, *arguments, **options):
        calls.append(options["index"])
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(self, *arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(RunWriter, "add", dying)
        with pytest.raises(KeyboardInterrupt):
            again(run_copy, epochs=3)
    run = ez.open_run(run_copy)
    assert [trial.epochs for trial in run.trials] == [3, 2, 2]
    assert run.epochs == 2
    run.scores(2)
    with pytest.raises(BadInput, match=r"epoch 3 .*recorded; choose 1 to 2"):
        run.scores(3)
    assert contents(run_copy) == {0: contents(lone)[0], 1: old[1], 2: old[2]}
    run, events = again(run_copy, epochs=3)
    assert events[0] == ("begin", 3, 3, [1, 2])
    assert contents(run_copy) == contents(lone)


def test_a_damaged_trial_beyond_those_asked_for_is_mended_too(run_copy, trial_folder, contents):
    intact = contents(run_copy)
    (trial_folder(run_copy, 2) / "train.parquet").unlink()
    _, events = again(run_copy, trials=2, epochs=1, retrain_damaged=True)
    assert events[0] == ("begin", 3, 2, [2])
    assert contents(run_copy) == intact


ASKED: dict[str, Any] = {
    "epochs": 1,
    "data": ez.load_dataset("digits", limit=60),
    "device": "cpu",
    "progress": False,
}


def net(input_shape: tuple[int, int, int], num_classes: int) -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(int(np.prod(input_shape)), num_classes))


def test_only_the_process_of_a_lambda_can_resume_its_run(tmp_path: Path, monkeypatch, capsys):
    def model() -> nn.Module:
        return net((1, 8, 8), 10)

    def measure(trials: int, **given: Any) -> ez.Run:
        return ez.measure(**{"model": model, **ASKED, "progress": True, **given}, trials=trials, out=tmp_path)

    first = measure(1)
    assert first.model.startswith("model#")
    assert f"only this process can resume the run: {first.model} is" in capsys.readouterr().err
    more = measure(2)
    assert [trial.index for trial in more.trials] == [0, 1]
    assert more.spec.measured is not None
    assert more.spec.measured.resolved.jobs == 1
    with pytest.raises(ez.BadInput, match=r"settings: model .*lambda#"):
        measure(2, model=lambda: net((1, 8, 8), 10))
    monkeypatch.setattr("easiness.models.family._OBJECTS", {})
    with pytest.raises(ez.BadInput, match="object of Python in another process"):
        ez.paper.perturb(first, kind="radial", levels=[1.0], device="cpu")


def test_a_function_of_a_module_is_that_of_the_command(tmp_path: Path):
    run = ez.measure(model=net, trials=1, out=tmp_path / "run", jobs=1, **ASKED)
    assert run.model == f"{__name__}:net"
    same = ez.measure(model=f"{__name__}:net", trials=1, out=tmp_path / "other", jobs=1, **ASKED)
    assert same.trials[0].document.hash == run.trials[0].document.hash
    np.testing.assert_array_equal(same.votes().p_label, run.votes().p_label)


@pytest.mark.parametrize(
    ("given", "named"), [({"jobs": 2}, "processes"), ({"executor": "processes"}, "processes")]
)
def test_other_processes_are_refused(tmp_path: Path, given, named):
    text = f"'lambda#[0-9a-f]+': is an object of this process.*jobs=1 without executor='{named}'.*a module"
    with pytest.raises(ez.BadInput, match=text):
        ez.measure(model=lambda: net((1, 8, 8), 10), trials=2, out=tmp_path / "run", **given, **ASKED)
    assert not (tmp_path / "run").exists()
