"""Policies of `prune` that draw nothing: exactly the worst or the best examples by a score are dropped."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from easiness.errors import BadInput
from easiness.scores import find_score
from easiness.spec import Keep
from easiness.studies.training_sets.order import Order, order_of

EXACT = ("worst", "best")


def exact_order(score: str, keep: Keep | None, policy: str) -> Order:
    """The order in which ``policy``, one of `EXACT`, takes examples by a score.

    The worst are the hardest, by a score that speaks of labels those whose label is least sound, and by any
    other those at the end that is not to ``keep``.

    Raises:
        BadInput: as `order_of`, or the end to keep is to be dropped.
    """
    meaning = find_score(score).high_means
    if keep is None and meaning in ("sound label", "suspect label"):
        return order_of(score, "top" if (meaning == "sound label") == (policy == "worst") else "bottom")
    order = order_of(score, keep)
    if keep is not None and policy == "best":
        raise BadInput(
            f"policy 'best': --keep {keep} keeps that end of {score}; give worst, or keep the other"
        )
    return order


def first_dropped(
    order: Order, policy: str, ranking: npt.NDArray[np.float64], loss: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Values [K] whose largest are dropped first, and those that decide where they tie: by loss."""
    worst = policy == "worst"
    return (-ranking if worst and order.keep is None else ranking), (loss if worst else -loss)
