"""What became of training on a part of the examples, or with a part of the labels random."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from easiness.show import Result, Section
from easiness.studies.training_sets.figure import draw_by_rate
from easiness.studies.training_sets.found import TrainedSets
from easiness.studies.training_sets.sections import training_sets_sections

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False)
class TrainingSetStudy(TrainedSets, Result):
    """`TrainedSets`, to be shown."""

    def figure(self) -> Figure:
        """Figure 4, accuracy by rate, see `draw_by_rate`."""
        return draw_by_rate(self)

    def sections(self) -> list[Section]:
        """Accuracy by rate and policy, then differences from random draws, and from one rate to the next."""
        return training_sets_sections(self)


@dataclass(frozen=True, eq=False)
class EveryEpoch(Result):
    """A study ``of`` training sets whose table has a row for every epoch, not for the last alone."""

    of: TrainingSetStudy

    def table(self) -> pd.DataFrame:
        """A row for each policy, rate and epoch."""
        return self.of.table(every_epoch=True)

    def figure(self) -> Figure:
        """That of the study."""
        return self.of.figure()

    def sections(self) -> list[Section]:
        """Those of the study."""
        return self.of.sections()
