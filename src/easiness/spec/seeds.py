"""Random streams of a trial: functions of (run seed, trial index) alone, never of execution order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class TrialSeeds:
    """Independent seeds of one trial, each an integer in [0, 2**63)."""

    initialization: int
    order: int
    augmentation: int
    share: int
    draw: int


def trial_seeds(seed: int, index: int) -> TrialSeeds:
    """The seeds of trial ``index`` of a run with ``seed``, by ``numpy.random.SeedSequence``.

    Each stream is a child of its own, so that drawing more from one (a larger image, another
    augmentation) changes none of the others.
    """
    children = np.random.SeedSequence(entropy=seed, spawn_key=(index,)).spawn(5)
    values = [int(child.generate_state(1, np.uint64)[0] >> np.uint64(1)) for child in children]
    return TrialSeeds(*values)
