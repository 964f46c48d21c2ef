"""The result of the experiment: rows, figure, tables, and the claims that it decides."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from easiness import show
from easiness.studies.hypothesis.claims import claims_of, of_the_whole
from easiness.studies.hypothesis.figure import frequency_figure
from easiness.studies.hypothesis.found import Found
from easiness.studies.hypothesis.text import sections_of
from easiness.studies.paper import Claim, count_verdicts

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False)
class Hypothesis(Found, show.Result):
    """The experiment: what was planted and what became of it, and the ``claims`` that it decides."""

    @cached_property
    def claims(self) -> list[Claim]:
        """The claims with their verdicts."""
        return claims_of(self)

    @property
    def text(self) -> str:
        """``5 holds, 3 undecided; the hypothesis ...`` in one line."""
        counts = count_verdicts(self.claims)
        told = ", ".join(f"{number} {verdict}" for verdict, number in counts.items() if number)
        return f"{told}; {of_the_whole({one.id: one.verdict for one in self.claims})}"

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
        return frequency_figure(self, "easiness")

    def sections(self) -> list[show.Section]:
        """The verdicts, then the numbers that they rest on."""
        return sections_of(self, self.claims)

    def document(self) -> Any:
        """The settings, the claims, and the rows of the table."""
        return {
            "preset": self.preset.as_dict(),
            "seed": self.seed,
            "claims": [claim.as_dict() for claim in self.claims],
            "rows": super().document(),
        }
