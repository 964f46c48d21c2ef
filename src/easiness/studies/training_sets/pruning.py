"""``prune``: which examples to keep, drawn as the ablation study draws them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from easiness.analysis import check_classes_left, draw_by_rank
from easiness.show import Result, Section
from easiness.spec import Keep
from easiness.store import Run
from easiness.studies.training_sets.order import order_of
from easiness.studies.training_sets.ranks import score_and_ranking

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False)
class Pruned(Result):
    """The examples of a run, and which to keep.

    ``ids``, ``labels``, ``values`` and ``kept`` are [K] in the order of the run, ``classes`` the names by
    label. ``values`` are those of ``score`` after ``epoch`` epochs, as in the table of scores: NaN for
    examples that were never learned, where it has none for them. They are ranked as the hardest. ``policy``
    names the examples that were mainly dropped and ``keep`` the end of the score that was mainly kept, where
    high means neither easy nor hard.
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

    def figure(self) -> Figure:
        """How the scores of the kept and of the dropped examples are spread, see `draw_pruned`."""
        from easiness.studies.training_sets.prune_figure import draw_pruned

        return draw_pruned(self)

    def sections(self) -> list[Section]:
        """One table: how many are kept and dropped of each class."""
        from easiness.studies.training_sets.prune_sections import pruned_sections

        return pruned_sections(self)

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


def prune(
    run: Run,
    *,
    drop: float = 0.3,
    policy: str | None = None,
    score: str = "easiness",
    keep: Keep | None = None,
    epoch: int | None = None,
    balanced: bool = False,
    seed: int = 0,
) -> Pruned:
    """Draw examples to drop by their rank (`draw_by_rank`), and keep the others.

    Args:
        run: whose scores rank the examples.
        drop: share of the examples to drop, in [0, 1).
        policy: ``easy``, ``hard``, ``random`` or ``beta:A,B``: which examples are mainly dropped. By default
            ``easy``, or with ``keep`` the other end, where there is no easy and hard.
        score: to rank by.
        keep: ``top`` or ``bottom``: the end of the score that is mainly kept, where high means neither easy
            nor hard. Its examples have the place of the hard ones in ``beta:A,B``.
        epoch: read the score after this many epochs; the last by default.
        balanced: drop the same share of each class.
        seed: of the draw.

    Raises:
        BadInput: something given cannot be used, or a class would be left without examples.
    """
    order = order_of(score, keep)
    beta = order.beta(next(iter(order.policies)) if policy is None else policy)
    epoch = run.resolve_epoch(epoch)
    values, ranking = score_and_ranking(run, order, epoch)
    drawn = draw_by_rank(ranking, drop, beta, seed, labels=run.labels if balanced else None)
    check_classes_left(run.labels, drawn, run.classes)
    kept = np.ones(len(values), np.bool_)
    kept[drawn] = False
    return Pruned(
        run.ids, run.labels, run.classes, score, epoch, values, kept, policy=order.name(beta), keep=keep
    )
