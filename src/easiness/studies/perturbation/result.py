"""What `easiness perturb` shows: a curve, and the patterns that all networks still recognize, in one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from easiness.show import Result, Section
from easiness.studies.perturbation.curve import PerturbationCurve
from easiness.studies.perturbation.pseudo import PseudoPatterns

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Perturbed(Result):
    """A curve with its table and figure; the sections of the ``patterns`` stand below its own."""

    curve: PerturbationCurve
    patterns: PseudoPatterns

    def table(self) -> pd.DataFrame:
        """That of the curve."""
        return self.curve.table()

    def figure(self) -> Figure:
        """That of the curve."""
        return self.curve.figure()

    def sections(self) -> list[Section]:
        """Those of both."""
        return [*self.curve.sections(), *self.patterns.sections()]
