from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch

from easiness.data import Dataset, hold_out, load_dataset, merge_splits
from easiness.data.sources.source import check_examples, check_ids
from easiness.errors import BadInput
from easiness.inputs.image.pixels import ArrayImages
from pixels import images_of


@pytest.fixture
def data() -> Dataset:
    """Classes 0, 1, 2 with 6, 3 and 1 examples, and 4 held out; pixel values are positions."""

    def split(labels: list[int], held_out: Dataset | None = None) -> Dataset:
        num = len(labels)
        return Dataset(
            name="tiny",
            source=None,
            split="train" if held_out else "test",
            ids=np.arange(num) * 10,
            labels=np.array(labels),
            true_labels=np.array(labels),
            classes=("a", "b", "c"),
            stored=ArrayImages(np.arange(num, dtype=np.uint8)[:, None, None, None].repeat(2, axis=3)),
            held_out=held_out,
            recipe_changes={"flip": 0.0},
        )

    return split([0, 0, 1, 0, 1, 0, 2, 0, 1, 0], split([0, 0, 1, 1]))


def test_limit_fills_up_from_classes_that_have_more(data):
    assert np.bincount(data.limit(9, seed=0).labels).tolist() == [5, 3, 1]
    assert data.limit(10, seed=0).ids.tolist() == data.ids.tolist()


def test_held_out_is_limited_to_as_many(data):
    part = data.limit(3, seed=0)
    assert len(part.held_out) == 3
    assert set(part.held_out.ids) < set(data.held_out.ids)
    assert abs(np.bincount(part.held_out.labels) - 1.5).max() == 0.5


def test_a_seed_below_0(data):
    with pytest.raises(BadInput, match="seed -1"):
        data.limit(5, -1)


def test_ids_and_labels_come_without_torch():
    code = (
        "import sys; from easiness.data import load_dataset; d = load_dataset('digits', limit=20); "
        "d.fingerprint; sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


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


FEW = (np.zeros((4, 4, 4), np.uint8), np.array([0, 0, 1, 1]))


@pytest.mark.parametrize(
    ("refused", "message"),
    [
        *(
            (lambda data, share=share: hold_out(data, share), "holdout")
            for share in (0, 1, -0.1, 1.5, np.nan)
        ),
        (lambda data: hold_out(hold_out(data, 0.5), 0.5), "a held-out split"),
        (lambda _: hold_out(load_dataset(FEW), 0.1), "none of the 4"),
        (merge_splits, "no held-out split"),
    ],
)
def test_what_cannot_be_held_out_or_merged(digits, refused, message):
    with pytest.raises(BadInput, match=message):
        refused(digits)


@pytest.mark.parametrize(
    ("labels", "classes", "num", "message"),
    [
        ([0, 1, -1], None, 3, r"data: row 2: label -1 is out of range; labels are 0, 1, 2"),
        ([0, 1, 3], None, 3, "label 2 never occurs though labels go up to 3"),
        (np.array([0, 2**64 - 1], np.uint64), None, 2, "though labels go up to 1844674407370"),
        ([0.0, 1.0], None, 2, "labels have dtype float64; convert them to integers"),
        ([0.0, np.nan], None, 2, "data: row 1: the label is NaN"),
        ([True, False], None, 2, "labels have dtype bool"),
        ([[0], [1]], None, 2, r"labels have shape \(2, 1\)"),
        (np.array([], np.int64), None, 0, "no examples"),
        ([0, 1, 1], [], 3, "row 0: label 0 is out of range"),
        ([0, 1, 1], ["a"], 3, "row 1: label 1 is out of range; labels are 0 to 0"),
        ([0, 1, 1], ["a", "b", "c"], 3, r"class 'c' \(label 2\) has no example"),
        ([0, 1, 1], ["a", "a"], 3, "class name 'a' occurs twice"),
        ([0, 1, 1], ["a", "\udcff"], 3, r"data: '\\udcff': is not valid Unicode"),
        ([0, 1], None, 5, "5 examples but 2 labels"),
    ],
)
def test_wrong_labels_and_classes(labels, classes, num, message):
    with pytest.raises(BadInput, match=message):
        check_examples(np.asarray(labels), num, classes, "data", "data: row {}".format)


def test_duplicate_ids_are_named():
    with pytest.raises(BadInput, match="id a, b occurs"):
        check_ids(np.array(["a", "b", "b", "a", "c"], object), 5, "data")
