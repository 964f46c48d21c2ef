from __future__ import annotations

import numpy as np
import pytest

from easiness.analysis import bits
from easiness.analysis.bits import ClassTally

SIZES = (1, 7, 8, 63, 64, 65, 200)


def masks(num: int, num_sets: int = 7) -> np.ndarray:
    return np.random.default_rng(num).random((num_sets, num)) < 0.4


@pytest.mark.parametrize("num", SIZES)
def test_sets_come_back_with_their_sizes_and_members(num: int) -> None:
    for mask, words in zip(masks(num), bits.pack(masks(num)), strict=True):
        assert np.array_equal(bits.unpack(words, num), mask)
        assert bits.size(words) == mask.sum()
        members = bits.Members(words)
        assert members.positions.tolist() == np.flatnonzero(mask).tolist()
        some = np.random.default_rng(1).random(len(members.positions)) < 0.5
        part = bits.unpack(members.subset(some), num)
        assert np.flatnonzero(part).tolist() == members.positions[some].tolist()


@pytest.mark.parametrize("num", SIZES)
def test_members_before_a_position(num: int) -> None:
    (mask,) = masks(num, 1)
    before = [mask[:at].sum() for at in range(num + 1)]
    assert bits.ones_before(bits.pack(mask), np.arange(num + 1)).tolist() == before


@pytest.mark.parametrize("num_sets", [1, 2, 3, 4, 7, 20])
def test_sets_are_added_up_in_binary_digits(num_sets: int) -> None:
    many = masks(200, num_sets)
    digits = [bits.unpack(digit, 200) for digit in bits.sums(list(bits.pack(many)))]
    assert len(digits) == num_sets.bit_length()
    assert np.array_equal(sum(digit * 2**i for i, digit in enumerate(digits)), many.sum(axis=0))


def test_pairs_of_counts_are_tallied() -> None:
    ours, theirs = masks(200, 5), masks(201, 3)[:, :200]
    everyone = bits.pack(np.ones(200, np.bool_))
    tally = bits.joint_tally(bits.sums(list(bits.pack(ours))), bits.sums(list(bits.pack(theirs))), everyone)
    expected = np.zeros((8, 4), int)
    np.add.at(expected, (ours.sum(axis=0), theirs.sum(axis=0)), 1)
    assert np.array_equal(tally, expected)


@pytest.mark.parametrize("in_order", [True, False])
def test_members_are_counted_by_class_in_any_order(in_order: bool) -> None:
    rng = np.random.default_rng(0)
    labels = rng.choice([0, 1, 2, 4, 9], 300)  # no example of 3, 5, ...
    if in_order:
        labels.sort()
    mask = rng.random(300) < 0.3
    classes = ClassTally(labels)
    assert classes.sizes.tolist() == np.bincount(labels).tolist()
    assert classes.of(bits.pack(mask)).tolist() == np.bincount(labels[mask], minlength=10).tolist()
