"""Every score, in the order of the table's columns."""

from __future__ import annotations

from easiness.errors import BadInput, nearest
from easiness.scores.at_epoch import EL2N, ENTROPY, LOSS, MAX_CONFIDENCE
from easiness.scores.confident_learning import CONFIDENT_LEARNING_FLAG, NORMALIZED_MARGIN
from easiness.scores.easiness import EASINESS
from easiness.scores.held_out import CONSISTENCY, MEMORIZATION, SELF_CONFIDENCE
from easiness.scores.learning import FIRST_LEARNED_EPOCH, FORGETTING_EVENTS, ITERATION_LEARNED
from easiness.scores.over_epochs import (
    ALEATORIC,
    AUM,
    CONFIDENCE,
    CORRECTNESS,
    CUMULATIVE_ACCURACY,
    CUMULATIVE_CONFIDENCE,
    VARIABILITY,
)
from easiness.scores.score import Score
from easiness.scores.windows import DUAL, DYN_UNC

SCORES: tuple[Score, ...] = (
    EASINESS,
    CUMULATIVE_ACCURACY,
    CUMULATIVE_CONFIDENCE,
    FORGETTING_EVENTS,
    FIRST_LEARNED_EPOCH,
    ITERATION_LEARNED,
    EL2N,
    AUM,
    CONFIDENCE,
    VARIABILITY,
    CORRECTNESS,
    ALEATORIC,
    DYN_UNC,
    DUAL,
    LOSS,
    ENTROPY,
    MAX_CONFIDENCE,
    CONSISTENCY,
    MEMORIZATION,
    SELF_CONFIDENCE,
    NORMALIZED_MARGIN,
    CONFIDENT_LEARNING_FLAG,
)


def find_score(name: str) -> Score:
    """The score of this name.

    Raises:
        BadInput: there is none.
    """
    for score in SCORES:
        if score.name == name:
            return score
    names = [score.name for score in SCORES]
    raise BadInput(
        f"score {name!r}: unknown{nearest(name, names)}; choose {', '.join(names)} (docs/scores.md says what "
        "each is)"
    )
