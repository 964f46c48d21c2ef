"""What changed between two versions of a data set, to be shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from easiness.show import Result, Section
from easiness.studies.versions.figure import draw_changes
from easiness.studies.versions.found import ChangedExamples
from easiness.studies.versions.sections import changes_sections

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False)
class Difference(ChangedExamples, Result):
    """`ChangedExamples`, to be shown."""

    def figure(self) -> Figure:
        """The confidence of each example in both versions, see `draw_changes`."""
        return draw_changes(self)

    def sections(self) -> list[Section]:
        """What changed in each class, then the examples that changed most surely."""
        return changes_sections(self)
