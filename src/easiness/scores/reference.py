"""The declarations of all scores as text."""

from __future__ import annotations

import math

from easiness.scores.registry import SCORES

_HEADER = ("name", "formula", "unit", "range", "high means", "needs", "source")


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
            score.unit,
            _bounds(*score.range),
            score.high_means,
            ", ".join(score.needs),
            score.source,
        )
        for score in SCORES
    ]
    lines = [_HEADER, ("---",) * len(_HEADER), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
