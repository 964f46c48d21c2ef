from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import easiness as ez
from easiness.errors import BadInput
from easiness.runs import Progress, ShownProgress, progress_of
from easiness.store import last_events

MEASURE: dict[str, Any] = {"model": "mlp_2_w8", "epochs": 2, "precision": "float32", "jobs": 1}
MEASURE["data"] = ez.load_dataset("digits", limit=100)


class Kept:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.said: list[tuple[Any, ...]] = []

    def begin(self, name, parameters):
        self.said.append(("begin", name, parameters))

    def trial(self, index, curves):
        self.said.append(("trial", index, curves))

    def end(self, summary):
        self.said.append(("end", summary))

    def close(self):
        self.said.append(("close",))


class Failing(Kept):
    def trial(self, *_):
        raise RuntimeError("no\nroute")


class Heard(Progress):
    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text):
        self.notes.append(text)


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    out, kept, heard, failing = tmp_path_factory.mktemp("told") / "pets", Kept(), Heard(), Failing()
    run = ez.measure(trials=3, out=out, progress=heard, track=[failing, kept], **MEASURE)
    return run, kept.said, heard.notes


def test_what_a_tracker_hears(told):
    run, said, _ = told
    assert [one[0] for one in said] == ["begin", "trial", "trial", "trial", "end", "close"]
    _, name, parameters = said[0]
    assert (name, parameters["model"], parameters["trials"]) == ("pets", "mlp_2_w8", 3)
    for trial, (_, index, curves) in zip(run.trials, said[1:4], strict=True):
        assert index == trial.index
        assert list(curves["loss"].values()) == pytest.approx(trial.document.train_loss)
        assert curves["accuracy_train"] == pytest.approx(
            {1: trial.accuracy(1)["train"], 2: trial.accuracy(2)["train"]}
        )
    summary = said[4][1]
    right = run.votes().correct
    assert summary["share_right_in_all"] == right.all(axis=0).mean()
    assert summary["share_right_in_none"] == (~right).all(axis=0).mean()


def test_one_that_fails_costs_a_line_and_nothing_else(told):
    run, _, notes = told
    assert len(run.trials) == 3
    assert [note for note in notes if "warning" in note] == [
        "warning: Failing failed (RuntimeError: no route); the run goes on without"
    ]


def test_events_of_a_run(told):
    run, _, _ = told
    events = last_events(run.path)
    assert [one["kind"] for one in events] == [
        "run_started",
        *["trial_started", "trial_finished"] * 3,
        "run_ended",
    ]
    assert events[2]["accuracy"]["train"] == run.trials[0].accuracy(2)["train"]
    ez.measure(trials=3, out=run.path, progress=False, **MEASURE)  # only reads
    assert last_events(run.path) == events


def test_a_run_that_is_there_is_told_to_nobody(told):
    run, _, _ = told
    kept = Kept()
    ez.measure(trials=3, out=run.path, progress=False, track=kept, **MEASURE)
    assert kept.said == [("close",)]


def test_an_unknown_tracker_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(BadInput, match="track 'x': unknown"):
        ez.measure(trials=1, out=tmp_path / "run", track="x", **MEASURE)
    assert list(tmp_path.iterdir()) == []


SMALL: dict[str, Any] = {"model": "mlp_1", "trials": 1, "epochs": 1, "device": "cpu", "jobs": 1}
SMALL["data"] = ez.load_dataset("digits", limit=60)


def test_a_run_is_announced_and_shown_unless_told_not_to(tmp_path: Path, capsys):
    ez.measure(out=tmp_path / "quiet", progress=False, **SMALL)
    assert capsys.readouterr() == ("", "")
    ez.measure(out=tmp_path / "run", **SMALL)
    out, err = capsys.readouterr()
    assert out == ""
    assert f"{tmp_path}/run: training 1 of 1 trial of mlp_1, 1 epoch each" in err
    assert "trial 0 epoch 1/1: accuracy train 0." in err
    ez.measure(out=tmp_path / "run", **SMALL)
    assert capsys.readouterr() == ("", "")  # it only reads


def test_anything_else_is_refused(tmp_path: Path):
    with pytest.raises(ez.BadInput, match="progress 'bar': give"):
        ez.measure(out=tmp_path / "run", progress="bar", **SMALL)  # type: ignore[arg-type]
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(("progress", "says"), [(True, True), (False, False), (Progress(), False)])
def test_an_interrupt_is_raised_and_says_how_to_go_on(capsys, progress, says):
    def interrupted() -> None:
        with progress_of(progress) as tell:
            assert isinstance(tell, ShownProgress) == says
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    said = "interrupted; everything finished so far is kept, and the same call again goes on\n"
    assert capsys.readouterr().err == (said if says else "")
