"""``prune``: which examples to keep, drawn as the ablation study draws them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from easiness.analysis import check_classes_left, draw_by_rank
from easiness.show import Result, Section
from easiness.spec import Keep
from easiness.store import Run
from easiness.studies.training_sets.kept import Kept
from easiness.studies.training_sets.order import order_of
from easiness.studies.training_sets.prune_figure import draw_pruned
from easiness.studies.training_sets.prune_sections import pruned_sections
from easiness.studies.training_sets.ranks import score_and_ranking

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False)
class Pruned(Kept, Result):
    """`Kept`, to be shown."""

    def figure(self) -> Figure:
        """How the scores of the kept and of the dropped examples are spread, see `draw_pruned`."""
        return draw_pruned(self)

    def sections(self) -> list[Section]:
        """One table: how many are kept and dropped of each class."""
        return pruned_sections(self)


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
