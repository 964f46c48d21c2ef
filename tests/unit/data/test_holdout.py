from __future__ import annotations

import numpy as np
import pytest
import torch

from easiness import BadInput, load_dataset
from easiness.data.holdout import hold_out, merge_splits
from pixels import images_of


@pytest.fixture(scope="module")
def digits():
    return load_dataset("digits")


def test_a_share_of_each_class_is_held_out(digits):
    data = hold_out(digits, 0.2)
    assert data.held_out is not None
    assert data.held_out.held_out is None
    sizes, held = np.bincount(digits.labels), np.bincount(data.held_out.labels)
    assert held.tolist() == [int(0.2 * n + 0.5) for n in sizes]
    assert sorted([*data.ids, *data.held_out.ids]) == digits.ids.tolist()
    assert not set(data.ids) & set(data.held_out.ids)
    assert torch.equal(images_of(data.held_out), images_of(digits)[data.held_out.ids])


def test_it_is_found_again(digits):
    data = load_dataset("digits", holdout=0.2, limit=100)
    ref = data.ref()
    assert ref.load_options().holdout == 0.2
    again = load_dataset(ref.source, limit=ref.limit, **ref.load_options().model_dump())
    assert again.ref() == ref
    whole = hold_out(digits, 0.2)
    assert set(data.ids) < set(whole.ids)
    assert data.held_out is not None
    assert whole.held_out is not None
    assert set(data.held_out.ids) <= set(whole.held_out.ids)


def test_every_class_keeps_an_example():
    x = np.arange(6, dtype=np.uint8).repeat(16).reshape(6, 4, 4)
    data = hold_out(load_dataset((x, np.array([0, 0, 0, 0, 0, 1]))), 0.9)
    assert np.bincount(data.labels).tolist() == [1, 1]
    assert data.held_out is not None
    assert data.held_out.labels.tolist() == [0] * 4


@pytest.mark.parametrize("share", [0, 1, -0.1, 1.5, float("nan")])
def test_shares_out_of_range(digits, share):
    with pytest.raises(BadInput, match="holdout"):
        hold_out(digits, share)


def test_no_second_held_out_split(digits):
    with pytest.raises(BadInput, match="a held-out split"):
        hold_out(hold_out(digits, 0.5), 0.5)


def test_nothing_to_hold_out():
    x = np.zeros((4, 4, 4), np.uint8)
    with pytest.raises(BadInput, match="none of the 4"):
        hold_out(load_dataset((x, np.array([0, 0, 1, 1]))), 0.1)


def test_merged(digits):
    data = load_dataset("digits", holdout=0.25)
    merged = merge_splits(data)
    assert data.held_out is not None
    assert len(merged) == len(digits)
    assert merged.held_out is None
    first = len(data)
    assert merged.ids[0] == f"train/{data.ids[0]}"
    assert merged.ids[first] == f"test/{data.held_out.ids[0]}"
    assert merged.labels[first:].tolist() == data.held_out.labels.tolist()
    assert torch.equal(images_of(merged), torch.cat([images_of(data), images_of(data.held_out)]))
    some = np.array([3, first - 1, first, len(merged) - 1])
    assert [p[..., 0].tolist() for p in merged.values(some)] == images_of(merged)[some, 0].tolist()
    assert merged.fingerprint not in (data.fingerprint, digits.fingerprint)
    assert merged.stored.name(first) == data.held_out.stored.name(0)


def test_merging_needs_a_held_out_split(digits):
    with pytest.raises(BadInput, match="no held-out split"):
        merge_splits(digits)
