from __future__ import annotations

import numpy as np

from easiness.analysis.sides import id_keys, tie_order


def test_the_order_is_the_same_in_every_process() -> None:
    assert tie_order(id_keys(np.array([0, 1, -1])), 0).tolist() == [
        16380541254366472729,
        5155955378267592586,
        12204444938243346539,
    ]
    assert id_keys(np.array(["cat/1.png", "cat/ü.png"])).tolist() == [904424096894533348, 5791008002370715715]


def test_the_width_of_an_id_is_of_no_account() -> None:
    for dtype in (np.int8, np.int32, np.int64, np.uint64):
        assert id_keys(np.array([3, 7], dtype)).tolist() == [3, 7]
    assert np.array_equal(id_keys(np.array(["a", "bc"])), id_keys(np.array(["a", "bc"], object)))


def test_keys_are_ids_that_order_alike() -> None:
    keys = id_keys(np.array(["a", "b", "c"]))
    assert np.array_equal(id_keys(keys), keys)


def test_file_names_that_are_not_text_are_hashed() -> None:
    assert len(set(id_keys(np.array(["a\udce9", "a\udcea"], object)).tolist())) == 2


def test_consecutive_ids_are_ordered_as_if_at_random() -> None:
    keys = id_keys(np.arange(20_000))
    first, second = (np.argsort(np.argsort(tie_order(keys, seed))) for seed in (0, 1))
    limit = 4 / np.sqrt(len(keys))  # four standard errors of a correlation of 0
    assert abs(np.corrcoef(first, second)[0, 1]) < limit
    assert abs(np.corrcoef(first, np.arange(len(keys)))[0, 1]) < limit
    assert abs(np.corrcoef(first[1:], first[:-1])[0, 1]) < limit
