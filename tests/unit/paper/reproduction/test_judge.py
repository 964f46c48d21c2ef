"""Claims by made-up results whose verdicts can be worked out by hand."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from itertools import combinations_with_replacement, product
from typing import Any

import numpy as np
import pandas as pd
import pytest

from easiness.analysis import MIN_GROUP, Side
from easiness.paper.claims import Claim
from easiness.paper.perturbation.curve import PerturbationCurve
from easiness.paper.perturbation.study import PseudoPatterns
from easiness.paper.reproduction.judge import PaperResults, paper_claims
from easiness.paper.training_sets import TrainingSetStudy
from easiness.paper.validation import Validation
from easiness.store import Row
from easiness.studies.matching.comparison import Cell, Comparison
from easiness.studies.similarity import Similarity
from plans import group_match, training_sets

IDS = ["1", "2", "3", "4", "5", "6a", "6b", "6c", "7a", "7b", "7c", "8", "9", "10"]
NETWORKS = ("mlp", "a", "b", "c")
FEW_TRIALS = "groups of fewer than 5 trials decide nothing"
SPARSE = "of 10 classes have easy and hard examples, the smallest set"
OTHER_DATA = "the claim is about CIFAR-10 and mini ImageNet, and these are other data"
UNREACHABLE = "wrong about 10% of the validation examples, so that no ranking could"


def compared(
    side: Side,
    rates: Mapping[str, float] = {},
    names: tuple[str, ...] = NETWORKS,
    half: float = 0.02,
    size: int = 5,
) -> Comparison:
    """Rates by "a b", 0.5 where none is given; only this side, under ``refine``, can be read."""
    groups = {
        (i, j): group_match(rates.get(f"{names[i]} {names[j]}", 0.5), half, size)
        for i, j in combinations_with_replacement(range(len(names)), 2)
    }
    cells = [Cell(*pair, side, "refine", groups[pair]) for pair in groups]
    return Comparison(list(names), (Row(3),) * len(names), 0.1, 100, ("refine",), cells, [], [])


def curve(kind: str, level: float, rate: float, spread: float = 0.0, size: int = 5) -> PerturbationCurve:
    """Easy sets match at 0.6 where nothing is changed, and at ``rate`` at the level."""
    rows = pd.DataFrame(
        {"level": [100.0, level], "neutral": [True, False], "rate": [0.6, rate], "kind": kind}
    )
    rows = rows.assign(side="easy", ties="refine", decided=size >= MIN_GROUP)
    replicates = np.stack([np.full(201, 0.6), rate + np.linspace(-spread, spread, 201)])
    return PerturbationCurve(rows, {("easy", "refine"): replicates}, axis=kind, row=Row(3))


def curves(color: float, shuffle: float, radial: float, **more: Any) -> dict[str, PerturbationCurve]:
    return {
        "color": curve("color", 0.0, color, **more),
        "shuffle": curve("shuffle", 0.25, shuffle),
        "radial": curve("radial", 8.0, radial),
    }


GREY = curves(0.6, 0.2, 0.3)
GREY["color"] = replace(GREY["color"], changes_nothing=True)


SPACES = ("pixel", "feature")


def similar(
    easy: float, hard: float, half: float = 0.01, trials: int = 5, classes: int = 5, smallest: int = 5
) -> Similarity:
    """Differences: the easy less random ones, and the hard less easy ones, in both spaces."""
    values = {"easy - random": easy, "hard - easy": hard}
    rows = [
        {"space": space, "name": name, "value": one, "low": one - half, "high": one + half}
        for space in SPACES
        for name, one in values.items()
    ]
    none = np.empty((5, classes))
    return Similarity(
        model="a", row=Row(3), num_trials=trials, fraction=0.1, tie_mass={"easy": 0, "hard": 0},
        classes=tuple("abcdefghij"[:classes]), num_classes=10, sizes={}, smallest=smallest,
        trial=0, distances=pd.DataFrame(rows), by_class={"pixel": none, "feature": none},
    )  # fmt: skip


def trained(effect: Any) -> TrainingSetStudy:
    cells = product(("easy", "hard", "random"), (0.0, 0.3, 0.6, 0.9))
    return training_sets({(one, rate): np.full((5, 2), 0.9 - rate / 2) for one, rate in cells}, effect=effect)


def validated(
    value: float, half: float = 0.05, trials: int = 5, final: int = 5, most: float = 0.8
) -> Validation:
    rows = pd.DataFrame(
        {"fraction": [0.1, 0.25], "trials": trials, "value": [0.0, value], "most": [0.3, most]}
    )
    rows = rows.assign(low=rows["value"] - half, high=rows["value"] + half)
    return Validation(rows, {"a": np.ones(final)}, 3, 30, 80, 100, 10, 10 * final)


def patterns(count: int, interval: tuple[float, float], chance: float, trials: int = 5) -> PseudoPatterns:
    low, high = interval
    level = {"level": 4.0, "count": count, "num_examples": 100, "low": low, "high": high}
    levels = [{"level": 23.0}, level | {"chance": chance, "class_chance": 7.5}]
    nothing = np.zeros(0, np.int64)
    return PseudoPatterns(
        run="run", model="a", row=Row(30), kind="radial", axis="r", probe="held_out", seed=0,
        num_trials=trials, classes=("cat",), level=4.0, levels=levels,
        positions=nothing, labels=nothing, p_label=np.zeros(0),
    )  # fmt: skip


def results(**changes: Any) -> PaperResults:
    found = PaperResults(
        kind="small",
        mlps=("mlp",),
        cnns=("a", "b", "c"),
        batch_norm=(),
        side=32,
        easy=compared("easy"),
        hard=compared("hard"),
        curves=curves(0.5, 0.2, 0.3),
        similarity=similar(-0.1, 0.2),
        ablation=trained("drop"),
        corruption=trained("relabel"),
        validation=validated(0.6),
        pseudo=patterns(20, (14, 27), 3.1),
    )
    return replace(found, **changes)


def claim(number: str, **changes: Any) -> Claim:
    (found,) = (one for one in paper_claims(results(**changes)) if one.id == number)
    return found


def test_there_is_a_row_for_each_claim_in_the_order_of_the_table():
    claims = paper_claims(results())
    assert [one.id for one in claims] == IDS
    rows = json.loads(json.dumps([one.as_dict() for one in claims], allow_nan=False))
    assert [row["id"] for row in rows] == IDS
    assert all(row["verdict"] and row["reason"] and row["holds_when"] and row["claim"] for row in rows)
    # all policies lose alike, so that no difference is on a side, and accuracy falls at every step
    verdicts = {one.id: one.verdict for one in claims}
    assert [verdicts[one] for one in ("6a", "6c", "7c")] == ["undecided", "undecided", "holds"]


@pytest.mark.parametrize(("number", "side"), [("1", "easy"), ("2", "hard")])
@pytest.mark.parametrize(
    ("rates", "verdict"),
    [
        ({}, "holds"),
        ({"mlp a": 0, "mlp b": 0, "mlp c": 0, "a a": 0}, "holds"),  # of pairs of CNNs alone
        ({"a c": 0.23}, "holds"),
        ({"a c": 0.21}, "undecided"),
        ({"a c": 0.17}, "does not hold"),
    ],
)
def test_every_pair_of_cnns_must_match_above_a_fifth(number, side, rates, verdict):
    found = claim(number, **{side: compared(side, rates)})
    assert found.verdict == verdict
    assert found.statistics[1].name == f"{side} sets of a and c (class chance 0.15)"
    value = rates.get("a c", 0.5)
    assert (found.statistics[1].value, found.statistics[1].interval) == (value, (value - 0.02, value + 0.02))


CNN_RATES = {"a b": 0.5, "a c": 0.6, "b c": 0.7}


@pytest.mark.parametrize(
    ("kind", "mlp", "verdict"),
    [
        ("small", (0.1, 0.2, 0.25), "holds"),
        ("photos", (0.1, 0.2, 0.25), "does not hold"),
        ("small", (0.1, 0.2, 0.31), "undecided"),
        ("photos", (0.4, 0.5, 0.31), "undecided"),
        ("small", (0.4, 0.5, 0.6), "does not hold"),
        ("photos", (0.4, 0.5, 0.6), "holds"),
    ],
)
def test_mlps_against_half_of_the_median_of_the_cnns(kind, mlp, verdict):
    rates = CNN_RATES | {f"mlp {name}": rate for name, rate in zip("abc", mlp, strict=True)}
    found = claim("3", kind=kind, easy=compared("easy", rates))
    assert found.verdict == verdict
    # the median is 0.6; its half has half of the interval's width, and the two are independent
    margin = math.hypot(0.02, 0.01)
    for one, rate in zip(found.statistics, mlp, strict=True):
        assert one.value == pytest.approx(rate - 0.3)
        assert one.interval == pytest.approx((rate - 0.3 - margin, rate - 0.3 + margin))


def test_an_interval_that_reaches_further_to_one_side():
    easy = compared("easy", CNN_RATES | {f"mlp {name}": 0.1 for name in "abc"})
    cells = [
        replace(
            cell, groups=replace(cell.groups, interval=(cell.groups.rate - 0.06, cell.groups.rate + 0.02))
        )
        for cell in easy.cells
        if cell.groups is not None
    ]
    found = claim("3", easy=replace(easy, cells=cells))
    # down as far as the rate can be lower and the median higher, up as far as the other way round
    low, high = 0.1 - 0.3 - math.hypot(0.06, 0.01), 0.1 - 0.3 + math.hypot(0.02, 0.03)
    assert found.statistics[0].interval == pytest.approx((low, high))


@pytest.mark.parametrize(
    ("easy", "hard", "verdict"),
    [
        (-0.1, 0.2, "holds"),
        (-0.005, 0.2, "undecided"),
        (-0.1, 0.005, "undecided"),
        (0.1, 0.2, "does not hold"),
        (-0.1, -0.2, "does not hold"),
    ],
)
def test_easy_examples_alike_and_hard_ones_different(easy, hard, verdict):
    found = claim("4", similarity=similar(easy, hard))
    assert found.verdict == verdict
    names = [f"{space} distance, {name}" for space in SPACES for name in ("easy - random", "hard - easy")]
    assert [(one.name, one.value) for one in found.statistics] == [*zip(names, [easy, hard] * 2, strict=True)]


@pytest.mark.parametrize(
    ("kind", "color", "shuffle", "radial", "verdict"),
    [
        ("small", 0.5, 0.2, 0.3, "holds"),
        ("photos", 0.5, 0.2, 0.3, "does not hold"),
        ("photos", 0.1, 0.2, 0.3, "holds"),
        ("small", 0.25, 0.2, 0.3, "does not hold"),
    ],
)
def test_color_against_structure_and_frequency(kind, color, shuffle, radial, verdict):
    found = claim("5", kind=kind, curves=curves(color, shuffle, radial))
    assert found.verdict == verdict
    # all lose from 0.6, so that the difference of the losses is that of the rates, turned round
    assert [one.value for one in found.statistics] == pytest.approx([shuffle - color, radial - color])


def test_the_interval_of_a_difference_of_losses_decides():
    # replicates even from -0.2 to 0.2 about a difference of -0.3, and of -0.1
    found = claim("5", curves=curves(0.5, 0.2, 0.4, spread=0.2))
    assert [one.interval for one in found.statistics] == [
        pytest.approx((-0.3 - 0.19, -0.3 + 0.19)),
        pytest.approx((-0.1 - 0.19, -0.1 + 0.19)),
    ]
    assert [one.verdict for one in found.statistics] == ["holds", "undecided"]
    assert found.verdict == "undecided"


def test_a_set_that_is_undefined_decides_nothing():
    dark = curves(0.5, 0.2, 0.3)
    dark["shuffle"] = curve("shuffle", 0.25, math.nan)
    found = claim("5", curves=dark)
    assert found.verdict == "undecided"
    assert found.as_dict()["statistics"][0]["value"] is None


@pytest.mark.parametrize(("value", "verdict"), [(0.6, "holds"), (0.54, "undecided"), (0.44, "does not hold")])
def test_more_than_half_of_the_misclassified_in_the_hardest_quarter(value, verdict):
    found = claim("8", validation=validated(value))
    assert found.verdict == verdict
    (one,) = found.statistics
    assert (one.value, one.side, one.margin) == (value, "above", 0.5)


PHOTO_NETWORKS = ("mlp", "with1", "with2", "plain1", "plain2")
AMONG = {"with1 with2": 0.6}


def photos(between: float, size: int = 5) -> dict[str, Any]:
    rates = AMONG | {f"{one} {other}": between for one in PHOTO_NETWORKS[1:3] for other in PHOTO_NETWORKS[3:]}
    # neither the MLP nor the pair without it counts
    rates |= {f"mlp {name}": 0.0 for name in PHOTO_NETWORKS[1:]} | {"plain1 plain2": 1.0}
    return {
        "kind": "photos",
        "cnns": PHOTO_NETWORKS[1:],
        "batch_norm": PHOTO_NETWORKS[1:3],
        "easy": compared("easy", names=PHOTO_NETWORKS),
        "hard": compared("hard", rates, PHOTO_NETWORKS, size=size),
    }


@pytest.mark.parametrize(
    ("between", "verdict"),
    [(0.4, "holds"), (0.57, "undecided"), (0.63, "undecided"), (0.65, "does not hold")],
)
def test_batch_normalization_decides_which_are_hard(between, verdict):
    found = claim("9", **photos(between))
    assert found.verdict == verdict
    (one,) = found.statistics
    assert one.value == pytest.approx(0.6 - between)
    assert one.interval == pytest.approx((0.6 - between - 0.04, 0.6 - between + 0.04))


@pytest.mark.parametrize(
    ("interval", "chance", "verdict"),
    [((14, 27), 3.125, "holds"), ((14, 27), 20, "undecided"), ((14, 27), 30, "does not hold")],
)
def test_pseudo_patterns_beyond_chance(interval, chance, verdict):
    found = claim("10", pseudo=patterns(20, interval, chance))
    assert found.verdict == verdict
    (one,) = found.statistics
    assert one.value == pytest.approx(20 - chance)
    assert one.interval == pytest.approx((14 - chance, 27 - chance))


@pytest.mark.parametrize(
    ("number", "changes", "reason"),
    [
        ("1", {"easy": compared("easy", size=4)}, FEW_TRIALS),
        ("2", {"hard": compared("hard", size=4)}, FEW_TRIALS),
        ("3", {"easy": compared("easy", CNN_RATES, size=4)}, FEW_TRIALS),
        ("4", {"similarity": similar(-0.1, 0.2, trials=4)}, "fewer than 5 trials decide nothing"),
        ("4", {"similarity": similar(-0.1, 0.2, classes=4)}, f"only 4 {SPARSE} 5: too few for an interval"),
        ("4", {"similarity": similar(-0.1, 0.2, smallest=4)}, f"only 5 {SPARSE} 4: too few for an interval"),
        ("5", {"curves": curves(0.5, 0.2, 0.3, size=4)}, FEW_TRIALS),
        ("8", {"validation": validated(0.9, trials=4)}, FEW_TRIALS),
        ("8", {"validation": validated(0.9, final=4)}, FEW_TRIALS),
        ("9", photos(0.4, size=4), FEW_TRIALS),
        ("10", {"pseudo": patterns(20, (14, 27), 3.125, trials=4)}, "fewer than 5 models decide nothing"),
    ],
)
def test_so_few_decide_nothing(number, changes, reason):
    found = claim(number, **changes)
    assert (found.verdict, found.reason) == ("undecided", reason)
    none = claim("4", similarity="no class has two easy and two hard examples")
    assert (none.verdict, none.statistics) == ("undecided", ())


@pytest.mark.parametrize(
    ("number", "changes", "reason"),
    [
        *((number, {"mlps": (), "cnns": ("a",)}, "needs two CNNs") for number in "123"),
        ("3", {"cnns": ("a",)}, "needs two CNNs"),
        *((number, {"kind": "other"}, OTHER_DATA) for number in "35"),
        ("5", {"curves": {}}, "the preset leaves out the networks' look at perturbed examples"),
        ("5", {"curves": GREY}, "the images are grey: they have no color to lose"),
        ("5", {"side": 7, "curves": {}}, "too small"),
        *(
            ("8", {"validation": validated(math.nan, most=most)}, UNREACHABLE)
            for most in (0.5, 0.3, math.nan)
        ),
        ("9", {}, "all have batch normalization"),
    ],
)
def test_what_is_not_tested_here(number, changes, reason):
    found = claim(number, **changes)
    assert found.verdict == "not tested here"
    assert reason in found.reason
