"""``prune``: which examples to keep, drawn as the ablation study draws them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from easiness.spec import Keep

if TYPE_CHECKING:
    import pandas as pd

NAMED = "ids"
"""The policy of examples that were dropped by name."""


@dataclass(frozen=True, eq=False)
class Kept:
    """The examples of a run, and which to keep.

    ``ids``, ``labels``, ``values`` and ``kept`` are [K] in the order of the run, ``classes`` the names by
    label. ``values`` are those of ``score`` after ``epoch`` epochs, as in the table of scores: NaN for
    examples that were never learned, where it has none for them. They are ranked as the hardest. ``policy``
    names the examples that were dropped, mainly or exactly (``worst``, ``best``, and `NAMED`), or the sampler
    that left them out with its number (``ccs:0.1``, ``dual:4``), and ``keep`` the end of the score that was
    kept, where high means neither easy nor hard.
    """

    ids: npt.NDArray[Any]
    labels: npt.NDArray[np.int64]
    classes: tuple[str, ...]
    score: str
    epoch: int
    values: npt.NDArray[np.float64]
    kept: npt.NDArray[np.bool_]
    policy: str
    keep: Keep | None = None

    @property
    def num_never_learned(self) -> int:
        """Number of examples without a value, which rank as the hardest."""
        return int(np.isnan(self.values).sum())

    def table(self) -> pd.DataFrame:
        """The kept examples, a row each: ``id``, ``label``, ``class``."""
        import pandas as pd

        labels = self.labels[self.kept]
        names = np.array(self.classes, dtype=object)[labels]
        return pd.DataFrame({"id": self.ids[self.kept], "label": labels, "class": names})

    def by_class(self) -> pd.DataFrame:
        """How many examples of each class are kept and dropped, and the mean score of both.

        The mean is over those that have a score, NaN where none does.
        """
        import pandas as pd

        rows = []
        for label, name in enumerate(self.classes):
            own = self.labels == label
            kept, dropped = self.values[own & self.kept], self.values[own & ~self.kept]
            rows.append(
                {
                    "class": name,
                    "kept": len(kept),
                    "dropped": len(dropped),
                    f"{self.score}_kept": _mean(kept),
                    f"{self.score}_dropped": _mean(dropped),
                }
            )
        return pd.DataFrame(rows)


def _mean(values: npt.NDArray[np.float64]) -> float:
    defined = values[~np.isnan(values)]
    return float(defined.mean()) if len(defined) else np.nan
