"""Claims and what decides them, statistics against margins set beforehand; and the claims of section 7."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from easiness.analysis import MIN_GROUP
from easiness.paper import training_sets

_FEW_REPETITIONS = f"fewer than {MIN_GROUP} repetitions decide nothing"

Side = Literal["above", "below"]
Verdict = Literal["holds", "does not hold", "undecided", "not tested here"]


@dataclass(frozen=True)
class Statistic:
    """A number that must lie on one side of a margin.

    ``interval`` is a 95 % interval, ``None`` where there is none. ``side`` is where the claim needs the
    value to be. ``undecided`` says why nothing is decided whatever the interval, empty where something is.
    """

    name: str
    value: float
    interval: tuple[float, float] | None
    side: Side
    margin: float
    undecided: str = ""

    @property
    def verdict(self) -> Verdict:
        """Decided only by an interval that is wholly on one side of the margin."""
        if self.undecided or self.interval is None or any(map(math.isnan, self.interval)):
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
        """The verdict on the claim as a whole."""
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
        if verdict == "does not hold":
            failed = [s.name for s in self.statistics if s.verdict == "does not hold"]
            return f"on the other side of the margin: {_some(failed)}"
        reasons = [s.undecided for s in self.statistics if s.undecided]
        if reasons:
            return _some(list(dict.fromkeys(reasons)))
        open_ones = [s.name for s in self.statistics if s.verdict == "undecided"]
        return f"the interval contains the margin, or there is none: {_some(open_ones)}"

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
                    "name": s.name,
                    "value": _finite(s.value),
                    "interval": None if s.interval is None else [_finite(end) for end in s.interval],
                    "needed": s.side,
                    "margin": s.margin,
                    "verdict": s.verdict,
                    "undecided_because": s.undecided,
                }
                for s in self.statistics
            ],
        }


def _some(names: list[str]) -> str:
    shown = "; ".join(names[:3])
    return shown if len(names) <= 3 else f"{shown}; and {len(names) - 3} more"


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def count_verdicts(claims: Iterable[Claim]) -> dict[Verdict, int]:
    """How many claims got each verdict."""
    counts: dict[Verdict, int] = {"holds": 0, "does not hold": 0, "undecided": 0, "not tested here": 0}
    for claim in claims:
        counts[claim.verdict] += 1
    return counts


def _statistic(name: str, one: training_sets.Contrast, side: Side, margin: float = 0.0) -> Statistic:
    return Statistic(name, one.value, one.interval, side, margin, "" if one.decided else _FEW_REPETITIONS)


def _falls(curve: training_sets.AccuracyCurve, what: str) -> list[Statistic]:
    return [
        _statistic(f"{what}, from rate {low:g} to {high:g}", one, "below")
        for (low, high), one in training_sets.steps(curve).items()
    ]


def _below(a: training_sets.AccuracyCurve, b: training_sets.AccuracyCurve, what: str) -> list[Statistic]:
    return [
        _statistic(f"{what}, at rate {rate:g}", one, "below")
        for rate, one in training_sets.differences(a, b).items()
    ]


def _breaks(curve: training_sets.AccuracyCurve, at: float, what: str) -> list[Statistic]:
    found = training_sets.breakdown(curve, at)
    return [
        _statistic(f"loss per rate beyond {at:g}, {what}", found.after, "above"),
        _statistic(f"the same, less twice that before {at:g}", found.excess, "above"),
    ]


def _tested(study: training_sets.TrainingSetStudy) -> str:
    """What was trained, and how much it knows when nothing is dropped or relabelled."""
    least = study.rates[0]
    known = study.curve("random").at(least).mean()
    what = f"{study.model}, {study.repetitions} repetitions of {study.epochs} epochs"
    return f"{what}, right about {known:.0%} of the held-out examples at rate {least:g}"


def ablation_claims(study: training_sets.TrainingSetStudy) -> list[Claim]:
    """Claims 6 a to c, about examples that are dropped."""
    easy, hard, random = (study.curve(policy) for policy in ("easy", "hard", "random"))
    what = _tested(study)
    return [
        Claim(
            "6a",
            "dropping hard examples hurts steadily",
            "accuracy below random's at every rate tested, and falling",
            (*_below(hard, random, "hard dropped - random dropped"), *_falls(hard, "change, hard dropped")),
            note=what,
        ),
        Claim(
            "6b",
            "dropping easy ones hurts sharply past about 0.6",
            "loss per rate beyond 0.6 at least twice that before",
            tuple(_breaks(easy, 0.6, "easy dropped")),
            note=what,
        ),
        Claim(
            "6c",
            "random is best",
            "random at or above both at every rate",
            (
                *_below(easy, random, "easy dropped - random dropped"),
                *_below(hard, random, "hard dropped - random dropped"),
            ),
            note=what,
        ),
    ]


def corruption_claims(study: training_sets.TrainingSetStudy) -> list[Claim]:
    """Claims 7 a to c, about labels that are random."""
    easy, hard = study.curve("easy"), study.curve("hard")
    chance = study.chance
    unreachable = "twice chance is more than any network can reach" if 2 * chance >= 1 else ""
    what = _tested(study)
    return [
        Claim(
            "7a",
            "corrupting easy labels breaks down from about 0.3",
            "loss per rate beyond 0.3 at least twice that before",
            tuple(_breaks(easy, 0.3, "easy relabelled")),
            note=what,
        ),
        Claim(
            "7b",
            "and fails under heavy noise, where corrupting hard ones still learns",
            "at 0.9: easy within 2 points of chance or worse, hard at least twice chance",
            ()
            if unreachable
            else (
                _statistic(
                    "accuracy, easy relabelled at 0.9",
                    training_sets.mean_accuracy(easy, 0.9),
                    "below",
                    chance + 0.02,
                ),
                _statistic(
                    "accuracy, hard relabelled at 0.9",
                    training_sets.mean_accuracy(hard, 0.9),
                    "above",
                    2 * chance,
                ),
            ),
            not_tested=unreachable,
            note=what,
        ),
        Claim(
            "7c",
            "corrupting hard ones degrades steadily",
            "falling at every step",
            tuple(_falls(hard, "change, hard relabelled")),
            note=what,
        ),
    ]
