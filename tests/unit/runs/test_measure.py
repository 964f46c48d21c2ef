from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import easiness as ez
from easiness.errors import BadInput, RunFailed, TrialFailed
from easiness.runs import carrying_out as execute_module, trainer as trainer_module
from easiness.runs.progress import Progress
from easiness.store import RunWriter

DIGITS: dict[str, Any] = {"model": "mlp_3", "limit": 100, "precision": "float32"}


class Noted(Progress):
    """A front end that writes down what it is told."""

    def __init__(self):
        self.events = []

    def begin(self, spec, missing, _path, cost):
        assert cost.num_trials == len(missing)
        self.events.append(("begin", spec.trials, spec.epochs, missing))

    def epoch(self, report):
        self.events.append(("epoch", report.trial, report.epoch, report.epochs))

    def stored(self, index):
        self.events.append(("stored", index))

    def failed(self, index, reason):
        self.events.append(("failed", index, reason))


def again(path: Path, trials: int = 3, epochs: int = 2, **options: Any) -> tuple[ez.Run, list[Any]]:
    progress = Noted()
    run = ez.measure("digits", **DIGITS, trials=trials, epochs=epochs, out=path, progress=progress, **options)
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


@pytest.mark.parametrize(("trials", "epochs"), [(3, 2), (2, 2), (3, 1), (1, 1)])
def test_what_is_there_is_read(run_copy, snapshot, trials, epochs):
    before = snapshot(run_copy)
    run, events = again(run_copy, trials, epochs)
    assert events == []
    assert (len(run.trials), run.epochs) == (3, 2)
    assert snapshot(run_copy) == before


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


def test_longer_trials_begin_like_the_shorter_ones(tmp_path):
    before, _ = again(tmp_path / "short", epochs=2, recipe="paper")
    run, _ = again(tmp_path / "long", epochs=3, recipe="paper")
    for long, short in zip(run.trials, before.trials, strict=True):
        for epoch in (1, 2):
            names = ["prediction", "loss", "margin", "error_norm", "entropy", "rival"]
            ours, theirs = long.columns(epoch, names), short.columns(epoch, names)
            for name in names:
                np.testing.assert_array_equal(ours[name], theirs[name])


def test_trials_differ_and_seeds_too(tmp_path, contents, measured):
    again(tmp_path / "other", trials=1, seed=1)
    losses = [trial["train_loss"] for trial in contents(measured).values()]
    losses.append(contents(tmp_path / "other")[0]["train_loss"])
    assert len({tuple(loss) for loss in losses}) == 4


def test_what_auto_became_is_reused(run_copy, monkeypatch):
    def resolve(*_, **__):
        pytest.fail("decided again")

    monkeypatch.setattr(execute_module, "resolve_plan", resolve)
    resolved = ez.open_run(run_copy).spec.resolved  # type: ignore[union-attr]
    run = ez.measure("digits", **{**DIGITS, "precision": "auto"}, trials=4, epochs=2, out=run_copy)
    assert run.spec.kind == "measured"
    assert run.spec.resolved == resolved
    assert run.trials[3].document.spec is not None
    assert run.trials[3].document.spec.resolved == resolved


@pytest.mark.usefixtures("two_threads")
def test_the_callers_random_state_and_threads_are_left_alone(tmp_path):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    threads = torch.get_num_threads()
    again(tmp_path / "run", trials=1)
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.rand(3), expected)


def test_a_held_out_split_and_a_share(tmp_path):
    random = np.random.default_rng(0)
    x, labels = random.integers(0, 256, (40, 4, 4), dtype=np.uint8), np.arange(40) % 2
    ids = np.arange(100, 140)
    np.savez(tmp_path / "a.npz", x=x, y=labels, ids=ids, x_test=x[:6], y_test=labels[:6])
    run = ez.measure(
        tmp_path / "a.npz",
        model="mlp_3",
        trials=2,
        epochs=2,
        train_share=0.5,
        precision="float32",
        keep_weights=False,
        out=tmp_path / "run",
    )
    assert run.ids.tolist() == ids.tolist()
    trained_on = [trial.columns(1, ["trained_on"])["trained_on"] for trial in run.trials]
    assert [mask.sum() for mask in trained_on] == [20, 20]
    assert (trained_on[0] != trained_on[1]).any()
    for trial, mask in zip(run.trials, trained_on, strict=True):
        assert sorted(trial.document.files) == ["held_out.parquet", "train.parquet", "train_logits.parquet"]
        assert set(trial.document.accuracy) == {"train", "left_out", "held_out"}
        assert trial.observations(2).logits.positions.tolist() == np.flatnonzero(~mask).tolist()  # type: ignore[union-attr]
        held_out = trial.observations(2, probe="held_out")
        assert held_out.prediction.shape == (2, 6)
        assert not held_out.trained_on.any()
        # the held-out pictures are the first of the training split: they look the same to the network
        np.testing.assert_allclose(held_out.loss, trial.observations(2).loss[:, :6], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (TrialFailed("the loss stopped"), "the loss stopped"),
        (ZeroDivisionError("a\nb"), "ZeroDivisionError: a"),
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
        with pytest.raises(RunFailed) as failed:
            again(path)
    assert str(failed.value) == (
        f"{path}: 1 of 3 trials failed (trial 1: {reason}); the 2 finished ones are kept"
    )
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


def test_damage_is_refused_and_mended_on_request(run_copy, trial_folder, contents, snapshot):
    intact = contents(run_copy)
    (trial_folder(run_copy, 1) / "weights.safetensors").write_bytes(b"x")
    before = snapshot(run_copy)
    with pytest.raises(BadInput, match=r"0001-.*weights\.safetensors: .*damaged"):
        again(run_copy)
    assert snapshot(run_copy) == before
    run, events = again(run_copy, retrain_damaged=True)
    assert events[0] == ("begin", 3, 2, [1])
    assert len(run.trials) == 3
    assert contents(run_copy) == intact


def test_mending_where_nothing_is_damaged_trains_nothing(run_copy, contents):
    intact = contents(run_copy)
    run, events = again(run_copy, trials=2, epochs=1, retrain_damaged=True)
    assert events == []
    assert run.spec.kind == "measured"
    assert (run.spec.trials, run.spec.epochs) == (3, 2)
    assert contents(run_copy) == intact


def test_a_damaged_trial_beyond_those_asked_for_is_mended_too(run_copy, trial_folder, contents):
    intact = contents(run_copy)
    (trial_folder(run_copy, 2) / "train.parquet").unlink()
    _, events = again(run_copy, trials=2, epochs=1, retrain_damaged=True)
    assert events[0] == ("begin", 3, 2, [2])
    assert contents(run_copy) == intact


def test_a_damaged_list_of_examples_is_refused_before_training(run_copy, snapshot):
    (run_copy / "examples.parquet").write_bytes(b"x")
    before = snapshot(run_copy)
    with pytest.raises(BadInput, match=r"examples\.parquet: .*damaged"):
        again(run_copy, trials=4)
    assert snapshot(run_copy) == before


def test_a_run_that_was_moved_goes_on(run_copy, tmp_path):
    shutil.move(run_copy, tmp_path / "moved")
    run, events = again(tmp_path / "moved", trials=4)
    assert events[0] == ("begin", 4, 2, [3])
    assert len(run.trials) == 4


def test_an_unknown_executor(tmp_path):
    with pytest.raises(BadInput, match="executor 'pool': unknown"):
        again(tmp_path / "run", executor="pool")
    assert not (tmp_path / "run").exists()
