"""What further trials tell is computed by hand for items whose rate is 0.2 or 0.8."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import ndtri

from easiness.analysis import Rates, allot, shares_ahead, times_enough

HARD = np.array([1.0, 0.0])
TIMES = (1, 2, 4, 8)


def rates_of(unsure: int, known: int = 0) -> Rates:
    """Items that have either rate as probably, then items whose rate is 0.2."""
    kind = np.repeat([0, 1], [unsure, known])
    posterior = np.array([[0.5, 0.5], [1.0, 0.0]])
    weight = np.array([unsure, known], float)
    return Rates(ndtri([0.2, 0.8]), weight @ posterior / weight.sum(), weight, kind, posterior)


def test_trials_go_where_they_gain_most() -> None:
    """One trial decides rightly with 0.8, so do two, and three with 0.8**3 + 3 0.8**2 0.2 = 0.896."""
    one = allot(rates_of(2, 1), 6, HARD)
    assert one.more.tolist() == [3, 3, 0]
    assert one.gain.tolist() == pytest.approx([0.396, 0.396, 0])
    assert one.now == pytest.approx(0.5 + 0.5 + 1)
    assert one.then == pytest.approx(0.896 + 0.896 + 1)
    assert one.alike == pytest.approx(0.8 + 0.8 + 1)


@pytest.mark.parametrize(("num", "more"), [(1, [1, 0, 0]), (2, [1, 1, 0]), (3, [2, 1, 0]), (5, [3, 2, 0])])
def test_the_sum_is_what_was_to_be_allotted(num: int, more: list[int]) -> None:
    """The step from one to three trials is taken item by item, and what is left begins the next."""
    assert allot(rates_of(2, 1), num, HARD).more.tolist() == more


def test_trials_that_gain_nothing_are_spread() -> None:
    one = allot(rates_of(0, 3), 4, HARD)
    assert one.more.tolist() == [2, 1, 1]
    assert one.now == one.then == one.alike == 3


def test_without_a_set_the_variance_is_lessened() -> None:
    """A trial leaves a mean of 0.68 or 0.32, and of the variance 0.09 as much as 0.09 - 0.18**2."""
    one = allot(rates_of(1), 1)
    assert one.now == pytest.approx(0.3**2)
    assert one.then == one.alike == pytest.approx(0.3**2 - 0.18**2)


def test_trials_that_vary_less_and_very_many_decide() -> None:
    assert allot(rates_of(1), 1, HARD, dispersion=1 / 3).then == pytest.approx(0.896)
    many = allot(rates_of(1), 400, HARD)
    assert many.then == pytest.approx(1)
    assert many.more.sum() == 400


def test_the_share_held_is_that_of_a_majority() -> None:
    """Half are hard. With one trial each, m times as many are m - 1 more, whose majority finds them."""
    half = rates_of(4), np.ones(4)
    shares = shares_ahead(*half, TIMES, fraction=0.5)
    seven = sum([0.8**7, 7 * 0.8**6 * 0.2, 21 * 0.8**5 * 0.2**2, 35 * 0.8**4 * 0.2**3])
    assert shares == pytest.approx([0.5, 0.8, 0.896, seven])
    enough = times_enough(*half, fraction=0.5)
    assert enough is not None
    assert 5.5 <= enough < 5.6  # five more: 0.942; as many as four times and a half round to four
    assert times_enough(*half, fraction=0.5, share=0.5) == 1
    assert times_enough(*half, fraction=0.5, share=0.99) is None


def test_each_item_has_its_own_number() -> None:
    few = shares_ahead(rates_of(4), np.ones(4), TIMES, side="easy", fraction=0.5)
    many = shares_ahead(rates_of(4), np.full(4, 300.0), TIMES, side="easy", fraction=0.5)
    assert few[1] == pytest.approx(0.8)
    assert many[1:] == pytest.approx([1, 1, 1])
