from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import hypergeom

from easiness import analysis
from easiness.analysis.audit import allocate, weights


@pytest.fixture(scope="module")
def worlds() -> dict[str, Any]:
    """The worlds of docs/results/audit.md."""
    return runpy.run_path(str(Path(__file__).parents[3] / "benchmarks" / "science" / "audit.py"))


@pytest.mark.parametrize(("size", "looks", "wrong"), [(50, 10, 0), (50, 10, 3), (50, 10, 10), (7, 3, 1)])
def test_of_one_stratum_the_bound_is_exact(size: int, looks: int, wrong: int):
    # the largest number of wrong labels for which so few are not seen by a chance of 2.5 % or less
    numbers = np.arange(size + 1)
    likely = numbers[hypergeom.cdf(wrong, size, numbers, looks) > 0.025]
    assert analysis.most_wrong([size], [looks], [wrong], 0.975) == likely.max()
    # the least, by the right ones
    likely = numbers[hypergeom.sf(wrong - 1, size, numbers, looks) > 0.025]
    assert size - analysis.most_wrong([size], [looks], [looks - wrong], 0.975) == likely.min()


def test_the_bound_by_hand():
    alone = analysis.most_wrong([1000], [100], [0], 0.95)
    assert alone == 28  # 972 right ones of 1,000 are drawn a hundred times with 5 %
    assert analysis.most_wrong([500, 500], [50, 50], [0, 0], 0.95) == pytest.approx(alone, abs=2)
    assert analysis.most_wrong([10] * 100, [1] * 100, [0] * 100, 0.95) <= alone
    # labels that were looked at are known
    assert analysis.most_wrong([30, 20], [30, 20], [4, 1], 0.975) == 5
    assert analysis.most_wrong([30, 20], [30, 0], [4, 0], 0.975) == 24
    assert analysis.most_wrong([20], [0], [0], 0.975) == 20
    # many examples are counted in steps and rounded up
    fine, coarse = (analysis.most_wrong([num], [300], [3], 0.95) / num for num in (8_000, 800_000))
    assert fine == pytest.approx(coarse, rel=0.03)


def test_the_estimate_weighs_each_look_by_its_stratum():
    assert analysis.wrong_in_strata([10, 90], [5, 9], [4, 1]) == pytest.approx(8 + 10)
    # the second stratum had no look, as in half of such draws
    assert analysis.wrong_in_strata([10, 30, 60], [5, 0, 6], [5, 0, 3], 0, np.array([1, 0.5, 1])) == 10 + 30
    assert analysis.wrong_in_strata([10, 30], [5, 2], [5, 1], 0, np.array([1, 0.5])) == 10 + 30
    # nobody was sure of the second, or of any
    assert analysis.wrong_in_strata([10, 30, 60], [5, 2, 6], [5, 0, 0], [0, 2, 0]) == 10 + 15
    assert analysis.wrong_in_strata([300], [1], [0], [1]) is None
    # a part that half of the draws miss, given that it was not
    assert analysis.wrong_in_strata([20], [2], [1], 0, np.array([0.5])) == 10


@pytest.mark.parametrize("num_wrong", [0, 4, 100, 800])
@pytest.mark.parametrize("kind", ["calibrated", "useless", "inverted", "people"])
def test_intervals_hold_the_number_and_are_not_much_wider_than_at_random(worlds, kind: str, num_wrong: int):
    rng = np.random.default_rng(0)
    p_wrong, wrong = worlds["world"](kind, num_wrong, 2000, rng)

    def audited(strata: analysis.Strata) -> tuple[Any, Any, Any]:
        looks = allocate(strata, 100)
        return worlds["intervals"](strata.sizes, looks, worlds["counts"](strata, looks, wrong, 300, rng))

    estimate, low, high = audited(analysis.stratify(p_wrong, 100))
    assert ((low <= num_wrong) & (num_wrong <= high)).mean() >= 0.91  # three standard errors below 0.95
    assert abs(estimate.mean() - num_wrong) <= 4 * estimate.std() / np.sqrt(300) + 1e-9
    _, low_at_random, high_at_random = audited(worlds["at_random"](p_wrong))
    assert (high - low).mean() <= 1.1 * (high_at_random - low_at_random).mean()
    if kind == "calibrated" and num_wrong >= 100:
        assert (high - low).mean() <= np.sqrt(1 / 2) * (high_at_random - low_at_random).mean()


SIZES = np.array([20, 40, 240])
STRATA = analysis.Strata(SIZES, np.array([0.1, 0.2, 0.7]), np.zeros(3))
WRONG = np.concatenate([np.ones(16), np.zeros(4), np.arange(40) % 5 == 0, np.arange(240) % 40 == 0]) > 0
TIMES = 4000


def test_of_one_look_the_chance_is_the_share():
    assert analysis.chance_of_a_look(STRATA, 1) == pytest.approx(STRATA.shares, abs=1e-3)
    assert analysis.chance_of_a_look(STRATA, 300) == pytest.approx(np.ones(3))
    assert analysis.chance_of_a_look(STRATA, 20, of=20) == pytest.approx(np.ones(3))
    one = analysis.Strata(np.array([9]), np.ones(1), np.zeros(1))
    assert (
        analysis.chance_of_a_look(one, 1).tolist() == analysis.chance_of_a_look(one, 1, of=4).tolist() == [1]
    )


def test_the_chance_within_a_stratum():
    sizes, looks, parts = np.array([[10, 10, 10, 4], [2, 9, 0, 1], [3, 2, 3, 0]])
    # of 10, 2 are drawn from the 7 others with 7 / 10 * 6 / 9
    assert analysis.chance_within(sizes, looks, parts) == pytest.approx([1 - 42 / 90, 1, 0, 0])


@pytest.mark.parametrize(("looks", "of"), [(15, None), (5, 30)])
def test_estimates_are_unbiased_where_strata_may_be_unseen(looks: int, of: int | None):
    rng = np.random.default_rng(0)
    chance = analysis.chance_of_a_look(STRATA, looks, of)
    found, seen = [], []
    for _ in range(TIMES):
        ranks = (
            analysis.draw_in_sequence(STRATA, looks, rng)
            if of is None
            else analysis.draw_fixed(STRATA, of, rng)[:looks]
        )
        strata = STRATA.of(ranks)
        num, wrong = np.bincount(strata, minlength=3), np.bincount(strata, WRONG[ranks], 3)
        found.append(analysis.wrong_in_strata(SIZES, num, wrong.astype(np.int64), 0, chance) or 0)
        seen.append(num > 0)
    assert np.mean(seen, axis=0) == pytest.approx(chance, abs=0.03)
    assert chance.min() < 0.85
    assert np.mean(found) == pytest.approx(WRONG.sum(), abs=4 * np.std(found) / np.sqrt(TIMES))


REPEATS = 120


@pytest.mark.parametrize("num_wrong", [3, 100])
@pytest.mark.parametrize("kind", ["calibrated", "useless", "inverted"])
def test_the_number_is_rarely_refuted_at_any_look(worlds, kind: str, num_wrong: int):
    rng = np.random.default_rng(1)
    p_wrong, wrong = worlds["world"](kind, num_wrong, 1000, rng)
    strata = analysis.stratify(p_wrong, 100)
    ranks = np.stack([analysis.draw_in_sequence(strata, 200, rng) for _ in range(REPEATS)])
    drawn = strata.of(ranks)
    tried = np.full((REPEATS, 1), float(num_wrong))
    above = analysis.wealth_of_looks(strata, drawn, wrong[ranks], tried).log.max(axis=0)
    below = analysis.wealth_of_looks(strata.flip(), drawn, ~wrong[ranks], 1000 - tried).log.max(axis=0)
    # 5 % at most, and three standard errors
    assert (above >= np.log(20)).mean() <= 0.11
    assert (below >= np.log(20)).mean() <= 0.11


def test_bounds_fall_and_end_with_what_is_known():
    strata = analysis.stratify(np.linspace(0.5, 0, 60), 30)
    rng = np.random.default_rng(0)
    drawn = strata.of(analysis.draw_in_sequence(strata, 60, rng))
    wrong = np.arange(60) % 20 == 3
    most = analysis.most_wrong_in_sequence(strata, drawn, wrong, (0.95, 0.975))
    assert (np.diff(most, axis=0) <= 0).all()
    assert (most[:, 0] <= most[:, 1]).all()
    assert (most >= wrong.sum()).all()
    assert most[-1].tolist() == [3, 3]


def test_without_wrong_labels_a_share_is_refuted_after_three_times_its_inverse():
    strata = analysis.stratify(np.full(10_000, 1e-4), 100)
    drawn = strata.of(analysis.draw_in_sequence(strata, 400, np.random.default_rng(0)))
    log = analysis.wealth_of_looks(strata, drawn, np.zeros(400, np.bool_), np.array([100.0])).log[:, 0]
    assert 290 <= (log < np.log(20)).sum() <= 345
    before = analysis.wealth_of_looks(strata, drawn[:0], np.zeros(0, np.bool_), np.array([100.0]))
    assert np.log(20) / before.growth[0] == pytest.approx(320, rel=0.1)


def falling(num: int, seed: int = 0) -> np.ndarray:
    return np.sort(np.random.default_rng(seed).beta(0.1, 1, num))[::-1]


@pytest.mark.parametrize("looks", [1, 5, 50, 300])
@pytest.mark.parametrize("p_wrong", [falling(400), np.zeros(400), np.ones(400), np.full(400, 0.3)])
def test_every_label_has_a_chance_nearly_as_large_as_at_random(p_wrong, looks: int):
    strata = analysis.stratify(p_wrong, looks)
    assert strata.sizes.sum() == 400
    assert strata.shares.sum() == pytest.approx(1)
    assert (400 * weights(strata) >= 0.95 - 1e-9).all()
    num = allocate(strata, looks)
    assert num.sum() == looks
    assert (num <= strata.sizes).all()
    assert num.min() >= (1 if looks >= len(num) else 0)


def test_more_looks_go_where_p_wrong_leaves_it_open():
    strata = analysis.stratify(np.repeat([1.0, 0.5, 0.0], [50, 50, 900]), 120)
    open_one = strata.of(np.array([75]))[0]
    assert weights(strata)[open_one] == weights(strata).max()
    assert strata.of(np.array([0, 999])).tolist() == [0, len(strata.sizes) - 1]


def test_draws_are_random_within_strata_and_their_beginnings_too():
    strata = analysis.stratify(falling(400), 60)
    ranks = analysis.draw_fixed(strata, 60, np.random.default_rng(0))
    assert len(set(ranks.tolist())) == 60
    assert np.bincount(strata.of(ranks)).tolist() == allocate(strata, 60).tolist()
    half = np.bincount(strata.of(ranks[:30]), minlength=len(strata.sizes))
    assert (abs(half - allocate(strata, 60) / 2) <= 1).all()
    times = np.zeros(400)
    for seed in range(300):
        times[analysis.draw_fixed(strata, 60, np.random.default_rng(seed))] += 1
    wanted = (300 * allocate(strata, 60) / strata.sizes)[strata.of(np.arange(400))]
    assert (abs(times - wanted) <= 5 * np.sqrt(wanted)).all()
