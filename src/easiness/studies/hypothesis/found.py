"""What an experiment came to: its values by pattern, its estimates, and the claims that they decide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from easiness import show
from easiness.studies.hypothesis.design import Arm, Examples, Patterns, Preset
from easiness.studies.hypothesis.estimates import Estimate, mean

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from easiness.studies.hypothesis.trial import Seen
    from easiness.studies.paper import Claim

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
class Hypothesis(show.Result):
    """The experiment: its ``patterns``, and what each network made of them in each arm."""

    preset: Preset
    seed: int
    patterns: Patterns
    arms: Mapping[tuple[Arm, str], OfArm]

    @cached_property
    def claims(self) -> list[Claim]:
        """The claims with their verdicts."""
        from easiness.studies.hypothesis.claims import claims_of

        return claims_of(self)

    @property
    def text(self) -> str:
        """``3 of 8 claims hold, ...`` in one line."""
        from easiness.studies.paper import count_verdicts

        counts = count_verdicts(self.claims)
        return ", ".join(f"{number} {verdict}" for verdict, number in counts.items() if number)

    def cell(self, arm: Arm, network: str, measure: str, support: int, contradiction: float) -> Estimate:
        """The mean over the patterns of a support and contradiction."""
        chosen = (self.patterns.support == support) & (self.patterns.contradiction == contradiction)
        values: Values = getattr(self.arms[arm, network], measure)[:, chosen]
        return mean(values)

    def table(self) -> pd.DataFrame:
        """A row for each arm, network and pattern: what it is, and the means over trials."""
        import pandas as pd

        patterns = self.patterns
        return pd.concat(
            [
                pd.DataFrame(
                    {
                        "arm": arm,
                        "network": network,
                        "pattern": np.arange(len(patterns)),
                        "class": patterns.label,
                        "support": patterns.support,
                        "contradiction": patterns.contradiction,
                        "frequency": patterns.frequency,
                        "easiness": found.easiness.mean(axis=0),
                        "easiness_contradicted": found.contradicted.mean(axis=0),
                        "held_out_probability": found.held_out.mean(axis=0),
                    }
                )
                for (arm, network), found in self.arms.items()
            ],
            ignore_index=True,
        )

    def figure(self) -> Figure:
        """Easiness against frequency by contradiction, in both arms, a row for each network."""
        from easiness.studies.hypothesis.figure import frequency_figure

        return frequency_figure(self, "easiness")

    def sections(self) -> list[show.Section]:
        """The verdicts, then the numbers that they rest on."""
        from easiness.studies.hypothesis.text import sections_of

        return sections_of(self)

    def document(self) -> Any:
        """The settings, the claims, and the rows of the table."""
        return {
            "preset": self.preset.as_dict(),
            "seed": self.seed,
            "claims": [claim.as_dict() for claim in self.claims],
            "rows": super().document(),
        }


def of_trials(
    preset: Preset,
    seed: int,
    patterns: Patterns,
    examples: Mapping[Arm, Examples],
    seen: Mapping[tuple[Arm, str], Sequence[Seen]],
) -> Hypothesis:
    """Put the trials of each arm and network together."""
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
    return Hypothesis(preset, seed, patterns, arms)


def _shares(
    right: Values, carriers: npt.NDArray[np.int64], chosen: npt.NDArray[np.bool_], num: int
) -> Values:
    """The share [T, P] of the chosen carriers of each pattern that a trial is right about."""
    sums = np.array([np.bincount(carriers[chosen], row[chosen], num) for row in right])
    counts = np.bincount(carriers[chosen], minlength=num).astype(np.float64)
    shares: Values = np.divide(sums, counts, out=np.full(sums.shape, np.nan), where=counts > 0)
    return shares
