from __future__ import annotations

import numpy as np
from hypothesis import assume, given, settings, strategies as st

from easiness import draw_by_rank

levels = st.lists(st.integers(0, 5), min_size=2, max_size=60)
rates = st.floats(0, 0.99)
parameters = st.floats(1e-3, 1e4)
betas = st.tuples(parameters, parameters)
seeds = st.integers(0, 2**70)


def num_drawn(values: list[int], rate: float) -> int:
    num = int(rate * len(values) + 0.5)
    assume(num < len(values))
    return num


@given(levels, rates, betas, seeds)
@settings(deadline=None)
def test_draws_are_so_many_distinct_ascending_positions(values, rate, beta, seed):
    num = num_drawn(values, rate)
    drawn = draw_by_rank(values, rate, beta, seed)
    assert len(drawn) == num
    assert (np.diff(drawn) > 0).all()
    assert set(drawn.tolist()) <= set(range(len(values)))


@given(levels, rates, rates, betas, seeds)
@settings(deadline=None)
def test_draws_with_one_seed_are_nested(values, rate, other, beta, seed):
    low, high = sorted([rate, other])
    num_drawn(values, high)
    few, many = (set(draw_by_rank(values, r, beta, seed).tolist()) for r in (low, high))
    assert few <= many


@given(levels, rates, betas, seeds)
@settings(deadline=None)
def test_only_the_order_of_values_matters(values, rate, beta, seed):
    num_drawn(values, rate)
    stretched = [3 * value**3 - 7 for value in values]
    assert np.array_equal(draw_by_rank(values, rate, beta, seed), draw_by_rank(stretched, rate, beta, seed))


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3)), min_size=2, max_size=60), rates, betas, seeds
)
@settings(deadline=None)
def test_classes_give_their_share_to_the_nearest_whole_number(pairs, rate, beta, seed):
    values, labels = np.array(pairs).T
    num = num_drawn(values, rate)
    exact = rate * np.bincount(labels, minlength=4)
    sizes = np.bincount(labels, minlength=4)
    assume((np.ceil(exact) < sizes)[sizes > 0].all())  # no class can be emptied
    drawn = draw_by_rank(values, rate, beta, seed, labels=labels)
    assert len(drawn) == num
    assert (np.abs(np.bincount(labels[drawn], minlength=4) - exact) < 1 + 1e-9).all()
