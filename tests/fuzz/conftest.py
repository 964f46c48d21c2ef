"""What the altered inputs are made from."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def whole_run(made_once) -> Path:
    """A folder with ``run``: two trials with all that a run can have (logits, weights, a held-out split)."""
    from of_runs import settle

    from easiness import measure

    def make(out: Path) -> None:
        size = {"limit": 40, "trials": 2, "epochs": 2, "precision": "float32", "executor": "serial"}
        out.mkdir()
        run = out / "run"
        measure("digits", model="mlp_2_w8", holdout=0.2, keep_logits=True, **size, out=run, progress=False)
        settle(run)

    return made_once("whole_run", make)
