"""``suspects`` that are refused, and ``diff`` in pipelines."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from recording import recorded


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--split", "held_out"], "has no held-out split"),
        (["--at", 99], "epoch 99 is not recorded"),
    ],
)
def test_what_is_refused_leaves_nothing(refused, measured, tmp_path, monkeypatch, options, message):
    monkeypatch.chdir(tmp_path)
    assert message in refused("suspects", measured, "-o", "found.csv", *options)
    assert list(tmp_path.iterdir()) == []


def versions(folder: Path, num_trials: int) -> list[object]:
    """The command on two runs of 100 examples, of which 3 moved by six levels."""
    labels = np.arange(100) // 99
    for name in ("old", "new"):
        logits = np.random.default_rng(name == "new").normal(-2, 0.2, (num_trials, 100))
        logits[:, :3] += 6 if name == "new" else 0
        recorded(folder / name, np.eye(2)[labels] * logits[..., None], labels, classes=("ant", "bee"))
    return ["diff", folder / "old", folder / "new"]


def test_a_pipeline_stops_where_too_many_changed(command, refused, tmp_path):
    runs = versions(tmp_path, 10)
    stopped = command(*runs, "--fail-above", 0.01)
    assert stopped.code == 1
    assert stopped.err.startswith("easiness: error: ")
    assert "--fail-above 1" in stopped.err
    assert "0 of 100 examples became harder and 3 easier" in stopped.out
    assert command(*runs, "--fail-above", 1).code == 0
    assert "--fail-above 2: must be" in refused(*runs, "--fail-above", 2)
    assert "same run twice" in refused(*runs[:2], runs[1])


def test_a_pipeline_is_told_how_many_trials_it_takes(command, tmp_path):
    """Between two and two trials of two levels that is no more than chance."""
    runs, rows = versions(tmp_path, 2), tmp_path / "rows.json"
    ended = command(*runs, "-o", rows)
    assert ended.code == 0
    said = "2 and 2 trials do not tell whether 3 examples changed"
    assert said in " ".join(ended.out.split())
    assert json.loads(rows.read_text())["needed"] == [3, 3]
    stopped = command(*runs, "--fail-above", 0.01)
    assert stopped.code == 2
    assert said in stopped.err
    assert "measure 3 and 3 trials at least" in stopped.err
    assert command(*runs, "--fail-above", 0.03).code == 0  # were they all changed
