"""Recorded runs whose table of examples was altered: found, and read as any data are."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
from herd import Asked
from mutations import altered
from of_data import read_all
from refitted import refit
from tables import altered_parquet

import loaded  # noqa: F401
from easiness import Recorder, open_run
from easiness.runs import find_data
from sounds import tone

KEPT = "data.parquet"
_SHARE_OF_COMMANDS = 0.05
_COMMANDS = (("suspects", "{run}"), ("status", "{run}"), ("report", "{run}", "-o", "page.html"))
_TEXTS = ("What is a fuzz test?", "Wer  fragt\n das?", "=1+1", "ﬁne", "a b c", "x" * 300)


def in_recorded(rng: np.random.Generator, whole: Path, folder: Path) -> Asked:
    """Other bytes or another table in its place, mostly with the digest of that."""
    run = Path(
        shutil.copytree(whole / "recorded" / str(rng.choice(["texts", "texts", "sounds"])), folder / "run")
    )
    file = run / KEPT
    content, how = (altered if rng.random() < 0.3 else altered_parquet)(rng, file.read_bytes())
    file.write_bytes(content)
    if rng.random() < 0.9:
        refit(file)
        how += ", its digest fits"
    if rng.random() < _SHARE_OF_COMMANDS:
        command = _COMMANDS[rng.integers(len(_COMMANDS))]
        return Asked(f"{KEPT}: {how}", " ".join(command), [one.format(run=run) for one in command])
    return Asked(f"{KEPT}: {how}", "the data of a recorded run", lambda: _read(run))


def _read(run: Path) -> None:
    data, why = find_data(open_run(run), None)
    assert "\n" not in why
    if data is not None:
        read_all(data)


def make_recorded(whole: Path) -> None:
    """Runs that keep texts and sounds, in the folder ``whole``."""
    ids, labels = np.arange(24) * 3, np.arange(24) % 2
    texts = [f"{_TEXTS[at % len(_TEXTS)]} {at}" for at in range(len(ids))]
    tones = [tone(300 + at, 0.02) for at in range(len(ids))]
    given: dict[str, dict[str, Any]] = {"texts": {"texts": texts}, "sounds": {"sounds": tones, "rate": 8000}}
    for name, options in given.items():
        made = Recorder(whole / "recorded" / name, ids=ids, labels=labels, **options)
        with made.trial(seed=0) as trial:
            trial.update(ids, np.random.default_rng(0).normal(size=(len(ids), 2)))
            trial.end_epoch()
