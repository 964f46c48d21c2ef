"""Every score, in the order of the table's columns, and their declarations as text."""

from __future__ import annotations

import math

from easiness.errors import BadInput, nearest
from easiness.scoring import at_epoch, easiness_score, held_out, over_epochs
from easiness.scoring.score import Score

SCORES: tuple[Score, ...] = (
    easiness_score.EASINESS,
    at_epoch.DIFFICULTY,
    over_epochs.CUMULATIVE_ACCURACY,
    over_epochs.CUMULATIVE_CONFIDENCE,
    over_epochs.FORGETTING_EVENTS,
    over_epochs.FIRST_LEARNED_EPOCH,
    over_epochs.ITERATION_LEARNED,
    at_epoch.EL2N,
    over_epochs.AUM,
    over_epochs.CONFIDENCE,
    over_epochs.VARIABILITY,
    over_epochs.CORRECTNESS,
    over_epochs.ALEATORIC,
    over_epochs.DYN_UNC,
    over_epochs.DUAL,
    at_epoch.LOSS,
    at_epoch.ENTROPY,
    at_epoch.MAX_CONFIDENCE,
    held_out.CONSISTENCY,
    held_out.MEMORIZATION,
    held_out.SELF_CONFIDENCE,
    held_out.NORMALIZED_MARGIN,
    held_out.CONFIDENT_LEARNING_FLAG,
)


def find_score(name: str) -> Score:
    """The score of this name."""
    by_name = {score.name: score for score in SCORES}
    if name in by_name:
        return by_name[name]
    raise BadInput(f"score {name!r}: unknown{nearest(name, by_name)}; choose {', '.join(by_name)}")


_HEADER = ("name", "formula", "range", "high means", "needs", "source")


def _bounds(low: float, high: float) -> str:
    if math.isinf(low):
        return "any"
    if math.isinf(high):
        return f"{low:.3g} or more"
    return f"{low:.3g} to {high:.3g}"


def scores_markdown() -> str:
    """`SCORES` as a Markdown table, one row per score, without a newline at its end."""
    rows = [
        (
            f"`{score.name}`",
            score.formula,
            f"{_bounds(*score.range)}, {score.unit}",
            score.high_means,
            ", ".join(score.needs),
            score.source,
        )
        for score in SCORES
    ]
    lines = [_HEADER, ("---",) * len(_HEADER), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
