"""What the trials of an experiment came to, by arm, network and pattern."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from easiness.paper.planted.design import Arm, Examples, Patterns, Preset
from easiness.paper.planted.estimates import Estimate, mean

if TYPE_CHECKING:
    from easiness.paper.planted.trial import Seen

Values = npt.NDArray[np.float64]
Measure: TypeAlias = Literal["easiness", "held_out"]
MEASURES: dict[Measure, str] = {"easiness": "easiness", "held_out": "held-out probability"}
"""Of carriers of a pattern's own label, and of that label on pictures that no training saw."""


@dataclass(frozen=True, eq=False)
class OfArm:
    """What the trials of a network in an arm came to, by trial and pattern, [T, P].

    ``easiness`` is the share of a pattern's carriers with its own label that the network is right about,
    ``contradicted`` that of carriers with other labels, not a number where there are none. ``held_out`` is
    the mean probability of the pattern's own label on pictures that no training saw. ``accuracy`` [T] is over
    all examples.
    """

    easiness: Values
    contradicted: Values
    held_out: Values
    accuracy: Values


@dataclass(frozen=True, eq=False)
class Found:
    """What was planted, the ``patterns``, and what each network made of them in each arm."""

    preset: Preset
    seed: int
    patterns: Patterns
    arms: Mapping[tuple[Arm, str], OfArm]

    def cell(self, arm: Arm, network: str, measure: str, support: int, contradiction: float) -> Estimate:
        """The mean over the patterns of a support and contradiction."""
        chosen = (self.patterns.support == support) & (self.patterns.contradiction == contradiction)
        values: Values = getattr(self.arms[arm, network], measure)[:, chosen]
        return mean(values)


def of_trials(
    patterns: Patterns,
    examples: Mapping[Arm, Examples],
    seen: Mapping[tuple[Arm, str], Sequence[Seen]],
) -> dict[tuple[Arm, str], OfArm]:
    """The trials of each arm and network, put together."""
    arms = {}
    for (arm, network), trials in seen.items():
        right = np.array([trial.right for trial in trials], np.float64)
        carriers, own = examples[arm].pattern, examples[arm].own
        arms[arm, network] = OfArm(
            easiness=_shares(right, carriers, own, len(patterns)),
            contradicted=_shares(right, carriers, ~own, len(patterns)),
            held_out=np.array([trial.held_out for trial in trials], np.float64),
            accuracy=right.mean(axis=1),
        )
    return arms


def _shares(
    right: Values, carriers: npt.NDArray[np.int64], chosen: npt.NDArray[np.bool_], num: int
) -> Values:
    """The share [T, P] of the chosen carriers of each pattern that a trial is right about."""
    sums = np.array([np.bincount(carriers[chosen], row[chosen], num) for row in right])
    counts = np.bincount(carriers[chosen], minlength=num).astype(np.float64)
    shares: Values = np.divide(sums, counts, out=np.full(sums.shape, np.nan), where=counts > 0)
    return shares
