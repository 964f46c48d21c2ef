"""The columns of the tables of results, as the types of the columns say what they mean."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

import easiness as ez
from easiness.store import Run

_PLAIN = ("Text.", "Number.", "Whole number.")  # columns whose titles say it all


def columns_by_command() -> dict[str, str]:
    """Markdown by the name of the command: its tables, of two small runs that are recorded for them."""
    with tempfile.TemporaryDirectory() as folder:
        runs = [_recorded(Path(folder) / name, seed) for seed, name in enumerate(("first", "second"))]
        results: dict[str, Any] = {
            "scores": ez.scores(runs[0]),
            "compare": ez.compare(runs),
            "diff": ez.diff(*runs),
            "suspects": ez.suspects(runs[0]),
            "audit": ez.audit(runs[0], looks=5),
        }
        return {name: _tables(result) for name, result in results.items()}


def _tables(result: Any) -> str:
    meanings = {name: text for frame in result.frames() for name, text in frame.about.items()}
    rows = [f"| {name} | {text} |" for name, text in meanings.items() if text not in _PLAIN]
    return "\n".join(["**Columns to read**", "", "| column | meaning |", "| --- | --- |", *rows])


def _recorded(path: Path, seed: int) -> Run:
    random, labels = np.random.default_rng(seed), np.arange(40) % 2
    recorder = ez.Recorder(path, ids=np.arange(40), labels=labels, classes=("a", "b"))
    for trial_seed in range(4):
        with recorder.trial(trial_seed) as trial:
            trial.update(np.arange(40), np.eye(2)[labels] + random.normal(size=(40, 2)))
            trial.end_epoch()
    return recorder.run
