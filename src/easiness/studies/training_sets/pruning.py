"""``prune``: which examples to keep: drawn as the ablation study draws them, ranked exactly, or named."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from easiness.analysis import check_classes_left, draw_by_rank, foremost
from easiness.errors import BadInput
from easiness.scores import find_score
from easiness.show import Result, Section
from easiness.spec import Keep
from easiness.store import Run, check_opened
from easiness.studies.training_sets.exact import EXACT, exact_order, first_dropped
from easiness.studies.training_sets.kept import NAMED, Kept
from easiness.studies.training_sets.named import named_positions
from easiness.studies.training_sets.order import Order, order_of, policy_to_keep
from easiness.studies.training_sets.prune_figure import draw_pruned
from easiness.studies.training_sets.prune_sections import pruned_sections
from easiness.studies.training_sets.ranks import ranked
from easiness.studies.training_sets.sampled import SAMPLED, is_sampled, sampled_drop, sampled_policy

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_REMEDY = "drop a smaller share, or give more examples"


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
    drop: float | None = None,
    policy: str | None = None,
    score: str = "easiness",
    keep: Keep | None = None,
    epoch: int | None = None,
    balanced: bool = False,
    seed: int = 0,
    ids: str | Path | Iterable[Any] | None = None,
) -> Pruned:
    """Drop some examples and keep the others: drawn by their rank (`draw_by_rank`), exactly, or by name.

    Args:
        run: whose scores rank the examples.
        drop: share of the examples to drop, in [0, 1); 0.3 by default.
        policy: ``easy``, ``hard``, ``random`` or ``beta:A,B``: which examples are mainly dropped. By default
            ``easy``, or with ``keep`` the other end, where there is no easy and hard. ``worst`` and ``best``
            draw nothing: exactly the hardest or the easiest are dropped, by a score that speaks of labels
            those with the least or the most sound label, and with ``keep`` the ``worst`` are those at the
            other end. Ties go by the mean loss after that epoch, then by a hash of the id (`foremost`).
            ``ccs`` or ``ccs:CUT`` keeps the same number of every stratum of the score, the hardest cut away
            (`draw_for_coverage`), ``dual`` or ``dual:C_D`` draws what is kept by the score and the confidence
            (`draw_by_beta`); the end to ``keep`` has the place of the hard examples.
        score: to rank by.
        keep: ``top`` or ``bottom``: the end of the score that is mainly kept. Where high means neither easy
            nor hard its examples have the place of the hard ones in ``beta:A,B``; elsewhere a policy says
            which end is dropped, so that only one of both can be given.
        epoch: read the score after this many epochs; the last by default.
        balanced: drop the same share of each class.
        seed: of the draw, and of the hash of ids.
        ids: drop exactly these examples, and no others: their ids, or a file, which is text with an id a line
            or FILE.csv with a column ``id``. The score is then for the summary alone.

    Raises:
        BadInput: something given cannot be used, an id is unknown, or a class would be left without examples.
    """
    check_opened(run=run)
    if ids is not None:
        given = {"--drop": drop is not None, "--policy": policy, "--keep": keep, "--balanced": balanced}
        _check_alone([name for name, value in given.items() if value])
        return _without(run, named_positions(ids, run.ids), score, epoch)
    rate = 0.3 if drop is None else drop
    if not 0 <= rate < 1:
        raise BadInput(f"drop {rate}: not in [0, 1); give the share of the examples to drop, such as 0.3")
    if policy is None and keep is not None:
        policy = policy_to_keep(score, keep)
        keep = None if policy is not None else keep
    order = exact_order(score, keep, policy) if policy in EXACT else order_of(score, keep)
    policy = next(iter(order.policies)) if policy is None else policy
    if is_sampled(policy):
        sampled_policy(policy, rate)  # before anything is read
    elif policy not in EXACT:
        policy, beta = _density(order, policy)
    epoch = run.resolve_epoch(epoch)
    table = run.scores(epoch)
    values, ranking = ranked(run, order, epoch, table)
    labels = run.labels if balanced else None
    if is_sampled(policy):
        policy, dropped = sampled_drop(run, policy, ranking, table, rate, balanced=balanced, seed=seed)
    elif policy in EXACT:
        first, finer = first_dropped(order, policy, ranking, table["loss"].to_numpy())
        dropped = foremost(first, rate, refine_by=finer, ids=run.ids, seed=seed, labels=labels)
    else:
        dropped = draw_by_rank(ranking, rate, beta, seed, labels=labels)
    remedy = _REMEDY if balanced else f"{_REMEDY}, or drop the same share of each class (--balanced)"
    check_classes_left(run.labels, dropped, run.classes, remedy=remedy)
    kept = _all_but(dropped, len(values))
    return Pruned(run.ids, run.labels, run.classes, score, epoch, values, kept, policy, order.keep)


def _density(order: Order, policy: str) -> tuple[str, tuple[float, float]]:
    """The name and the parameters of the density to draw by."""
    try:
        beta = order.beta(policy, others=(*EXACT, *SAMPLED))
    except BadInput as error:
        raise BadInput(
            f"{error}; or {' or '.join(EXACT)}, to drop exactly those; or {' or '.join(SAMPLED)}"
        ) from None
    return order.name(beta), beta


def _check_alone(others: list[str]) -> None:
    if others:
        raise BadInput(f"--ids: drops exactly the examples that it names; leave {', '.join(others)} out")


def _without(run: Run, dropped: npt.NDArray[np.int64], score: str, epoch: int | None) -> Pruned:
    find_score(score)
    epoch = run.resolve_epoch(epoch)
    check_classes_left(run.labels, dropped, run.classes, drawn_by="--ids", remedy="name fewer of them")
    values = run.scores(epoch)[score].to_numpy()
    kept = _all_but(dropped, len(values))
    return Pruned(run.ids, run.labels, run.classes, score, epoch, values, kept, policy=NAMED)


def _all_but(dropped: npt.NDArray[np.int64], num: int) -> npt.NDArray[np.bool_]:
    kept = np.ones(num, np.bool_)
    kept[dropped] = False
    return kept
