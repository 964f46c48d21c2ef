"""One order of difficulty from several runs over the same data: the mean of their ranks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from easiness import show
from easiness.regular_file import in_words
from easiness.scoring import Moments
from easiness.spec import Split
from easiness.store import Run
from easiness.studies.matching import check_comparable

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

_FIRST = 20  # rows that are shown


@dataclass(frozen=True, eq=False)
class CombinedScores(show.Result):
    """Examples with the ranks that several runs give them, and the mean of these, the hardest first.

    ``agreement`` is Spearman's rank correlation of the runs, the mean over pairs.
    """

    runs: tuple[Run, ...]
    scores: pd.DataFrame = field(repr=False)
    agreement: float
    listing = "scores"

    def table(self) -> pd.DataFrame:
        """A row an example, in the order of the runs.

        ``id``, ``label``, ``class``; ``difficulty``, the mean over runs of the rank by `difficulty`
        in each, from 0 (easiest) to 1 (hardest), with ``difficulty_se``, ``difficulty_low`` and
        ``difficulty_high`` over runs; then each run's own rank, ``rank_1``, ``rank_2``, ..., and
        ``easiness_1``, ``easiness_2``, ...
        """
        return self.scores

    def printed(self) -> list[show.Section]:
        """The table is long enough."""
        return []

    def figure(self) -> Figure:
        """The ranks of the first two runs against each other."""
        figure, axes = show.new_axes(4.2, 4.0)
        axes.scatter(self.scores["rank_1"], self.scores["rank_2"], s=4, alpha=0.3, color=show.HARD, lw=0)
        axes.set(xlabel=f"rank in {self.runs[0].path.name}", ylabel=f"rank in {self.runs[1].path.name}")
        return figure

    def frames(self) -> list[show.Frame]:
        """The hardest examples in the combined order."""
        names = ", ".join(f"{in_words(run.path)} ({run.model})" for run in self.runs)
        hardest = self.scores.sort_values("difficulty", ascending=False, kind="stable").head(_FIRST)
        ranks = [f"rank_{at}" for at in range(1, len(self.runs) + 1)]
        note = (
            f"{names}. Difficulty is the mean rank of an example over the runs: 0 is the easiest, 1 "
            f"the hardest. The runs' ranks correlate at {self.agreement:.2f}."
        )
        columns = {name: show.numbers(3) for name in ("difficulty", *ranks)}
        columns = {"id": show.names(), "class": show.names(), **columns}
        return [show.Frame("The hardest examples of all runs together", note, hardest, columns)]


def combined_scores(runs: Sequence[Run], *, split: Split = "train") -> CombinedScores:
    """One order of difficulty from several runs over the same data, such as a training and heads on features.

    Each is read at its last epoch or largest share. What runs see differs, and so do their mistakes: the mean
    of their ranks is nearer to what a third one finds hard than either. No weight is fitted.
    """
    import pandas as pd

    check_comparable(runs)
    tables = [run.scores(split=split) for run in runs]
    ranks = np.stack([_ranks(table["difficulty"].to_numpy(np.float64)) for table in tables])
    moments = Moments(ranks.shape[1])
    for rank in ranks:
        moments.add(rank)
    found = moments.estimate()
    columns: dict[str, npt.NDArray[np.float64]] = {
        "difficulty": found.value,
        "difficulty_se": found.se,
        "difficulty_low": np.maximum(found.low, 0),
        "difficulty_high": np.minimum(found.high, 1),
    }
    for at, (rank, table) in enumerate(zip(ranks, tables, strict=True), 1):
        columns |= {f"rank_{at}": rank, f"easiness_{at}": table["easiness"].to_numpy()}
    fixed = tables[0][["id", "label", "class"]]
    pairs = np.asarray(np.corrcoef(ranks))[np.triu_indices(len(ranks), 1)]
    return CombinedScores(tuple(runs), pd.concat([fixed, pd.DataFrame(columns)], axis=1), float(pairs.mean()))


def _ranks(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Ranks [K] from 0 to 1, the mean of them for equal values."""
    from scipy.stats import rankdata

    ranked: npt.NDArray[np.float64] = (rankdata(values) - 1) / max(len(values) - 1, 1)
    return ranked
