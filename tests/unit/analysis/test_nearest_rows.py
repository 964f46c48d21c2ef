from __future__ import annotations

import numpy as np
import pytest

from easiness.analysis import nearest_rows, unit_rows


@pytest.mark.parametrize("num", [1, 3, 39])
def test_the_nearest_are_those_of_all_distances_but_for_what_is_left_out(num: int) -> None:
    rng = np.random.default_rng(0)
    rows, among = rng.normal(size=(25, 4)), rng.normal(size=(40, 4))
    among[:20] = rows[:20]
    own = np.where(np.arange(25) < 20, np.arange(25), -1)
    own[3] = 30
    far = np.linalg.norm(rows[:, None] - among, axis=2)
    for left_out in (None, own):
        if left_out is not None:
            there = left_out >= 0
            far[there, left_out[there]] = np.inf
        found, distances = nearest_rows(rows, among, num, left_out)
        order = np.argsort(far, axis=1)[:, :num]
        assert (found == order).all()
        assert np.allclose(distances, np.take_along_axis(far, order, axis=1), atol=1e-7)


def test_of_equal_ones_the_first_is_nearer() -> None:
    rng = np.random.default_rng(0)
    among = np.concatenate([rng.normal(size=(30, 7))] * 2)
    found, _ = nearest_rows(rng.normal(size=(50, 7)), among, 3)
    assert (found[:, 1] == found[:, 0] + 30).all()
    assert (found[:, 2] < 30).all()


def test_units_keep_directions_and_what_has_none() -> None:
    vectors = np.array([[3, 4], [0, 0]], np.float16)
    assert np.allclose(unit_rows(vectors), np.array([[0.6, 0.8], [0, 0]]))
    assert vectors[0, 0] == 3
