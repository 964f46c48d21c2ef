"""Suspects of networks name the commands by which features judge along, where there are such."""

from __future__ import annotations

import numpy as np
import pytest

import easiness as ez
from easiness.store import open_run
from easiness.studies.suspects.ranked import features_command, to_judge_along


@pytest.fixture
def run(measured):
    return open_run(measured)


def _of(run, monkeypatch, **data):
    spec = run.spec.measured
    monkeypatch.setattr(run, "spec", spec.model_copy(update={"data": spec.data.model_copy(update=data)}))


def test_small_pictures_and_recorded_runs_have_none(run, record):
    assert to_judge_along(run) == ""
    assert to_judge_along(record(np.zeros((2, 1, 20, 3)), np.arange(20) % 3)) == ""


def test_photos_and_texts_have_some(run, monkeypatch):
    monkeypatch.setattr("easiness.features.has_usual", lambda _: True)
    _of(run, monkeypatch, image_shape=(3, 32, 32))
    out = f"{run.path}-features"
    line = f"easiness measure digits --features auto --trials 20 --limit 100 --out {out}"
    assert features_command(run) == line
    along = to_judge_along(run)
    assert (
        along
        == f"Heads on features cost little and judge along: {line}, then easiness suspects {run.path} {out}."
    )
    monkeypatch.setattr("easiness.features.has_usual", lambda kind: kind != "image")
    assert to_judge_along(run) == ""
    _of(run, monkeypatch, kind="text", image_shape=None)
    assert features_command(run) == line
    _of(run, monkeypatch, kind="vector", image_shape=None)
    assert features_command(run) is None


def test_it_is_said_unless_another_run_is_given(run, monkeypatch):
    monkeypatch.setattr("easiness.studies.suspects.ranked.to_judge_along", lambda _: "Heads judge along.")
    alone = ez.suspects(run, pictures=False)
    assert "Heads judge along." in alone.sections()[-1].notices
    both = ez.suspects([run, run], pictures=False)
    assert "Heads judge along." not in both.sections()[-1].notices
