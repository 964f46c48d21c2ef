"""Examples that stay in one fold: the same vectors, nearly the same ones, and those of one origin."""

from __future__ import annotations

import numpy as np

from easiness.heads import kept_together

RNG = np.random.default_rng(0)
VECTORS = RNG.standard_normal((300, 40)).astype(np.float16)


def copies_of(vectors: np.ndarray, noise: float) -> np.ndarray:
    return (vectors + RNG.standard_normal(vectors.shape) * noise).astype(np.float16)


def groups_of_several(numbers: np.ndarray) -> list[list[int]]:
    return [np.flatnonzero(numbers == one).tolist() for one in np.flatnonzero(np.bincount(numbers) > 1)]


def test_examples_are_alone_unless_something_joins_them() -> None:
    assert groups_of_several(kept_together([VECTORS])) == []


def test_equal_vectors_are_kept_together_however_few_there_are() -> None:
    few = np.array([[0, 1], [2, 3], [0, 1], [2, 4]], np.float16)
    assert groups_of_several(kept_together([few])) == [[0, 2]]


def test_vectors_have_to_be_equal_in_all_features() -> None:
    first = np.array([[0, 1], [0, 1], [0, 1]], np.float16)
    second = np.array([[5], [6], [5]], np.float32)
    assert groups_of_several(kept_together([first, second])) == [[0, 2]]


def test_copies_that_were_saved_anew_are_kept_together() -> None:
    vectors = np.concatenate([VECTORS, copies_of(VECTORS[:5], 0.2)])
    assert groups_of_several(kept_together([vectors])) == [[at, 300 + at] for at in range(5)]
    assert groups_of_several(kept_together([vectors], most=304)) == []


def test_copies_of_every_example_are_found() -> None:
    found = kept_together([np.concatenate([VECTORS, copies_of(VECTORS, 0.2)])])
    assert groups_of_several(found) == [[at, 300 + at] for at in range(300)]


def test_several_copies_of_one_example_are_one_group() -> None:
    found = kept_together([np.concatenate([VECTORS, *(copies_of(VECTORS[:1], 0.2) for _ in range(3))])])
    assert groups_of_several(found) == [[0, 300, 301, 302]]


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
