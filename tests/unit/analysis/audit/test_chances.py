from __future__ import annotations

import numpy as np
import pytest

from easiness.analysis import (
    Strata,
    chance_of_a_look,
    chance_within,
    draw_fixed,
    draw_in_sequence,
    wrong_in_strata,
)

SIZES = np.array([20, 40, 240])
STRATA = Strata(SIZES, np.array([0.1, 0.2, 0.7]), np.zeros(3))
WRONG = np.concatenate([np.ones(16), np.zeros(4), np.arange(40) % 5 == 0, np.arange(240) % 40 == 0]) > 0
TIMES = 4000


def test_of_one_look_the_chance_is_the_share():
    assert chance_of_a_look(STRATA, 1) == pytest.approx(STRATA.shares, abs=1e-3)
    assert chance_of_a_look(STRATA, 300) == pytest.approx(np.ones(3))
    assert chance_of_a_look(STRATA, 20, of=20) == pytest.approx(np.ones(3))
    one = Strata(np.array([9]), np.ones(1), np.zeros(1))
    assert chance_of_a_look(one, 1).tolist() == chance_of_a_look(one, 1, of=4).tolist() == [1]


def test_the_chance_within_a_stratum():
    sizes, looks, parts = np.array([[10, 10, 10, 4], [2, 9, 0, 1], [3, 2, 3, 0]])
    # of 10, 2 are drawn from the 7 others with 7 / 10 * 6 / 9
    assert chance_within(sizes, looks, parts) == pytest.approx([1 - 42 / 90, 1, 0, 0])


@pytest.mark.parametrize(("looks", "of"), [(15, None), (5, 30)])
def test_estimates_are_unbiased_where_strata_may_be_unseen(looks: int, of: int | None):
    rng = np.random.default_rng(0)
    chance = chance_of_a_look(STRATA, looks, of)
    found, seen = [], []
    for _ in range(TIMES):
        ranks = draw_in_sequence(STRATA, looks, rng) if of is None else draw_fixed(STRATA, of, rng)[:looks]
        strata = STRATA.of(ranks)
        num, wrong = np.bincount(strata, minlength=3), np.bincount(strata, WRONG[ranks], 3)
        found.append(wrong_in_strata(SIZES, num, wrong.astype(np.int64), 0, chance) or 0)
        seen.append(num > 0)
    assert np.mean(seen, axis=0) == pytest.approx(chance, abs=0.03)
    assert chance.min() < 0.85
    assert np.mean(found) == pytest.approx(WRONG.sum(), abs=4 * np.std(found) / np.sqrt(TIMES))
