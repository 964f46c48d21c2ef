"""What runs keep, altered: the examples of recorded ones, and what was asked of the networks of others."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
from herd import Asked
from mutations import altered
from of_data import read_all
from refitted import refit
from tables import altered_parquet, altered_safetensors

import loaded  # noqa: F401
from easiness import Recorder, open_run
from easiness.runs import find_data
from easiness.store import answers
from easiness.studies.suspects import nearest_by_class
from easiness.studies.suspects.conflicts import conflicts_of
from easiness.studies.suspects.neighbours import find_neighbours
from sounds import tone

KEPT = "data.parquet"
_SOME = np.arange(4)
_SHARE_OF_COMMANDS = 0.05
_COMMANDS = (("suspects", "{run}"), ("status", "{run}"), ("report", "{run}", "-o", "page.html"))
# whoever alters an answer may know how they are sealed: here all seals fit that are not altered
answers._seal_of = lambda *_: np.zeros(32, np.uint8)
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


def asked(rng: np.random.Generator, whole: Path, folder: Path) -> Asked:
    """A run that keeps what was asked of it: what is damaged is asked again."""
    run = Path(shutil.copytree(whole / "asked", folder / "run"))
    file = (found := sorted(run.glob("answer-*")))[rng.integers(len(found))]
    content, how = (altered if rng.random() < 0.5 else altered_safetensors)(rng, file.read_bytes())
    file.write_bytes(content)
    return Asked(f"{file.name}: {how}", "what was asked of a run", lambda: ask(run))


def ask(folder: Path) -> None:
    """Ask a run for all that it keeps the answers to."""
    run = open_run(folder)
    near, nearest, found = (
        find_neighbours(run)[0],
        nearest_by_class(run, _SOME, _SOME % 2)[0],
        conflicts_of(run),
    )
    assert near is not None
    assert np.isfinite(near.strength).all()
    assert nearest is not None
    assert nearest.positions.max() < len(run.labels)
    assert found.sentences()


def make_asked(whole: Path) -> None:
    """The run in the folder ``whole``, asked."""
    ask(shutil.copytree(whole / "run", whole / "asked"))
