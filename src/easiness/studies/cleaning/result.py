"""What cleaning does to each example, to be shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from easiness.show import Result, Section
from easiness.studies.cleaning.figure import draw_cleaned
from easiness.studies.cleaning.found import CleanedLabels
from easiness.studies.cleaning.sections import cleaned_sections

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False)
class Cleaned(CleanedLabels, Result):
    """`CleanedLabels`, to be shown."""

    def figure(self) -> Figure:
        """How many examples of each class change, see `draw_cleaned`."""
        return draw_cleaned(self)

    def sections(self) -> list[Section]:
        """One table: how many examples of each class change."""
        return cleaned_sections(self)
