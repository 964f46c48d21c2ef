from __future__ import annotations

import numpy as np
from hypothesis import given, strategies as st
from hypothesis.extra.numpy import arrays

from easiness.scores import most_named, most_predicted


def test_the_class_that_most_trials_give():
    # one column an example: all agree, two of three, three classes tie, two classes tie at two of four
    predicted, share = most_predicted(np.array([[4, 0, 2], [4, 7, 0], [4, 7, 1]], np.int32))
    assert predicted.tolist() == [4, 7, 0]  # of equally many the lowest index
    assert share.tolist() == [1, 2 / 3, 1 / 3]
    predicted, share = most_predicted(np.array([[3], [1], [3], [1]]))
    assert (predicted.tolist(), share.tolist()) == ([1], [0.5])
    assert (predicted.dtype, share.dtype) == (np.int64, np.float64)  # type: ignore[comparison-overlap]


@given(arrays(np.int32, st.tuples(st.integers(1, 7), st.integers(1, 5)), elements=st.integers(0, 3)))
def test_it_is_the_first_maximum_of_a_tally(predictions):
    before = predictions.copy()
    predicted, share = most_predicted(predictions)
    for column, one, part in zip(predictions.T, predicted, share, strict=True):
        tally = np.bincount(column)
        assert one == tally.argmax()
        assert part == tally.max() / len(column)
    np.testing.assert_array_equal(predictions, before)


def test_what_names_nobody_is_never_named_most():
    said = np.array([[3, 5, 5, 0], [5, 5, 1, 5], [3, 5, 1, 5], [0, 5, 0, 5]])
    winner, most = most_named(said, nobody=5)
    assert winner.tolist() == [3, -1, 1, 0]
    assert most.tolist() == [2, 0, 2, 1]
