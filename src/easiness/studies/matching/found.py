"""What a comparison of runs found: the matching rates of Table 1, their ceilings and reliability."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from easiness.analysis import Agreement, GroupMatch, Match, Side, Ties
from easiness.studies.matching.reliability import Reliability

if TYPE_CHECKING:
    pass


@dataclass(frozen=True)
class Cell:
    """One entry of a matching table: runs ``a`` and ``b`` by position, the same for a noise ceiling.

    ``groups`` compares groups of equal size and is ``None`` where a run has one trial; ``agreed`` is the
    `Agreement` that follows from it and the ceilings at the same group size. ``all_trials`` uses every trial
    and has no ceiling to be read against. On the diagonal both are ``None``.
    """

    a: int
    b: int
    side: Side
    ties: Ties
    groups: GroupMatch | None
    agreed: Agreement | None
    all_trials: Match | None

    @property
    def agreement(self) -> float:
        """The matching rate without the noise of few trials, in [0, 1]; NaN where it cannot be told."""
        return math.nan if self.agreed is None else self.agreed.rate

    @property
    def agreement_low(self) -> float:
        """Low end of the 95 % interval of `agreement`."""
        return math.nan if self.agreed is None else self.agreed.low

    @property
    def agreement_high(self) -> float:
        """High end of the 95 % interval of `agreement`."""
        return math.nan if self.agreed is None else self.agreed.high


@dataclass(frozen=True)
class Resolution:
    """How far the N + 1 levels of easiness tell one run's examples apart at the epoch compared."""

    num_trials: int
    right_in_all: float
    right_in_none: float
    tie_mass: dict[Side, float]


@dataclass(frozen=True)
class Compared:
    """Everything `compare` found; ``cells`` has the upper triangle for each side and policy.

    ``note`` says which runs have augmented observations or were not trained to the end then, where any.
    """

    names: list[str]
    epoch: int
    fraction: float
    num_examples: int
    ties: tuple[Ties, ...]
    cells: list[Cell]
    resolution: list[Resolution]
    reliability: list[Reliability]
    note: str | None = None

    @cached_property
    def _by_key(self) -> dict[tuple[int, int, Side, Ties], Cell]:
        return {(cell.a, cell.b, cell.side, cell.ties): cell for cell in self.cells}

    def cell(self, a: int, b: int, side: Side, ties: Ties) -> Cell:
        """The cell of two runs in either order."""
        return self._by_key[min(a, b), max(a, b), side, ties]
