"""All that is read, before it is altered: runs of every kind, a training that was ended, data, labels."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import of_cards
import of_checkpoints
import of_decisions
import of_features
import of_kept
import of_runs
import of_tables
import whole_data

import loaded  # noqa: F401
from easiness import audit, measure, open_run
from easiness.features import kept as kept_features
from easiness.runs import Progress
from easiness.store import CHECKPOINTS

_OTHERS: dict[str, Any] = {
    **{"sources": whole_data, "tables": of_tables, "features": of_features, "decisions": of_decisions},
}
kept_features.MOST_IN_MEMORY, kept_features.BLOCK = 0, 4  # so that few vectors are a file


class _Interrupt(Progress):
    """Ends a run after a few epochs, as Ctrl-C does."""

    def __init__(self) -> None:
        self.left = 6

    def epoch(self, report: object) -> None:  # noqa: ARG002
        self.left -= 1
        if not self.left:
            raise KeyboardInterrupt


def make(whole: Path) -> None:
    """All of them, in the folder ``whole``."""
    _written(whole)
    for name, made_by in _OTHERS.items():
        made_by.make(whole / name)
    shutil.copytree(whole / "recorded" / "texts", whole / "texts" / "run")
    _on_features(whole / "on_features", whole / "data.npz")
    for run in (whole / "on_features" / "run", whole / "texts" / "run"):
        of_runs.settle(run)
    _begun(whole / "begun")
    audit(open_run(whole / "run"), looks=12).table().to_csv(whole / "audit.csv", index=False)


def _written(whole: Path) -> None:
    """A run, a card of it, its data, a checkpoint, recorded runs, and one that was asked."""
    whole.mkdir()
    of_cards.make_run(whole)
    of_runs.settle(whole / "run")
    of_cards.make_card(whole)
    of_checkpoints.make_checkpoint(whole)
    of_kept.make_recorded(whole)
    of_kept.make_asked(whole)


def _on_features(folder: Path, data: Path) -> None:
    """A run of heads, its data, vectors, and the file of features beside it."""
    folder.mkdir()
    shutil.copy(data, folder)
    images = np.load(data)["x"]
    np.save(folder / "rows.npy", images.reshape(len(images), -1)[:, 10:40].astype(np.float32) + 0.5)
    with contextlib.chdir(folder):
        given = dict[str, Any](features=["rows.npy"], model="ridge", trials=5, executor="serial", out="run")
        measure("data.npz", **given, progress=False)


def _begun(out: Path) -> None:
    """A run with a trial, and a checkpoint of the next."""
    size = dict[str, Any](limit=40, holdout=0.2, model="mlp_2_w8", trials=2, epochs=4, cache=False)
    kept = dict[str, Any](executor="serial", precision="float32", checkpoint_every=1e-9)
    with contextlib.suppress(KeyboardInterrupt):
        measure("digits", **size, **kept, out=out, progress=_Interrupt())
    assert any((out / CHECKPOINTS).iterdir())
