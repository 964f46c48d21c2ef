"""Folds and shares: who is seen and who is left out, for any labels, groups and shares."""

from __future__ import annotations

import numpy as np
from hypothesis import HealthCheck, assume, given, settings, strategies as st

from easiness.heads import Deal, kept_together
from easiness.spec import FeaturesRef, Heads

SHARES = (
    (0.5,),
    (0.75,),
    (0.9,),
    (2 / 3,),
    (0.667,),
    (0.05, 0.2, 0.8),
    (0.05, 0.1, 0.2, 0.4, 0.8),
    (0.1, 0.3, 0.6),
    (0.07, 0.31, 0.98),
)
shares_given = st.sampled_from(SHARES)
seeds = st.integers(0, 2**32)
labels_lists = st.lists(st.integers(0, 4), min_size=4, max_size=120).map(np.array)


def heads_of(*shares: float) -> Heads:
    return Heads(features=(FeaturesRef(name="a", identity="a"),), shares=shares)


def seen_in_repeat(labels, shares, seed=0, groups=None, repeat=0):
    """[turns, shares, K] of the trials of a repeat."""
    heads = heads_of(*shares)
    dealt = Deal(labels, groups).partition(shares, seed, repeat)
    return np.stack([dealt.trained_on(turn) for turn in range(heads.folds)])


@given(labels_lists, shares_given, seeds)
def test_every_example_is_left_out_equally_often(labels, shares, seed):
    left_out = ~seen_in_repeat(labels, shares, seed)[:, -1]
    heads = heads_of(*shares)
    assert (left_out.sum(axis=0) == heads.folds - round(shares[-1] * heads.folds)).all()


@given(labels_lists, shares_given, seeds, st.data())
@settings(deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
def test_shares_are_nested_and_groups_stay_together(labels, shares, seed, data):
    num = data.draw(st.integers(2, len(labels)))
    groups = np.random.default_rng(seed).integers(0, num, len(labels))
    groups[:2] = 0, 1
    assume(len(np.unique(groups)) >= heads_of(*shares).folds)  # fewer are refused
    seen = seen_in_repeat(labels, shares, seed, groups)
    assert (seen[:, :-1] <= seen[:, 1:]).all()
    assert seen.any(axis=2)[:, -1].any()
    for one in np.unique(groups):
        members = seen[:, :, groups == one]
        assert (members == members[:, :, :1]).all()


@given(labels_lists, shares_given, seeds)
def test_sizes_are_as_asked_and_classes_are_spread_evenly(labels, shares, seed):
    seen = seen_in_repeat(labels, shares, seed)
    folds = heads_of(*shares).folds
    wanted = np.array(shares) * len(labels)
    # folds differ by one example at most, and a part of one is cut at the nearest example
    slack = np.array([1 + share * folds * (len(labels) % folds > 0) for share in shares])
    assert (np.abs(seen.sum(axis=2) - wanted) <= slack).all()
    for label in np.unique(labels):
        own = labels == label
        per_fold = [(~fold[-1] & own).sum() for fold in seen]
        if folds - round(shares[-1] * folds) == 1:  # else folds are left out together
            assert max(per_fold) - min(per_fold) <= 1


def test_seeds_and_repeats_give_other_partitions():
    labels = np.arange(200) % 4
    np.testing.assert_array_equal(
        seen_in_repeat(labels, (0.2, 0.8), 5), seen_in_repeat(labels, (0.2, 0.8), 5)
    )
    ways = [seen_in_repeat(labels, (0.8,), *way) for way in ((0, None, 0), (1, None, 0), (0, None, 1))]
    assert not any(np.array_equal(ways[0], other) for other in ways[1:])


def test_a_thousand_classes_of_three():
    labels = np.repeat(np.arange(1000), 3)
    seen = seen_in_repeat(labels, (0.05, 0.2, 0.8))
    of_class = seen.reshape(5, 3, 1000, 3).sum(axis=3)
    assert of_class[:, 2].min() == 2  # at most one of three is left out
    assert of_class[:, 1].max() == 1
    np.testing.assert_array_equal(seen.sum(axis=2), np.broadcast_to([150, 600, 2400], (5, 3)))


def test_a_share_that_was_rounded_sees_whole_folds():
    rounded, exact = (seen_in_repeat(np.zeros(6000, np.int64), (share,)) for share in (0.667, 2 / 3))
    np.testing.assert_array_equal(rounded, exact)


def test_one_large_group_is_left_out_once():
    labels, groups = np.arange(300) % 10, np.r_[np.zeros(200, int), np.arange(1, 101)]
    seen = seen_in_repeat(labels, (0.05, 0.2, 0.8), groups=groups)
    assert (~seen[:, -1, 0]).sum() == 1
    assert (seen[:, :, :200] == seen[:, :, :1]).all()


RNG = np.random.default_rng(0)
VECTORS = RNG.standard_normal((300, 40)).astype(np.float16)


def copies_of(vectors: np.ndarray, noise: float) -> np.ndarray:
    return (vectors + RNG.standard_normal(vectors.shape) * noise).astype(np.float16)


def groups_of_several(numbers: np.ndarray) -> list[list[int]]:
    return [np.flatnonzero(numbers == one).tolist() for one in np.flatnonzero(np.bincount(numbers) > 1)]


def test_vectors_that_are_equal_in_all_features_are_kept_together_however_few_there_are() -> None:
    first = np.array([[0, 1], [2, 3], [0, 1], [2, 4], [0, 1]], np.float16)
    assert groups_of_several(kept_together([first])) == [[0, 2, 4]]
    second = np.array([[5], [5], [5], [5], [6]], np.float32)
    assert groups_of_several(kept_together([first, second])) == [[0, 2]]


def test_copies_that_were_saved_anew_are_kept_together() -> None:
    vectors = np.concatenate([VECTORS, *(copies_of(VECTORS[:num], 0.2) for num in (5, 1, 1))])
    expected = [[0, 300, 305, 306], *([at, 300 + at] for at in range(1, 5))]
    assert groups_of_several(kept_together([vectors])) == expected
    assert groups_of_several(kept_together([vectors], most=304)) == []


def test_what_many_look_like_is_no_copy() -> None:
    """A chain of frames, each nearest to the next: kept apart, or all would be one group."""
    steps = RNG.standard_normal((60, 40))
    steps *= 0.97 ** np.arange(60)[:, None] / np.linalg.norm(steps, axis=1, keepdims=True)
    walk = np.cumsum(steps, axis=0) + 3
    assert groups_of_several(kept_together([np.concatenate([VECTORS, walk]).astype(np.float32)])) == []


def test_in_few_dimensions_neighbours_are_no_copies() -> None:
    for columns in (1, 2):
        points = RNG.random((400, columns)).astype(np.float32) + 1
        assert groups_of_several(kept_together([points])) == []


def test_values_given_keep_examples_together_too() -> None:
    groups = np.array([f"film {at // 100}" for at in range(300)], object)
    twice = VECTORS.copy()
    twice[250] = twice[3]
    assert groups_of_several(kept_together([VECTORS], groups)) == [
        list(range(at, at + 100)) for at in (0, 100, 200)
    ]
    assert groups_of_several(kept_together([twice], groups)) == [
        [*range(100), *range(200, 300)],
        list(range(100, 200)),
    ]


def test_numbers_do_not_depend_on_what_values_are_called() -> None:
    names = np.array(list("bbaacc") * 50, object)
    others = np.array(["x" + {"a": "1", "b": "9", "c": "5"}[name] for name in names], object)
    np.testing.assert_array_equal(kept_together([VECTORS], names), kept_together([VECTORS], others))


def test_what_is_the_same_is_kept_together_whatever_its_vectors() -> None:
    same = np.arange(300)
    same[[7, 200]] = 9
    assert groups_of_several(kept_together([VECTORS], same=same)) == [[7, 9, 200]]
