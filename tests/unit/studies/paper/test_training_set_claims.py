"""The claims of section 7 by made-up accuracies."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from easiness.errors import BadInput
from easiness.store import Row
from easiness.studies.paper.claims import Claim, ablation_claims, corruption_claims
from easiness.studies.training_sets.trained_sets import TrainingSetPoint, TrainingSetStudy

RATES = (0.0, 0.3, 0.6, 0.9)
BETAS = {"easy": (3.0, 1.0), "hard": (1.0, 3.0), "random": (1.0, 1.0)}
SHARED = np.array([-2, -1, 0, 1, 2]) / 1000  # what repetitions have in common drops out of differences
FEW = "fewer than 5 repetitions decide nothing"

Means = tuple[float, ...]


def study(
    effect: Any,
    means: dict[str, Means],
    *,
    repetitions: int = 5,
    noise: Any = (),
    chance: float = 0.1,
) -> TrainingSetStudy:
    """Accuracies after the last of two epochs; ``noise`` [5] is that of the hard policy at 0.9 alone."""
    points = []
    for policy, beta in BETAS.items():
        for rate, mean in zip(RATES, means[policy], strict=True):
            last = mean + SHARED
            if len(noise) and (policy, rate) == ("hard", 0.9):
                last = mean + np.array(noise)
            accuracy = np.stack([np.zeros(5), last], axis=1)[:repetitions]
            points.append(TrainingSetPoint(policy, beta, rate, 0, 100, 10, accuracy))
    return TrainingSetStudy(
        effect,
        "net",
        "easiness",
        Row(3),
        100,
        20,
        10,
        chance,
        2,
        repetitions,
        False,
        False,
        False,
        tuple(points),
    )


DROPPED: dict[str, Means] = {
    "easy": (0.9, 0.88, 0.86, 0.5),
    "hard": (0.9, 0.8, 0.7, 0.6),
    "random": (0.9, 0.89, 0.87, 0.7),
}
RELABELLED: dict[str, Means] = {
    "easy": (0.9, 0.89, 0.4, 0.08),
    "hard": (0.9, 0.8, 0.6, 0.3),
    "random": (0.9, 0.85, 0.6, 0.2),
}


def dropped(number: str, means: dict[str, Means] | None = None, **more: Any) -> Claim:
    claims = ablation_claims(study("drop", DROPPED | (means or {}), **more))
    assert [one.id for one in claims] == ["6a", "6b", "6c"]
    return next(one for one in claims if one.id == number)


def relabelled(number: str, means: dict[str, Means] | None = None, **more: Any) -> Claim:
    claims = corruption_claims(study("relabel", RELABELLED | (means or {}), **more))
    assert [one.id for one in claims] == ["7a", "7b", "7c"]
    return next(one for one in claims if one.id == number)


@pytest.mark.parametrize(
    ("hard", "verdict"),
    [
        ((0.9, 0.8, 0.7, 0.6), "holds"),
        ((0.9, 0.88, 0.86, 0.69), "holds"),  # below random by a hundredth, and falling
        ((0.9, 0.8, 0.81, 0.6), "does not hold"),  # below random, but rising once
        ((0.9, 0.895, 0.8, 0.6), "does not hold"),  # falling, but above random at 0.3
    ],
)
def test_6a_dropping_hard_ones_hurts_steadily(hard, verdict):
    found = dropped("6a", {"hard": hard})
    assert found.verdict == verdict
    differences, falls = found.statistics[:3], found.statistics[3:]
    assert [one.value for one in differences] == pytest.approx(np.subtract(hard, DROPPED["random"])[1:])
    assert [one.value for one in falls] == pytest.approx(np.diff(hard))
    assert {(one.side, one.margin) for one in found.statistics} == {("below", 0)}
    assert falls[0].name == "change, hard dropped, from rate 0 to 0.3"
    known = "right about 90% of the held-out examples at rate 0"
    assert found.note == f"net, 5 repetitions of 2 epochs, {known}"


def test_6a_an_interval_that_contains_no_difference_leaves_it_open():
    # at 0.9 the paired differences from random are -0.01 + noise - SHARED: their mean is -0.01
    found = dropped("6a", {"hard": (0.9, 0.8, 0.75, 0.69)}, noise=[-0.2, -0.1, 0, 0.1, 0.2])
    assert found.verdict == "undecided"
    third = found.statistics[2]
    sums = -0.01 + np.array([-0.2, -0.1, 0, 0.1, 0.2]) - SHARED
    margin = 2.7764451 * sums.std(ddof=1) / np.sqrt(5)  # Student's quantile for 4 degrees of freedom
    assert third.interval == pytest.approx((-0.01 - margin, -0.01 + margin))


@pytest.mark.parametrize(
    ("easy", "verdict"),
    [
        ((0.9, 0.88, 0.86, 0.5), "holds"),  # 0.04 / 0.6 before, 0.36 / 0.3 beyond
        ((0.9, 0.7, 0.66, 0.5), "does not hold"),  # 0.4 and 0.53 per rate: not twice
        ((0.9, 0.7, 0.6, 0.1), "holds"),  # 0.5 and 1.67
        ((0.8, 0.85, 0.9, 0.95), "does not hold"),  # rising throughout
    ],
)
def test_6b_dropping_easy_ones_hurts_sharply_past_a_rate(easy, verdict):
    found = dropped("6b", {"easy": easy})
    assert found.verdict == verdict
    before, after = (easy[0] - easy[2]) / 0.6, (easy[2] - easy[3]) / 0.3
    assert [one.value for one in found.statistics] == pytest.approx([after, after - 2 * before])
    assert {one.side for one in found.statistics} == {"above"}


@pytest.mark.parametrize(
    ("means", "verdict"),
    [
        ({}, "holds"),
        ({"easy": (0.9, 0.88, 0.86, 0.71)}, "does not hold"),
        ({"hard": (0.9, 0.895, 0.7, 0.6)}, "does not hold"),
        ({"hard": (0.9, 0.89, 0.7, 0.6)}, "undecided"),  # the same as random's at 0.3
    ],
)
def test_6c_random_is_best(means, verdict):
    found = dropped("6c", means)
    assert found.verdict == verdict
    assert [one.name for one in found.statistics] == [
        f"{policy} dropped - random dropped, at rate {rate}"
        for policy in ("easy", "hard")
        for rate in (0.3, 0.6, 0.9)
    ]


@pytest.mark.parametrize(
    ("easy", "verdict"),
    [
        ((0.9, 0.89, 0.4, 0.08), "holds"),  # 0.01 / 0.3 before, 0.81 / 0.6 beyond
        ((0.9, 0.7, 0.5, 0.3), "does not hold"),  # a straight line
        ((0.9, 0.95, 0.96, 0.97), "does not hold"),
    ],
)
def test_7a_relabelling_easy_ones_breaks_down(easy, verdict):
    found = relabelled("7a", {"easy": easy})
    assert found.verdict == verdict
    before, after = (easy[0] - easy[1]) / 0.3, (easy[1] - easy[3]) / 0.6
    assert [one.value for one in found.statistics] == pytest.approx([after, after - 2 * before])


@pytest.mark.parametrize(
    ("easy", "hard", "verdict"),
    [
        (0.08, 0.3, "holds"),
        (0.1, 0.21, "holds"),  # of ten classes: within 0.12, and above 0.2
        (0.12, 0.3, "undecided"),
        (0.13, 0.3, "does not hold"),
        (0.08, 0.2, "undecided"),
        (0.08, 0.19, "does not hold"),
    ],
)
def test_7b_heavy_noise(easy, hard, verdict):
    means: dict[str, Means] = {"easy": (0.9, 0.8, 0.4, easy), "hard": (0.9, 0.8, 0.6, hard)}
    found = relabelled("7b", means)
    assert found.verdict == verdict
    assert [one.value for one in found.statistics] == pytest.approx([easy, hard])
    assert [one.side for one in found.statistics] == ["below", "above"]
    assert [one.margin for one in found.statistics] == pytest.approx([0.12, 0.2])


def test_7b_goes_by_the_largest_class_and_is_not_tested_where_twice_chance_is_all():
    means: dict[str, Means] = {"easy": (0.9, 0.8, 0.4, 0.31), "hard": (0.9, 0.8, 0.7, 0.65)}
    found = relabelled("7b", means, chance=0.3)
    assert [one.margin for one in found.statistics] == pytest.approx([0.32, 0.6])
    assert found.verdict == "holds"
    two = relabelled("7b", means, chance=0.5)
    assert (two.verdict, two.statistics) == ("not tested here", ())
    assert two.reason == "twice chance is more than any network can reach"


@pytest.mark.parametrize(
    ("hard", "verdict"),
    [
        ((0.9, 0.8, 0.6, 0.3), "holds"),
        ((0.9, 0.8, 0.81, 0.3), "does not hold"),
        ((0.9, 0.8, 0.8, 0.3), "undecided"),
    ],
)
def test_7c_relabelling_hard_ones_degrades_steadily(hard, verdict):
    found = relabelled("7c", {"hard": hard})
    assert found.verdict == verdict
    assert [one.value for one in found.statistics] == pytest.approx(np.diff(hard))


@pytest.mark.parametrize("repetitions", [1, 4])
def test_few_repetitions_decide_nothing(repetitions):
    for make, effect, means in (
        (ablation_claims, "drop", DROPPED),
        (corruption_claims, "relabel", RELABELLED),
    ):
        for found in make(study(effect, means, repetitions=repetitions)):
            assert (found.verdict, found.reason) == ("undecided", FEW)
            assert found.note.startswith(f"net, {repetitions} repetitions of 2 epochs, right about ")


def test_a_study_without_the_breakpoint_cannot_be_asked():
    whole = study("drop", DROPPED)
    points = tuple(point for point in whole.points if point.rate != 0.6)
    fields = {name: getattr(whole, name) for name in whole.__dataclass_fields__}
    with pytest.raises(BadInput, match=r"rate 0\.6: .*rates tried; give one of 0, 0\.3, 0\.9"):
        ablation_claims(TrainingSetStudy(**{**fields, "points": points}))
