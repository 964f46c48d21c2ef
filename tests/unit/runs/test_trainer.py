from __future__ import annotations

import json
import shutil
import time
from contextlib import closing
from typing import Any

import numpy as np
import pytest
import torch

import easiness as ez
import easiness.runs.trainer as checkpoints
from easiness import store
from easiness.data import load_dataset
from easiness.errors import BadInput
from easiness.runs import make_plan
from easiness.runs.carrying_out import carry_out
from easiness.runs.execution import Workers, jobs_of
from easiness.runs.trainer import Checkpoints, Note, Trainer, check_checkpoints
from easiness.spec import Execution, Resolved, Training
from plans import planned

DIGITS = ez.load_dataset("digits", limit=100)
FEW: dict[str, Any] = {"model": "mlp_2_w16", "epochs": 2, "precision": "float32"}
CPU = torch.device("cpu")


def settings(**changes: Any) -> Resolved:
    return Resolved(precision="float32", channels_last=False, threads=1, reason="for a test", **changes)


@pytest.mark.long
def test_several_processes_record_what_one_does(tmp_path, contents):
    alone = ez.measure(DIGITS, **FEW, trials=3, out=tmp_path / "alone", executor="serial")
    beside = ez.measure(DIGITS, **FEW, trials=3, out=tmp_path / "beside", jobs=2)
    assert alone.spec.kind == "measured"
    assert (alone.spec.resolved.jobs, beside.spec.resolved.jobs) == (1, 2)  # type: ignore[union-attr]
    assert contents(tmp_path / "beside") == contents(tmp_path / "alone")
    # nothing that processes shared is left, and a run goes on with another number of them
    assert not list((tmp_path / "beside").glob(".aside-*"))
    more = ez.measure(DIGITS, **FEW, trials=4, out=tmp_path / "beside", executor="serial")
    ez.measure(DIGITS, **FEW, trials=4, out=tmp_path / "alone", executor="processes", jobs=1)
    assert len(more.trials) == 4
    assert contents(tmp_path / "beside") == contents(tmp_path / "alone")


def test_more_trials_are_trained_while_they_are_asked_for(tmp_path):
    asked: list[int] = []

    def more(run: ez.Run) -> int | None:
        asked.append(len(run.trials))
        return {2: 4, 4: 5}.get(len(run.trials))

    plan = planned(DIGITS, **FEW, trials=2)
    run = carry_out(plan, tmp_path / "run", Execution(), more=more)
    assert (len(run.trials), asked) == (5, [2, 4, 5])
    assert json.loads((tmp_path / "run" / "run.json").read_bytes())["spec"]["trials"] == 5
    assert len(carry_out(plan, tmp_path / "run", Execution(), more=lambda _: None).trials) == 5
    assert asked == [2, 4, 5]


def test_jobs_are_as_asked_or_as_begun_and_fit_the_threads_of_a_run(monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    assert jobs_of(settings(jobs=3), Execution(executor="auto", jobs="auto"), CPU) == 3
    assert jobs_of(settings(jobs=3), Execution(executor="serial", jobs="auto"), CPU) == 1
    assert jobs_of(settings(jobs=3), Execution(executor="processes", jobs=5), CPU) == 5
    four = settings(jobs=1).model_copy(update={"threads": 4})
    assert jobs_of(four, Execution(executor="processes", jobs=5), CPU) == 2
    assert jobs_of(four, Execution(executor="processes", jobs=5), torch.device("cuda")) == 5


def test_workers_are_kept_while_they_suit():
    with closing(Workers(Execution())) as workers:
        two = workers.of(4, 2)
        assert two.jobs == 2
        assert workers.of(4, 2) is two
        assert workers.of(2, 9) is two
        four = workers.of(4, 9)
        assert four.jobs == 4
        assert workers.of(4, 1) is four
        assert workers.of(1, 9).jobs == 1


def test_what_a_killed_driver_left_of_shared_images_is_removed(tmp_path):
    ez.measure(DIGITS, **FEW, trials=1, out=tmp_path / "run")
    left = tmp_path / "run" / ".aside-0123-train"
    left.write_bytes(b"pixels")
    ez.measure(DIGITS, **FEW, trials=1, out=tmp_path / "run")
    assert not left.exists()


def test_photos_without_a_cache_stay_in_one_process(tmp_path):
    photos = np.random.default_rng(0).integers(0, 256, (8, 130, 130, 3), dtype=np.uint8)
    options: dict[str, Any] = {
        "model": "mlp_2_w16",
        "epochs": 1,
        "trials": 2,
        "recipe": {"crop": 16, "batch_size": 4},
        "cache": False,
    }
    data = (photos, np.arange(8) % 2)
    for asked in ({"jobs": 2}, {"executor": "processes"}):
        with pytest.raises(BadInput, match="photos without a cache"):
            ez.measure(data, out=tmp_path / "run", **options, **asked)
    assert len(ez.measure(data, out=tmp_path / "run", **options).trials) == 2


EPOCHS = 8


class Clock:
    """Goes on by so many seconds an epoch, and by so many as one is written."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, writing: float) -> None:
        self.now = 1000.0
        real = store.write_checkpoint
        self.written: list[int] = []

        def write(folder: Any, first: int, document: Any, tensors: Any) -> None:
            real(folder, first, document, tensors)
            self.written.append(document.epoch)
            self.now += writing

        monkeypatch.setattr("easiness.store.write_checkpoint", write)
        monkeypatch.setattr(time, "monotonic", lambda: self.now)


@pytest.fixture
def trainer(tmp_path):
    data = load_dataset("digits", limit=40)
    plan = make_plan(data, Training(model="mlp_2_w8", epochs=EPOCHS, recipe="paper"), 2)
    spec = plan.spec(Resolved(precision="float32", channels_last=False, threads=1), 2, EPOCHS)

    def make(every: Any, seconds: float = 0.0, clock: Clock | None = None) -> tuple[Any, list[Any]]:
        told: list[Any] = []

        def tell(what: Any) -> None:
            told.append(what)
            if hasattr(what, "epoch") and clock is not None:
                clock.now += seconds

        where = Checkpoints(tmp_path / "checkpoints", every)
        call = Trainer(spec, data, "cpu", {}, None, None, where)
        return lambda: call(1, tell), told

    (tmp_path / "checkpoints").mkdir()
    return make


def notes(told: list[Any]) -> list[str]:
    return [what.text for what in told if isinstance(what, Note)]


@pytest.mark.parametrize(
    ("every", "seconds", "writing", "epochs"),
    [
        ("auto", 8.0, 0.1, []),  # about a minute in all
        ("auto", 50.0, 0.1, [3, 6]),  # 150 seconds later each
        ("auto", 130.0, 6.0, [1, 4, 7]),  # 300 seconds after 6
        (0, 1.0, 50.0, [1, 2, 3, 4, 5, 6, 7]),
        (2.0, 50.0, 50.0, [3, 6]),
    ],
)
def test_when_they_are_written(trainer, monkeypatch, every, seconds, writing, epochs):
    clock = Clock(monkeypatch, writing)
    train, _ = trainer(every, seconds, clock)
    train()
    assert clock.written == epochs


def test_one_that_would_take_long_is_not_tried(trainer, monkeypatch):
    clock = Clock(monkeypatch, 0.0)
    monkeypatch.setattr(checkpoints, "_BYTES_PER_SECOND", 100.0)
    train, _ = trainer("auto", 150.0, clock)
    train()
    assert clock.written == []


def test_seconds_are_those_of_both_parts(trainer, monkeypatch, tmp_path):
    train, _ = trainer(0)
    train()
    clock = Clock(monkeypatch, 0.0)
    train, told = trainer(0, 1000.0, clock)
    (path,) = (tmp_path / "checkpoints").iterdir()
    assert path.name == "0001-000007"
    record = train()
    assert notes(told) == ["trial 1: goes on after epoch 7 of 8"]
    assert [what.epoch for what in told if hasattr(what, "epoch")] == [8]
    assert record.ran["seconds"] > 0


def test_where_the_folder_is_not_seen_trials_train_without(trainer, tmp_path):
    (tmp_path / "checkpoints").rmdir()
    train, told = trainer(0)
    record = train()
    assert record.num_epochs == EPOCHS
    assert notes(told) == []
    assert not (tmp_path / "checkpoints").exists()


def test_a_full_disk_costs_the_checkpoints_alone(trainer, monkeypatch):
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("easiness.store.write_checkpoint", full)
    train, told = trainer(0)
    record = train()
    assert record.num_epochs == EPOCHS
    (note,) = notes(told)
    assert note.startswith("trial 1: trains on without checkpoints")


def test_what_is_of_no_use_is_said_and_the_next_best_is_taken(trainer, tmp_path):
    train, _ = trainer(0)
    whole = train()
    (good,) = (tmp_path / "checkpoints").iterdir()
    shutil.copytree(good, good.with_name("0001-000099"))
    (good.with_name("0001-000099") / "checkpoint.json").write_text("{}")
    train, told = trainer("off")
    again = train()
    assert notes(told) == [
        "trial 1: its checkpoint 0001-000099 is not used: it is damaged",
        "trial 1: goes on after epoch 7 of 8",
    ]
    assert again.train_loss == whole.train_loss


@pytest.mark.parametrize("every", ["never", -1, float("nan"), float("inf"), True, None])
def test_other_intervals_are_refused(every):
    with pytest.raises(BadInput, match="number of minutes"):
        check_checkpoints(every)
