"""A planted duplicate is found whatever the order; distinct random pictures are in no conflict."""

from __future__ import annotations

import numpy as np
from hypothesis import given, strategies as st

from easiness.data import load_dataset
from easiness.studies.suspects.conflicts import find_conflicts


@given(st.integers(0, 2**32 - 1), st.integers(4, 30), st.integers(2, 10))
def test_distinct_random_pictures_are_in_no_conflict(seed: int, num: int, num_held_out: int) -> None:
    pictures = np.random.default_rng(seed).integers(0, 256, (num + num_held_out, 24, 28, 3), dtype=np.uint8)
    labels = np.arange(num + num_held_out) % 2
    train, held_out = (pictures[:num], labels[:num]), (pictures[num:], labels[num:])
    assert find_conflicts(load_dataset(train, held_out=held_out)).table().empty


@given(st.integers(0, 2**32 - 1), st.integers(6, 30), st.integers(2, 10))
def test_what_was_planted_is_found_whatever_the_order(seed: int, num: int, num_held_out: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 256, (num, 26, 26, 3), dtype=np.uint8)
    held_out = rng.integers(0, 256, (num_held_out, 26, 26, 3), dtype=np.uint8)
    labels = np.arange(num) % 2
    x[1], x[4] = x[0], x[2]  # labels 0 and 1; 0 and 0
    held_out[0] = x[3]
    held_out[1] = np.clip(x[5].astype(int) + rng.integers(-3, 4, x[5].shape), 0, 255)
    order, other_order = rng.permutation(num), rng.permutation(num_held_out)
    where, other_where = np.argsort(order), np.argsort(other_order)
    held_out_labels = np.zeros(num_held_out, np.int64)
    data = load_dataset(
        (x[order], labels[order]), held_out=(held_out[other_order], held_out_labels[other_order])
    )
    found = find_conflicts(data)
    assert [{one.id for one in group} for group in found.two_labels] == [{where[0], where[1]}]
    assert [{one.id for one in group} for group in found.duplicates] == [{where[2], where[4]}]
    pairs = [(p.train.id, p.held_out.id, p.labels_agree) for p in found.in_both]
    assert pairs == [(where[3], other_where[0], False)]
    pairs = [(p.train.id, p.held_out.id, p.labels_agree) for p in found.nearly_in_both]
    assert pairs == [(where[5], other_where[1], False)]
