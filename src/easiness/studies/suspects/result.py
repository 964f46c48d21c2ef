"""The suspects of a run, to be shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from easiness.show import Result, Section
from easiness.studies.suspects.figure import draw_suspects
from easiness.studies.suspects.found import RankedLabels
from easiness.studies.suspects.sections import suspects_sections

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False)
class Suspects(RankedLabels, Result):
    """`RankedLabels`, to be shown."""

    def document(self) -> Any:
        """The value of the JSON file, see `RankedLabels.document`."""
        return RankedLabels.document(self)

    def figure(self) -> Figure:
        """How the margins of sound and of wrong labels are spread, see `draw_suspects`."""
        return draw_suspects(self)

    def sections(self) -> list[Section]:
        """What is certain, then the first suspects."""
        return suspects_sections(self)
