"""Wherever trials run, one that is stopped after an epoch goes on to the bits of one that was not."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from easiness import load_dataset, measure
from easiness.runs import Progress

SETTINGS: dict[str, Any] = {
    "model": "wrn_10_1",
    "data": load_dataset("digits", limit=60),
    "trials": 2,
    "epochs": 5,
    "precision": "float32",
    "checkpoint_every": 0,
}


class Told(Progress):
    """Stops the run as soon as an unfinished trial has kept an epoch after its second."""

    def __init__(self, run: Path | None = None) -> None:
        self.run = run
        self.notes: list[str] = []
        self.skipped_images = 0

    def epoch(self, report: Any) -> None:  # noqa: ARG002
        if self.run and any(int(path.name[-6:]) >= 2 for path in self.run.glob("checkpoints/0*")):
            raise KeyboardInterrupt

    def note(self, text: str) -> None:
        self.notes.append(text)

    def skipped(self, num: int) -> None:
        self.skipped_images += num


@pytest.fixture(scope="module")
def lone(made_once, contents):
    return contents(
        made_once(
            "never_stopped",
            lambda out: measure(**SETTINGS, executor="serial", progress=False, out=out),
        )
    )


@pytest.fixture
def stopped(made_once):
    """Runs that were stopped, by how they were executed: each goes on from a copy."""

    def stop(out: Path, **execution: Any) -> None:
        with pytest.raises(KeyboardInterrupt):
            measure(**SETTINGS, **execution, progress=Told(out), out=out)
        assert list(out.glob("checkpoints/0*"))

    return lambda executor, **jobs: made_once(
        f"stopped_{executor}", lambda out: stop(out, executor=executor, **jobs)
    )


SERIAL = dict[str, Any](executor="serial")
PROCESSES = dict[str, Any](executor="processes", jobs=2)


@pytest.mark.parametrize(
    ("first", "then"),
    [
        (SERIAL, SERIAL),
        pytest.param(PROCESSES, PROCESSES, marks=pytest.mark.long),
        pytest.param(PROCESSES, SERIAL, marks=pytest.mark.long),
    ],
)
def test_stopped_and_gone_on_with(stopped, tmp_path, contents, lone, first, then):
    out = shutil.copytree(stopped(**first), tmp_path / "run")
    told = Told()
    measure(**SETTINGS, **then, progress=told, out=out)
    assert any("goes on after epoch" in note for note in told.notes)
    assert told.skipped_images >= 2 * 60
    assert contents(out) == lone
    assert not (out / "checkpoints").exists()


def test_a_longer_training_begins_anew(stopped, tmp_path, contents):
    out = shutil.copytree(stopped(**SERIAL), tmp_path / "run")
    told = Told()
    measure(**{**SETTINGS, "epochs": 6}, **SERIAL, progress=told, out=out)
    (note,) = (note for note in told.notes if "checkpoint" in note)
    assert note.endswith("is not used: it is of a training with other settings")
    assert told.skipped_images == 0
    assert {trial["epochs"] for trial in contents(out).values()} == {6}
    assert not (out / "checkpoints").exists()


def test_off_keeps_nothing(tmp_path, contents, lone):
    seen: list[bool] = []

    class Looking(Progress):
        def epoch(self, report: Any) -> None:  # noqa: ARG002
            seen.append((tmp_path / "run" / "checkpoints").exists())

    settings = {**SETTINGS, "checkpoint_every": "off"}
    measure(**settings, **SERIAL, progress=Looking(), out=tmp_path / "run")
    assert seen == [False] * 10
    assert contents(tmp_path / "run") == lone
