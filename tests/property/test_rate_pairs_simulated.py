"""What pairs of models have in common is computed by hand, and held to the truth of simulated rollouts."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import false_discovery_control, fisher_exact
from simulation import Draw, Floats, with_lumps

from easiness.analysis import (
    SIDES,
    PairedCounts,
    answer_agreement,
    match_rates,
    rate_agreements,
    rate_changes,
    rate_difference,
    select,
)


def normal(num: int, rng: np.random.Generator) -> Floats:
    return expit(0.3 + 1.5 * rng.standard_normal(num))


SHAPES: dict[str, Draw] = {
    "normal": lambda num, rng: expit(0.5 + 1.5 * rng.standard_normal(num)),
    "two groups": lambda num, rng: expit(
        np.where(rng.random(num) < 0.1, -1.2, 3.0) + rng.standard_normal(num)
    ),
    "heavy tails": lambda num, rng: expit(0.5 + 1.2 * rng.standard_t(3, num)),
    "skewed": lambda num, rng: expit(3 - rng.gamma(2, 1.2, num)),
    "lumps": with_lumps(0.05, 0.2, normal),
    "large lumps": with_lumps(0.3, 0.15, normal),
}


def rates_of_two(shape: str, correlation: float, num: int, rng: np.random.Generator) -> list[Floats]:
    """Rates of this shape for either model, in orders as of two correlated normals; equal ones at 1."""
    ours, other = rng.standard_normal((2, num))
    theirs = correlation * ours + np.sqrt(1 - correlation**2) * other
    first = SHAPES[shape](num, rng)
    second = first if correlation == 1 else SHAPES[shape](num, rng)
    both = zip((first, second), (ours, theirs), strict=True)
    return [np.sort(rates)[np.argsort(np.argsort(order))] for rates, order in both]


def rollouts(kind: str, rates: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Numbers and right ones; ``adaptive`` ones go on to 32 where the first four differ."""
    num = len(rates)
    trials = np.full(num, 16) if kind == "equal" else rng.integers(1, 65, num)
    if kind != "adaptive":
        return trials.astype(float), rng.binomial(trials, rates).astype(float)
    right = rng.binomial(4, rates)
    more = np.where((right == 0) | (right == 4), 0, 28)
    return 4.0 + more, (right + rng.binomial(more, rates)).astype(float)


def pair_of(rates: list[Floats], kind: str, rng: np.random.Generator) -> PairedCounts:
    return PairedCounts(*rollouts(kind, rates[0], rng), *rollouts(kind, rates[1], rng))


def seen(shapes: list[str], sizes: list[int]) -> tuple[Floats, list[bool]]:
    """Errors of the agreements that are told, and whether their intervals hold the truth."""
    errors, held = [], []
    settings = product(shapes, sizes, ("equal", "unequal", "adaptive"), (0.0, 0.8, 1.0))
    for at, (shape, num, kind, correlation) in enumerate(settings):
        rng = np.random.default_rng((at, 0))
        rates = rates_of_two(shape, correlation, num, rng)
        told = rate_agreements(pair_of(rates, kind, rng))
        for side in SIDES:
            ours, theirs = (select(one, 0.1, side) for one in rates)
            one, truth = told[side], float(ours @ theirs) / round(0.1 * num)
            if one.reason is None:
                errors.append(one.rate - truth)
                held.append(one.low - 1e-9 <= truth <= one.high + 1e-9)
    return np.array(errors), held


@pytest.mark.parametrize(
    ("shapes", "sizes", "by_chance"),
    [
        (["normal"], [400], 2),
        pytest.param([*SHAPES], [200, 500], 0, marks=pytest.mark.long),  # of more than a hundred statements
    ],
)
def test_agreement_is_near_the_overlap_of_the_true_sets_and_its_interval_holds_it(
    shapes: list[str], sizes: list[int], by_chance: float
) -> None:
    errors, held = seen(shapes, sizes)
    assert len(errors) >= (6 if by_chance else 150)
    assert abs(errors.mean()) < 0.03 + by_chance * errors.std() / np.sqrt(len(errors))
    assert np.mean(held) >= 0.9


def test_order_that_counts_leave_open_is_said() -> None:
    rng = np.random.default_rng(0)
    rates = [expit(-2 + 2.5 * rng.standard_normal(800))] * 2  # a tenth is right less than once in 200
    assert rate_agreements(pair_of(rates, "equal", rng))["hard"].reason == (
        "counts of a model hardly tell its hard items apart"
    )
    once = np.ones(800)
    of_one = PairedCounts(once, rng.binomial(1, rates[0]) * once, once, rng.binomial(1, rates[1]) * once)
    assert all(np.isnan(one.rate) and one.reason for one in rate_agreements(of_one).values())
    few = PairedCounts(*(part[:90] for part in of_one))
    assert rate_agreements(few)["easy"].reason == "sets are of every item, or of fewer than 10"


def test_matching_of_rates_shares_ties() -> None:
    # hardest two of ten: A has 0 and 1, B has 0 and one of 1 and 2, which tie
    right_b = [0.0, 1, 1, 3, 3, 3, 3, 3, 3, 4]
    ten, twice = np.full(10, 10.0), np.full(10, 20.0)
    match = match_rates(PairedCounts(ten, np.arange(10.0), twice, np.array(right_b)), "hard", 0.2)
    assert match.value == pytest.approx((1 + 0.5) / 2)
    assert match.low == pytest.approx(0.1979, abs=1e-4)  # Wilson's for 1.5 of 2


def test_agreement_of_answers_is_beside_that_of_accuracies() -> None:
    one = np.ones(4)
    pair = PairedCounts(one, np.array([1.0, 1, 0, 0]), one * 2, np.array([2.0, 1, 0, 1]))
    result = answer_agreement(pair)
    assert result.agreement.value == pytest.approx((1 + 0.5 + 1 + 0.5) / 4)
    assert result.chance == 0.5
    assert result.kappa is not None
    assert result.kappa.value == pytest.approx(0.5)
    everything = PairedCounts(one, one, one, one)
    assert answer_agreement(everything).kappa is None


def test_difference_is_paired_by_item_and_groups_vary_as_one() -> None:
    four = np.full(4, 4.0)
    pair = PairedCounts(four, np.array([0.0, 1, 2, 3]), four, np.array([2.0, 3, 2, 3]))
    gain = rate_difference(pair)  # differences of .5, .5, 0, 0; their squares are less than one item's
    assert gain.value == 0.25
    assert gain.value - gain.low == pytest.approx(3.1824 * np.sqrt(4 / 3) / 4, abs=1e-4)
    assert gain.high == 1  # where it would be beyond
    of_forty = PairedCounts(
        four[0] + np.zeros(40), np.zeros(40), four[0] + np.zeros(40), np.repeat([2.0, 0], 20)
    )
    grouped = rate_difference(
        of_forty, np.arange(40) // 2
    )  # twenty pairs, .5 from the mean of two items each
    assert grouped.high - grouped.value == pytest.approx(2.0930 * np.sqrt(20 / 19 * 5) / 40, abs=1e-4)


@pytest.mark.parametrize("kind", ["equal", "unequal"])
def test_intervals_over_items_hold_what_other_items_have(kind: str) -> None:
    rng, held = np.random.default_rng(5), []
    ours, theirs = rates_of_two("heavy tails", 0.8, 200_000, rng)
    same = ours * theirs + (1 - ours) * (1 - theirs)
    chance = ours.mean() * theirs.mean() + (1 - ours.mean()) * (1 - theirs.mean())
    for _ in range(300):
        at = rng.integers(len(ours), size=150)
        pair = pair_of([ours[at], theirs[at]], kind, rng)
        answers = answer_agreement(pair)
        assert answers.kappa is not None
        truths = (theirs - ours).mean(), same.mean(), (same.mean() - chance) / (1 - chance)
        intervals = rate_difference(pair), answers.agreement, answers.kappa
        held.append([one.low <= truth <= one.high for one, truth in zip(intervals, truths, strict=True)])
    assert (np.mean(held, axis=0) >= 0.92).all()


def test_changes_are_fishers_exact_test() -> None:
    rng = np.random.default_rng(1)
    n, m = rng.integers(1, 20, (2, 50))
    c, d = rng.integers(0, n + 1), rng.integers(0, m + 1)
    p, _ = rate_changes(PairedCounts(*(one.astype(float) for one in (n, c, m, d))))
    tables = zip(n, c, m, d, strict=True)
    expected = [fisher_exact(np.array([[c, n - c], [d, m - d]])).pvalue for n, c, m, d in tables]
    np.testing.assert_allclose(p, expected, atol=1e-12)
    # parts of scores are rounded towards each other: 1.5 of 4 against 3.5 is 2 against 3
    four = np.array([4.0])
    (graded,), _ = rate_changes(PairedCounts(four, np.array([1.5]), four, np.array([3.5])))
    assert graded == pytest.approx(fisher_exact(np.array([[2, 2], [3, 1]])).pvalue)


@pytest.mark.long
@pytest.mark.parametrize("kind", ["equal", "unequal", "everything"])
def test_shuffled_rollouts_name_an_item_in_one_of_twenty_tables(kind: str) -> None:
    rng, names, num = np.random.default_rng(2), [], 300
    ours, theirs = pair_of(rates_of_two("normal", 0.5, num, rng), kind, rng)[::2]
    for _ in range(400):
        rates = SHAPES["normal"](num, rng)
        total = rng.binomial((ours + theirs).astype(int), rates.mean() if kind == "everything" else rates)
        right = rng.hypergeometric(total, (ours + theirs).astype(int) - total, ours.astype(int))
        pair = PairedCounts(ours, right.astype(float), theirs, (total - right).astype(float))
        names.append((rate_changes(pair)[1] <= 0.05).any())
    assert np.mean(names) <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 400)


def test_changes_of_few_rollouts_are_named_where_benjamini_and_hochberg_name_fewer() -> None:
    rng = np.random.default_rng(3)
    rates = SHAPES["normal"](400, rng)
    others = np.where(np.arange(400) < 60, 1 - rates, rates)
    ten = np.full(400, 10)
    counts = (rng.binomial(ten, one).astype(float) for one in (rates, others))
    p, p_adjusted = rate_changes(PairedCounts(ten * 1.0, next(counts), ten * 1.0, next(counts)))
    named = p_adjusted <= 0.05
    assert named.sum() > (false_discovery_control(p) <= 0.05).sum()
    assert named[60:].sum() <= 0.15 * named.sum()
