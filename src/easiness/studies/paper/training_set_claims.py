"""The claims of section 7: what dropping and relabelling easy, hard or random examples does."""

from __future__ import annotations

from typing import Literal

from easiness.analysis import MIN_GROUP
from easiness.studies.paper.claims import Claim, Statistic
from easiness.studies.training_sets import (
    AccuracyCurve,
    Contrast,
    TrainingSetStudy,
    breakdown,
    differences,
    mean_accuracy,
    steps,
)

_FEW_REPETITIONS = f"fewer than {MIN_GROUP} repetitions decide nothing"


def _statistic(name: str, one: Contrast, side: Literal["above", "below"], margin: float = 0.0) -> Statistic:
    return Statistic(name, one.value, one.interval, side, margin, "" if one.decided else _FEW_REPETITIONS)


def _falls(curve: AccuracyCurve, what: str) -> list[Statistic]:
    return [
        _statistic(f"{what}, from rate {low:g} to {high:g}", one, "below")
        for (low, high), one in steps(curve).items()
    ]


def _below(a: AccuracyCurve, b: AccuracyCurve, what: str) -> list[Statistic]:
    return [_statistic(f"{what}, at rate {rate:g}", one, "below") for rate, one in differences(a, b).items()]


def _breaks(curve: AccuracyCurve, at: float, what: str) -> list[Statistic]:
    found = breakdown(curve, at)
    return [
        _statistic(f"loss per rate beyond {at:g}, {what}", found.after, "above"),
        _statistic(f"the same, less twice that before {at:g}", found.excess, "above"),
    ]


def ablation_claims(study: TrainingSetStudy) -> list[Claim]:
    """Claims 6 a to c, about examples that are dropped."""
    easy, hard, random = (study.curve(policy) for policy in ("easy", "hard", "random"))
    what = f"{study.model}, {study.repetitions} repetitions of {study.epochs} epochs"
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


def corruption_claims(study: TrainingSetStudy) -> list[Claim]:
    """Claims 7 a to c, about labels that are random."""
    easy, hard = study.curve("easy"), study.curve("hard")
    chance = study.chance
    unreachable = "twice chance is more than any network can reach" if 2 * chance >= 1 else ""
    what = f"{study.model}, {study.repetitions} repetitions of {study.epochs} epochs"
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
                    "accuracy, easy relabelled at 0.9", mean_accuracy(easy, 0.9), "below", chance + 0.02
                ),
                _statistic("accuracy, hard relabelled at 0.9", mean_accuracy(hard, 0.9), "above", 2 * chance),
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
