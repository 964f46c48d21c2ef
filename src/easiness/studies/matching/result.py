"""What a comparison of runs found: the matching rates of Table 1, their ceilings and reliability."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from easiness.show import Result, Section, result_html
from easiness.studies.matching.answers import answers, headline
from easiness.studies.matching.figure import draw_matching
from easiness.studies.matching.found import Compared
from easiness.studies.matching.sections import comparison_sections
from easiness.studies.matching.texts import as_markdown, cell_values, document

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Comparison(Compared, Result):
    """`Compared`, to be shown."""

    def table(self) -> pd.DataFrame:
        """One row per matching rate, both sides and all policies."""
        import pandas as pd

        return pd.DataFrame([cell_values(self, cell) for cell in self.cells])

    def figure(self) -> Figure:
        """Table 1 as a picture, see `draw_matching`."""
        return draw_matching(self)

    def sections(self) -> list[Section]:
        """The table that goes with the answers, then every other."""
        return [headline(self), *comparison_sections(self)]

    def document(self) -> dict[str, Any]:
        """Answers, matching rates, resolution and reliability, and the note or ``None``."""
        return document(self)

    def markdown(self) -> str:
        """Note, answers and all tables."""
        return as_markdown(self)

    def _repr_html_(self) -> str:
        return result_html(self.figure(), self.sections(), answers(self))
