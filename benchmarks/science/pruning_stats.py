"""What `pruning.py` says of an arm: accuracy beyond random choice, in pairs of the same seed."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import false_discovery_control, t, ttest_1samp

from science.pruning_cells import ARMS, KEPT, LENGTHS, RANDOM, Cell, full

LEVEL = 0.95
FALSE = 0.05  # share of false ones among those called different, at most on average


@dataclass(frozen=True)
class Difference:
    """Mean accuracy of an arm, and by how much it is above random choice, with Student's interval over seeds.

    ``p`` is that of the paired t test, ``adjusted`` for all comparisons of the page (Benjamini-Hochberg).
    """

    arm: tuple[str, str]
    kept: float
    length: str
    seeds: int
    accuracy: float
    value: float
    low: float
    high: float
    p: float
    adjusted: float = np.nan

    @property
    def verdict(self) -> str:
        """``above`` or ``below`` random choice, or ``undecided``."""
        if not self.adjusted <= FALSE:
            return "undecided"
        return "above" if self.value > 0 else "below"


def by_seed(results, arm, kept, length):
    """What is known of a cell by seed; ``None`` where a class would have been left without examples."""
    cells = {seed: full(seed) if kept == 1 else Cell(*arm, kept, length, seed) for seed in range(100)}
    return {seed: results[cell.name] for seed, cell in cells.items() if cell.name in results}


def accuracies(results, arm, kept, length):
    """The accuracy of a cell by seed, of those that were trained."""
    known = by_seed(results, arm, kept, length)
    return {seed: accuracy for seed, accuracy in known.items() if accuracy is not None}


def loses_a_class(results, arm, kept, length):
    """Would this arm have left a class without examples, at any seed?"""
    return None in by_seed(results, arm, kept, length).values()


def compared(results, arm, kept, length):
    """The `Difference` of an arm, ``None`` with fewer than two pairs."""
    ours, theirs = (accuracies(results, one, kept, length) for one in (arm, RANDOM))
    seeds = sorted(ours.keys() & theirs.keys())
    if len(seeds) < 2:
        return None
    differences = np.array([ours[seed] - theirs[seed] for seed in seeds])
    mean = float(differences.mean())
    error = float(differences.std(ddof=1)) / np.sqrt(len(seeds))
    margin = float(t.ppf((1 + LEVEL) / 2, len(seeds) - 1)) * error
    # without any spread the test is undefined: nothing is decided by that
    p = float(ttest_1samp(differences, 0).pvalue) if error > 0 else 1.0
    accuracy = float(np.mean([ours[seed] for seed in seeds]))
    return Difference(arm, kept, length, len(seeds), accuracy, mean, mean - margin, mean + margin, p)


def all_compared(results):
    """Every comparison there is, by arm, share kept and length, adjusted for their number."""
    keys = [(arm, kept, length) for kept in KEPT for length in LENGTHS for arm in ARMS if arm != RANDOM]
    found = {key: one for key in keys if (one := compared(results, *key)) is not None}
    if not found:
        return {}
    adjusted = false_discovery_control([one.p for one in found.values()])
    return {
        key: replace(one, adjusted=float(p)) for (key, one), p in zip(found.items(), adjusted, strict=True)
    }
