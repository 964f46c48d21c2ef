"""Everything that is read, altered, in one herd: what one loads the others need not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import of_cards
import of_checkpoints
import of_commands
import of_data
import of_decisions
import of_features
import of_kept
import of_odd_files
import of_runs
import of_tables
from herd import Asked, Target

TARGETS: dict[Target, tuple[str, float]] = {
    of_runs.any_of_them: (".", 0.16),
    of_kept.in_recorded: (".", 0.02),
    of_kept.asked: (".", 0.01),
    of_cards.any_of_them: (".", 0.03),
    of_checkpoints.any_of_them: (".", 0.01),
    of_odd_files.in_runs: (".", 0.015),
    of_odd_files.in_cards: (".", 0.005),
    of_data.any_of_them: ("sources", 0.25),
    of_tables.any_of_them: ("tables", 0.15),
    of_features.any_of_them: ("features", 0.1),
    of_decisions.any_of_them: ("decisions", 0.05),
    of_commands.any_of_them: (".", 0.2),
}
"""Each with the folder that its inputs are made from, and its share."""


def any_of_them(rng: np.random.Generator, whole: Path, folder: Path) -> Asked:
    """One of these."""
    places, shares = zip(*TARGETS.values(), strict=True)
    at = int(rng.choice(len(TARGETS), p=shares))
    return list(TARGETS)[at](rng, whole / places[at], folder)
