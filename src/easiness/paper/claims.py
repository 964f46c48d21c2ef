"""Claims and what decides them: estimates with intervals, against margins set beforehand."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, get_args

from easiness.show import without_nan

Side = Literal["above", "below"]
Verdict = Literal["holds", "does not hold", "undecided", "not tested here"]


class Contrast(NamedTuple):
    """A mean, a difference of means or another weighted sum of them, with its 95 % interval.

    NaN where there is none. ``decided`` is whether there are repetitions or trials enough to decide anything.
    """

    value: float
    interval: tuple[float, float]
    decided: bool


@dataclass(frozen=True)
class Statistic:
    """A number that must lie on one side of a margin.

    ``interval`` is a 95 % interval, ``None`` where there is none. ``side`` is where the claim needs the
    value to be. ``obstacle`` says why nothing is decided whatever the interval, empty where something is.
    """

    name: str
    value: float
    interval: tuple[float, float] | None
    side: Side
    margin: float
    obstacle: str = ""

    @property
    def verdict(self) -> Verdict:
        """The verdict, which only an interval wholly on one side of the margin decides."""
        if self.obstacle or self.interval is None or any(map(math.isnan, self.interval)):
            return "undecided"
        low, high = self.interval
        above, below = low > self.margin, high < self.margin
        if not above and not below:
            return "undecided"
        return "holds" if above == (self.side == "above") else "does not hold"


@dataclass(frozen=True)
class Claim:
    """A row of the table of claims; it holds where all of its statistics do, and falls with any of them.

    ``not_tested`` says why it is not tested here, empty where it is. ``note`` is what should be known
    beside the verdict.
    """

    id: str
    text: str
    holds_when: str
    statistics: tuple[Statistic, ...]
    not_tested: str = ""
    note: str = ""

    def __repr__(self) -> str:
        return f"Claim({self.id}, {self.text}: {self.verdict})"

    @property
    def verdict(self) -> Verdict:
        if self.not_tested:
            return "not tested here"
        verdicts = {statistic.verdict for statistic in self.statistics}
        if not verdicts:
            return "undecided"
        if "does not hold" in verdicts:
            return "does not hold"
        return "holds" if verdicts == {"holds"} else "undecided"

    @property
    def reason(self) -> str:
        """Why the verdict is what it is, in one sentence."""
        if self.not_tested:
            return self.not_tested
        verdict = self.verdict
        if verdict == "holds":
            return "every interval is on the side that the claim needs"
        if not self.statistics:
            return "there is nothing to decide it by"
        alike = [one.name for one in self.statistics if one.verdict == verdict]
        if verdict == "does not hold":
            return f"on the other side of the margin: {_some(alike)}"
        reasons = dict.fromkeys(one.obstacle for one in self.statistics if one.obstacle)
        if reasons:
            return _some([*reasons])
        return f"the interval contains the margin, or there is none: {_some(alike)}"

    def as_dict(self) -> dict[str, Any]:
        """For JSON: numbers that are undefined are ``None``."""
        return {
            "id": self.id,
            "claim": self.text,
            "holds_when": self.holds_when,
            "verdict": self.verdict,
            "reason": self.reason,
            "note": self.note,
            "statistics": [
                {
                    "name": one.name,
                    "value": without_nan(one.value),
                    "interval": None if one.interval is None else [*map(without_nan, one.interval)],
                    "needed": one.side,
                    "margin": one.margin,
                    "verdict": one.verdict,
                    "undecided_because": one.obstacle,
                }
                for one in self.statistics
            ],
        }


def _some(names: list[str]) -> str:
    first = "; ".join(names[:3])
    return first if len(names) <= 3 else f"{first}; and {len(names) - 3} more"


def count_verdicts(claims: Iterable[Claim]) -> dict[Verdict, int]:
    counts = Counter(claim.verdict for claim in claims)
    return {verdict: counts[verdict] for verdict in get_args(Verdict)}
