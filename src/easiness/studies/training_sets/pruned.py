"""Which examples of a run are kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from easiness.show import FAINT, TRAIN, Result, Section, legend_above, new_axes, number
from easiness.spec import Keep
from easiness.store import Row
from easiness.studies.training_sets.policies import EXACT, is_sampled, order_of, sampled_text

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

NAMED = "ids"
"""The policy of examples that were dropped by name."""

_BINS = 30


@dataclass(frozen=True, eq=False)
class Pruned(Result):
    """The examples of a run, and which to keep.

    ``ids``, ``labels``, ``values`` and ``kept`` are [K] in the order of the run, ``classes`` the names by
    label. ``values`` are those of ``score`` in a ``row`` (after an epoch, or at a share), as in the table of
    scores: NaN for examples that were never learned, where it has none for them. They are ranked as the
    hardest. ``policy`` names the examples that were dropped, mainly or exactly (``worst``, ``best``, and
    `NAMED`), or the sampler that left them out with its number (``ccs:0.1``, ``dual:4``), and ``keep`` the
    end of the score that was kept, where high means neither easy nor hard. The share to ``drop`` was drawn
    with the ``seed``, of each class where it is ``balanced``.
    """

    ids: npt.NDArray[Any]
    labels: npt.NDArray[np.int64]
    classes: tuple[str, ...]
    score: str
    row: Row
    values: npt.NDArray[np.float64]
    kept: npt.NDArray[np.bool_]
    policy: str
    keep: Keep | None = None
    drop: float | None = None
    seed: int | None = None
    balanced: bool = False

    @property
    def epoch(self) -> int | None:
        """The epoch that the score is of; ``None`` of a run on features."""
        return self.row.number if self.row.share is None else None

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

    def figure(self) -> Figure:
        """A histogram of the score, the kept and dropped examples stacked; those without a score left out."""
        figure, axes = new_axes(5.2, 2.9)
        defined = ~np.isnan(self.values)
        parts = [self.values[self.kept & defined], self.values[~self.kept & defined]]
        axes.hist(parts, _BINS, stacked=True, color=[TRAIN, FAINT], label=["kept", "dropped"])
        axes.set(xlabel=f"{self.score} {self.row.at}", ylabel="examples")
        legend_above(axes, 2)
        return figure

    def sections(self) -> list[Section]:
        """One table: how many examples of each class are kept and dropped, with the mean score of both."""
        never = f" {self.num_never_learned} examples that no trial learned have none and rank as the hardest."
        rows = [["class", "kept", "dropped", f"{self.score} kept", f"{self.score} dropped"]]
        for name, kept, dropped, *means in self.by_class().itertuples(index=False):
            rows.append([name, str(kept), str(dropped), *(number(mean) for mean in means)])
        note = (
            f"By class, with the mean {self.score} {self.row.at} of both parts. "
            f"Dropped are {self._dropped()}."
        )
        if self.num_never_learned > 0 and self.policy != NAMED:
            note += never
        return [Section(f"{self.kept.sum()} of {len(self.kept)} examples kept", note, rows)]

    def _dropped(self) -> str:
        if self.policy == NAMED:
            return "exactly those named"
        order = order_of(self.score, self.keep)
        if is_sampled(self.policy):
            return f"{sampled_text(self.policy)}, by {order.by}"
        which = f"exactly the {self.policy}" if self.policy in EXACT else order.text(self.policy)
        return f"{which}, by {order.by}"


def _mean(values: npt.NDArray[np.float64]) -> float:
    defined = values[~np.isnan(values)]
    return float(defined.mean()) if len(defined) else np.nan
