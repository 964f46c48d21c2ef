"""A curve of matching rates and accuracy against the level of a perturbation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from easiness.show import Result, Section
from easiness.studies.perturbation.figure import draw_perturbation
from easiness.studies.perturbation.perturbed_sets import PerturbedSets
from easiness.studies.perturbation.sections import perturbation_sections

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class PerturbationCurve(PerturbedSets, Result):
    """`PerturbedSets`, to be shown."""

    def figure(self) -> Figure:
        """Figure 2, see `draw_perturbation`."""
        return draw_perturbation(self)

    def sections(self) -> list[Section]:
        """Each side under each policy for ties, then accuracy."""
        return perturbation_sections(self)
