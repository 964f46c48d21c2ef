from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st

from easiness.analysis import foremost, select
from easiness.errors import BadInput

IDS = np.arange(10, 16)


def take(values, rate, finer=None, **options):
    finer = np.zeros(len(values)) if finer is None else finer
    return foremost(values, rate, refine_by=finer, ids=IDS[: len(values)], **options).tolist()


def test_exactly_those_with_the_largest_values():
    assert take([0.1, 0.9, 0.3, 0.8, np.inf, 0.2], 0.5) == [1, 3, 4]
    assert take([0.1, 0.9, 0.3, 0.8, np.inf, 0.2], 0) == []
    # the three ones tie: of them the two with the larger finer values
    assert take([1, 0, 1, 2, 1, 0], 0.5, [5, 9, 6, 0, 7, 9]) == [2, 3, 4]


def test_the_same_share_of_each_class():
    labels = [0, 0, 0, 0, 1, 1]
    assert take([9, 8, 7, 6, 1, 2], 0.5, labels=labels) == [0, 1, 5]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rate": 1}, r"rate 1 is not in \[0, 1\)"),
        ({"values": [1, np.nan]}, "values are NaN for 1 of 2"),
        ({"seed": -1}, "seed -1 is negative"),
        ({"finer": [1]}, "refine_by has shape"),
        ({"labels": [1]}, "labels has shape"),
    ],
)
def test_what_cannot_be_taken(options, message):
    with pytest.raises(BadInput, match=message):
        take(**{"values": [1, 2], "rate": 0.5} | options)


@given(st.data(), st.integers(2, 12), st.integers(0, 3))
def test_it_is_the_refined_selection_whatever_the_order_of_examples(data, num, seed):
    levels = st.lists(st.integers(0, 2), min_size=num, max_size=num).map(np.array)
    values, finer = data.draw(levels), data.draw(levels)
    ids = np.array([f"{i}.png" for i in range(num)], object)
    rate = data.draw(st.integers(1, num - 1)) / num
    taken = foremost(values, rate, refine_by=finer, ids=ids, seed=seed)
    weights = select(values, rate, "easy", ties="refine", refine_by=finer, ids=ids, seed=seed)
    np.testing.assert_array_equal(taken, np.flatnonzero(weights))
    order = np.array(data.draw(st.permutations(range(num))))
    again = foremost(values[order], rate, refine_by=finer[order], ids=ids[order], seed=seed)
    assert set(ids[order][again]) == set(ids[taken])
    fewer = foremost(values, rate / 2, refine_by=finer, ids=ids, seed=seed)
    assert set(fewer) <= set(taken)
