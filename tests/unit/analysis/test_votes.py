from dataclasses import replace

import numpy as np
import pytest

from easiness.analysis import Votes, votes as votes_module
from easiness.analysis.sides import id_keys
from easiness.errors import BadInput


@pytest.fixture
def three() -> Votes:
    return Votes(
        correct=np.array([[1, 1, 0, 0], [1, 0, 1, 0], [0, 0, 0, 0]], bool),
        p_label=np.array([[0.75, 0.5, 0.25, 0], [0.5, 0.25, 1, 0], [0, 0, 0.25, 0.5]], np.float32),
        labels=np.zeros(4, np.int64),
        ids=np.array(list("abcd")),
        epoch=7,
    )


def groups(*rows: list[int]) -> np.ndarray:
    return np.array(rows, np.float32)


def test_counts_and_means_over_groups_and_repeated_trials(three: Votes) -> None:
    assert three.counts(three.all_trials()).tolist() == [[2, 1, 1, 0]]
    assert three.counts(groups([1, 0, 0], [2, 1, 0])).tolist() == [[1, 1, 0, 0], [3, 2, 1, 0]]
    assert three.mean_p_label(groups([1, 1, 0], [0, 0, 2])).tolist() == [
        [0.625, 0.375, 0.625, 0],
        [0, 0, 0.25, 0.5],
    ]


def test_a_group_that_is_never_right_leaves_easiness_undefined(three: Votes) -> None:
    with pytest.raises(BadInput, match=r"epoch 7: no example .* group of 2"):
        three.counts(groups([1, 0, 0], [0, 0, 2]))


def test_a_trial_that_counts_more_often_than_a_byte_holds(three: Votes) -> None:
    assert three.counts(groups([300, 1, 0])).tolist() == [[301, 300, 1, 0]]


def test_ids_need_not_be_hashed_again(three: Votes) -> None:
    keys = np.arange(4, dtype=np.uint64)
    assert replace(three, id_keys=lambda: keys).keys is keys
    assert three.keys.tolist() == id_keys(three.ids).tolist()


def test_ids_are_hashed_as_they_are_asked_for_until_those_are_many() -> None:
    names = np.array([f"{i}.png" for i in range(100)])
    ones = np.ones((1, 100), bool)
    v = Votes(ones, ones.astype(float), np.zeros(100, np.int64), names, 1)
    expected = id_keys(names)
    for asked in (np.array([3, 99]), np.arange(5), np.arange(9)):
        assert "keys" not in v.__dict__
        assert np.array_equal(v.keys_at(asked), expected[asked])
    assert "keys" in v.__dict__
    assert np.array_equal(v.keys_at(np.array([7])), expected[[7]])


def test_chunks_change_nothing(three: Votes, monkeypatch: pytest.MonkeyPatch) -> None:
    many = groups([1, 0, 0], [0, 1, 0], [1, 1, 1], [2, 0, 1], [1, 0, 3])
    whole = three.counts(many), three.mean_p_label(many)
    monkeypatch.setattr(votes_module, "COLUMNS", 3)
    assert np.array_equal(three.counts(many), whole[0])
    assert np.array_equal(three.mean_p_label(many), whole[1])


def test_sums_of_probabilities_do_not_depend_on_the_order_of_trials() -> None:
    rng = np.random.default_rng(0)
    p = rng.random((9, 50))
    twice = np.concatenate([p, p[::-1]], axis=1)  # the same nine values per example, in two orders
    v = Votes(twice > 0, twice, np.zeros(100, np.int64), np.arange(100), 1)
    means = v.mean_p_label(v.all_trials())[0]
    assert np.array_equal(means[:50], means[50:])
    assert means[:50] == pytest.approx(p.mean(axis=0), abs=1e-11)


def test_indices_of_trials_default_to_their_positions(three: Votes) -> None:
    assert three.trial_indices.tolist() == [0, 1, 2]
    assert (three.num_trials, three.num_examples) == (3, 4)
