"""What a validation found: right answers by easiness, and where the wrong ones lie."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from easiness.show import Result, Section
from easiness.studies.validation.figure import draw_validation
from easiness.studies.validation.found import Validated
from easiness.studies.validation.sections import validation_sections

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

_Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Validation(Validated, Result):
    """`Validated`, to be shown."""

    def table(self) -> pd.DataFrame:
        """A row per point of the curves, then per share of the hardest.

        ``value`` is the share of final models that are right, or that of the misclassified.
        """
        import pandas as pd

        rows: list[dict[str, Any]] = []
        for view in self.views:
            fixed = {"easiness_of": view.name, "trials": view.num_trials, "epoch": self.epoch}
            fixed |= {"final_models": self.num_final, "final_epoch": self.final_epoch}
            rows += [
                {
                    "part": "curve",
                    **fixed,
                    "trials_right": point.count,
                    "easiness": point.easiness,
                    "fraction": math.nan,
                    "examples": point.num_examples,
                    "value": point.right,
                    "low": point.interval[0],
                    "high": point.interval[1],
                    "chance": self.chance,
                }
                for point in view.curve
            ]
            rows += [
                {
                    "part": "misclassified in the hardest",
                    **fixed,
                    "trials_right": math.nan,
                    "easiness": math.nan,
                    "fraction": one.fraction,
                    "examples": one.num_hardest,
                    "value": one.value,
                    "low": one.interval[0],
                    "high": one.interval[1],
                    "chance": one.fraction,
                    "expected": one.expected,
                    "most": one.most,
                    "tie_mass": one.tie_mass,
                }
                for one in view.hardest
            ]
        return pd.DataFrame(rows)

    def figure(self) -> Figure:
        """Figure 5 for the first model's easiness, see `draw_validation`."""
        return draw_validation(self)

    def sections(self) -> list[Section]:
        """The final models, the misclassified among the hardest, and a curve for each view on easiness."""
        return validation_sections(self)
