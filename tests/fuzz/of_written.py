"""What we write and read again: runs, score cards, checkpoints, and what may stand in their place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import of_cards
import of_checkpoints
import of_kept
import of_odd_files
import of_runs
from herd import Asked, Target

TARGETS: dict[Target, float] = {
    of_runs.any_of_them: 0.64,
    of_kept.in_recorded: 0.07,
    of_kept.asked: 0.04,
    of_cards.any_of_them: 0.12,
    of_checkpoints.any_of_them: 0.05,
    of_odd_files.in_runs: 0.06,
    of_odd_files.in_cards: 0.02,
}


def any_of_them(rng: np.random.Generator, whole: Path, folder: Path) -> Asked:
    """One of these."""
    return list(TARGETS)[rng.choice(len(TARGETS), p=list(TARGETS.values()))](rng, whole, folder)


def make(whole: Path) -> None:
    """What the altered inputs are made from, in the folder ``whole``: small, with all that there can be."""
    from easiness import measure

    size = dict[str, Any](limit=40, trials=2, epochs=2, precision="float32", executor="serial")
    whole.mkdir()
    run = whole / "run"
    measure("digits", model="mlp_2_w8", holdout=0.2, keep_logits=True, **size, out=run, progress=False)
    of_runs.settle(run)
    of_cards.make_card(whole)
    of_checkpoints.make_checkpoint(whole)
    of_kept.make_recorded(whole)
    of_kept.make_asked(whole)
