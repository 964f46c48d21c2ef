from __future__ import annotations

import numpy as np
from hypothesis import given, settings, strategies as st

from easiness.data.dataset import balanced_subset

labels_lists = st.lists(st.integers(0, 4), min_size=1, max_size=60).map(np.array)
seeds = st.integers(0, 2**32)


@given(labels_lists, seeds, st.data())
@settings(deadline=None)
def test_a_smaller_subset_is_part_of_a_larger(labels, seed, data):
    large = data.draw(st.integers(0, len(labels)))
    small = data.draw(st.integers(0, large))
    few, many = balanced_subset(labels, small, seed), balanced_subset(labels, large, seed)
    assert len(few) == small
    assert len(many) == large
    assert set(few) <= set(many)
    assert (np.diff(many) > 0).all()


@given(labels_lists, seeds, st.data())
@settings(deadline=None)
def test_classes_are_as_equal_as_the_data_allow(labels, seed, data):
    k = data.draw(st.integers(0, len(labels)))
    have = np.bincount(labels, minlength=5)
    taken = np.bincount(labels[balanced_subset(labels, k, seed)], minlength=5)
    # Water filling: a class below the largest share by more than one has nothing left to give.
    assert ((taken >= taken.max() - 1) | (taken == have)).all()


@given(seeds)
@settings(deadline=None, max_examples=20)
def test_every_example_can_be_drawn(seed):
    labels = np.arange(6) % 2
    drawn = {int(p) for s in range(60) for p in balanced_subset(labels, 2, seed + s)}
    assert drawn == set(range(6))
