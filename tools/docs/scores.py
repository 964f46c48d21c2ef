"""The table of scores on docs/scores.md: `python tools/docs/scores.py` prints it."""

from __future__ import annotations

import math

from easiness.scoring import SCORES


def _bounds(low: float, high: float) -> str:
    if math.isinf(low):
        return "any"
    return f"{low:.3g} or more" if math.isinf(high) else f"{low:.3g} to {high:.3g}"


def table() -> str:
    """`SCORES` in Markdown, one row per score, without a newline at its end."""
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
    header = ("name", "formula", "range", "high means", "needs", "source")
    lines = [header, ("---",) * len(header), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


if __name__ == "__main__":
    print(table())
