"""What other labels are worth, to be shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from easiness.show import Result, Section
from easiness.studies.verification.figure import draw_verification
from easiness.studies.verification.found import VerifiedLabels
from easiness.studies.verification.sections import verification_sections

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False)
class Verification(VerifiedLabels, Result):
    """`VerifiedLabels`, to be shown."""

    def figure(self) -> Figure:
        """The gain of each trial and of all, see `draw_verification`."""
        return draw_verification(self)

    def sections(self) -> list[Section]:
        """The accuracy with both labels, then that of each trial."""
        return verification_sections(self)
