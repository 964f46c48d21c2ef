"""The learning curve of a run on features, as a part of its page."""

from __future__ import annotations

from dataclasses import dataclass

from easiness.show import Section, to_svg
from easiness.store import Run
from easiness.studies.learning import learning_curve


@dataclass(frozen=True)
class Learning:
    """The curve as an SVG element, and as a table to read."""

    figure: str
    section: Section


def learning(run: Run, key: str) -> Learning | None:
    """The curve of a run on features; ``None`` of any other run. ``key`` makes ids on the page unique."""
    if not run.shares:
        return None
    curve = learning_curve(run)
    label = "Left-out accuracy by the number of examples seen; the table below has the numbers."
    return Learning(to_svg(curve.figure(), key=f"{key}-learning", label=label), curve.sections()[0])
