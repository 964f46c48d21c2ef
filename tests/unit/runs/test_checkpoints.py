"""When a trial keeps how far it is, and what becomes of one that cannot."""

from __future__ import annotations

import shutil
import time
from typing import Any

import pytest
import torch

import easiness.runs.checkpoints as checkpoints
from easiness.data import load_dataset
from easiness.errors import BadInput
from easiness.runs import make_plan
from easiness.runs.checkpoints import Checkpoints, Note, check_checkpoints
from easiness.runs.trainer import Trainer
from easiness.spec import Resolved, Training

CPU = torch.device("cpu")
EPOCHS = 8


class Clock:
    """Goes on by so many seconds an epoch, and by so many as one is written."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, writing: float) -> None:
        self.now = 1000.0
        real = checkpoints.write_checkpoint  # type: ignore[attr-defined]
        self.written: list[int] = []

        def write(folder: Any, first: int, document: Any, tensors: Any) -> None:
            real(folder, first, document, tensors)
            self.written.append(document.epoch)
            self.now += writing

        monkeypatch.setattr(checkpoints, "write_checkpoint", write)
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

    monkeypatch.setattr(checkpoints, "write_checkpoint", full)
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


@pytest.mark.parametrize("every", ["auto", "off", 0, 2.5])
def test_intervals(every):
    check_checkpoints(every)
