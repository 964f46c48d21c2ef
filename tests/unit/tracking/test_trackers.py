"""Trackers, for real: what they wrote is read by their own tools. Those not installed are skipped."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from easiness.errors import BadInput
from easiness.tracking import Tracker, make_tracker

CURVES = {"loss": {1: 2.0, 2: 1.5}, "accuracy_train": {2: 0.75}}
PARAMETERS: dict[str, str | int | float] = {"model": "mlp_3", "trials": 2, "data": "a|b"}


def test_names():
    with pytest.raises(BadInput, match=r"track 'tensorbord:x': .*mean tensorboard"):
        make_tracker("tensorbord:x")
    with pytest.raises(BadInput, match="track 'tensorboard': name a folder"):
        make_tracker("tensorboard")


def test_one_that_is_not_installed(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(BadInput, match=r"wandb .*'easiness\[wandb\]'"):
        make_tracker("wandb")


def tell(tracker: Tracker) -> None:
    assert isinstance(tracker, Tracker)
    tracker.begin("photos", PARAMETERS)
    tracker.trial(3, CURVES)
    tracker.end({"reliability_easy": 0.5})
    tracker.close()


@pytest.mark.filterwarnings("ignore")  # of what it brings along
def test_tensorboard(tmp_path: Path):
    pytest.importorskip("tensorboard", reason="tensorboard is not installed")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    tell(make_tracker(f"tensorboard:{tmp_path}"))
    trial = EventAccumulator(str(tmp_path / "photos" / "trial-0003"))
    trial.Reload()
    assert [(one.step, one.value) for one in trial.Scalars("loss")] == [(1, 2.0), (2, 1.5)]
    assert [(one.step, one.value) for one in trial.Scalars("accuracy_train")] == [(2, 0.75)]
    run = EventAccumulator(str(tmp_path / "photos"))
    run.Reload()
    assert [one.value for one in run.Scalars("summary/reliability_easy")] == [0.5]
    (text,) = run.Tensors("run/text_summary")
    assert b"| data | a/b |" in text.tensor_proto.string_val[0]


@pytest.mark.filterwarnings("ignore")
def test_mlflow(tmp_path: Path, monkeypatch):
    pytest.importorskip("mlflow", reason="mlflow is not installed")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    from mlflow.tracking import MlflowClient

    uri = (tmp_path / "store").as_uri()
    tell(make_tracker(f"mlflow:{uri}"))
    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name("easiness")
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.data.params == {"model": "mlp_3", "trials": "2", "data": "a|b"}
    assert run.data.metrics["reliability_easy"] == 0.5
    history = client.get_metric_history(run.info.run_id, "trial_3/loss")
    assert [(one.step, one.value) for one in history] == [(1, 2.0), (2, 1.5)]
    assert run.info.status == "FINISHED"


@pytest.mark.filterwarnings("ignore")
def test_wandb(tmp_path: Path, monkeypatch):
    pytest.importorskip("wandb", reason="wandb is not installed")
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_DIR", str(tmp_path))
    tell(make_tracker("wandb:pets"))
    (written,) = tmp_path.glob("wandb/offline-run-*/*.wandb")
    assert b"reliability_easy" in written.read_bytes()
