"""The examples of a run by how suspect their labels are."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from easiness.show import defined
from easiness.spec import Split
from easiness.studies.suspects.conflicts_found import Conflicts

if TYPE_CHECKING:
    import pandas as pd

ABOVE = 0.1
"""The least probability of a wrong label that is listed."""
AT_LEAST = 5
"""So many are listed in any case: one looks at the first ones anyway."""


def how_many_listed(p_wrong: npt.NDArray[np.float64], above: float) -> int:
    """How many of the most suspicious examples are listed, by the probabilities [K] of all."""
    return max(int((p_wrong >= above).sum()), min(AT_LEAST, len(p_wrong)))


@dataclass(frozen=True, eq=False)
class RankedLabels:
    """The labels of a ``split`` of a run, most suspicious first, as ``ranked``, a row for each example.

    Its columns are those of `table` and ``margin``, ``p_label`` (means over trials and epochs),
    ``rival_share`` (of the predictions that are not the label, how many are the suggested class),
    ``num_heard`` trials, and whether they ``left_out`` the example. ``share`` is the expected share of wrong
    labels, ``known`` the share of the predictions heard that are the label. The table has those of a
    probability of ``above`` or more, and the first few in any case. ``conflicts`` are certain;
    ``left_out_kinds`` says which kinds were not looked for and why.
    """

    model: str
    split: Split
    num_trials: int
    epochs: tuple[int, ...]
    classes: tuple[str, ...]
    ranked: pd.DataFrame = field(repr=False)
    share: float
    known: float
    above: float
    conflicts: Conflicts = field(repr=False)
    left_out_kinds: dict[str, str]

    @property
    def num_likely(self) -> int:
        """How many labels are more likely wrong than right."""
        return int((self.ranked["p_wrong"] >= 1 / 2).sum())

    @property
    def num_listed(self) -> int:
        """How many examples the table has."""
        return how_many_listed(self.ranked["p_wrong"].to_numpy(), self.above)

    def table(self) -> pd.DataFrame:
        """The suspects, most suspicious first.

        ``id``, ``label`` and ``class``, the ``suggested`` label (-1 where no trial disagrees) and its class,
        ``p_wrong``, ``suggested_share`` (the share of all predictions heard that name it), ``kind`` and
        ``reason``, then the scores behind it.
        """
        return self.ranked.head(self.num_listed)

    def document(self) -> Any:
        """The value of the JSON file: the expected share, conflicts and suspects."""
        return {
            "split": self.split,
            "num_examples": len(self.ranked),
            "share": self.share,
            "known": self.known,
            "num_likely": self.num_likely,
            "kinds_left_out": self.left_out_kinds,
            "conflicts": [defined(row) for row in self.conflicts.table().to_dict("records")],
            "suspects": [defined(row) for row in self.table().to_dict("records")],
        }
