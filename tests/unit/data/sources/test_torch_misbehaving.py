from __future__ import annotations

import io
import sys
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import Subset
from torchvision.datasets import ImageFolder

from easiness.data import load_dataset
from easiness.errors import BadInput
from pixels import images_of


class Items:
    """A Dataset of what it is given."""

    def __init__(self, items, **attributes):
        self.items = items
        for name, value in attributes.items():
            setattr(self, name, value)

    def __len__(self):
        return len(self.items)

    def __getitem__(self, position):
        item = self.items[position]
        return item() if callable(item) else item


def grey(value):
    return np.full((4, 5), value, np.uint8)


def refused(dataset, message, **options):
    with pytest.raises(BadInput, match=message) as caught:
        _ = images_of(load_dataset(dataset, **options))
    assert "\n" not in str(caught.value)


class NoLength(torch.utils.data.Dataset[Any]):
    def __getitem__(self, _):
        return grey(0), 0


class ItemsAlone:
    def __getitem__(self, _):
        return grey(0), 0


@pytest.mark.parametrize("source", [NoLength(), ItemsAlone()])
def test_what_has_items_but_no_length(source):
    refused(source, f"{type(source).__name__}: it has no __len__, .* add one that returns their number")
    refused(Items([(grey(0), 0), (grey(1), 1)]), "it has no __len__", held_out=source)


def failing_length(_):
    raise RuntimeError("not\nyet")


@pytest.mark.parametrize(
    ("length", "reason"),
    [
        (lambda _: -1, r"ValueError: __len__\(\) should return >= 0"),
        (lambda _: 2.0, "TypeError: 'float' object cannot be interpreted as an integer"),
        (lambda _: None, "TypeError: "),
        (lambda _: 2**70, "OverflowError: "),
        (failing_length, "RuntimeError: not yet"),
        (lambda _: sys.exit(3), "SystemExit: 3"),
    ],
)
def test_lengths_that_are_none(length, reason):
    broken = type("Broken", (Items,), {"__len__": length})([(grey(0), 0), (grey(1), 1)])
    refused(broken, f"Broken: its length is not to be had \\({reason}")
    refused(Subset(broken, [0, 1]), "its length is not to be had")


def test_a_length_that_fails_later():
    dataset = Items([(grey(0), 0), (grey(1), 1)])
    data = load_dataset(dataset)
    dataset.items = None
    with pytest.raises(BadInput, match="Items: its length"):
        _ = images_of(data)


@pytest.mark.parametrize("label", [2**63, -(2**70), np.uint64(2**63), np.array(2**63), 10**30])
def test_labels_beyond_64_bits(label):
    refused(
        Items([(grey(0), 0), (grey(1), label)]), r"item 1 of Items: label -?\d+ is out of range; labels are 0"
    )
    targets = np.array([0, 2**63], np.uint64)  # -2**63 as int64
    refused(
        Items([(grey(0), 0), (grey(1), label)], targets=targets), "item 1 of Items: label .* is out of range"
    )


def test_files_with_a_label_beyond_64_bits(folder):
    dataset = ImageFolder(folder)
    dataset.samples[1] = (dataset.samples[1][0], 2**63)
    refused(
        dataset,
        "label 9223372036854775808 is out of range|item 1 of ImageFolder: its label is 9223372036854775808",
    )


def test_an_item_that_ends_the_program():
    dataset = Items([(grey(0), 0), lambda: sys.exit("no\nmore")])
    refused(dataset, r"item 1 of Items: its code ends the program \(SystemExit: no more\)")
    refused(dataset, "ends the program", skip_unreadable=True)


def test_an_interrupt_is_not_swallowed():
    def interrupted():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        load_dataset(Items([(grey(0), 0), interrupted]))


@pytest.mark.parametrize("index", [6, -7, 10**6])
def test_indices_that_are_not_there(folder, index):
    refused(Subset(ImageFolder(folder), [0, index]), f"Subset: index {index} is outside of the 6 items")
    items = Items([(grey(i), i % 2) for i in range(6)], targets=[0, 1] * 3)
    refused(Subset(items, [0, index]), f"Subset: index {index} is outside of the 6 items")  # type: ignore[arg-type]


def png(size):
    buffer = io.BytesIO()
    Image.new("RGB", size).save(buffer, "PNG")
    return buffer


@pytest.mark.parametrize("size", [(6, 5), (60, 50)])  # above the limit, and above twice the limit
@pytest.mark.parametrize("opened", [False, True])
def test_decompression_bombs(monkeypatch, size, opened):
    small, large = png((5, 4)), png(size)
    bomb = Image.open(large) if opened else lambda: (Image.open(large), 1)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 20)
    dataset = Items([lambda: (Image.open(small), 0), (bomb, 1) if opened else bomb, (grey(1), 1)])
    refused(
        dataset, "item 1 of Items: too many pixels to be safe .a decompression bomb.; .*--skip-unreadable"
    )
    assert load_dataset(dataset, skip_unreadable=True).ids.tolist() == [0, 2]
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    assert len(load_dataset(dataset)) == 3


@pytest.mark.parametrize("kind", [list, tuple])
@pytest.mark.parametrize("num", [2, 3, 5])
@pytest.mark.parametrize("image", [grey, lambda i: Image.fromarray(grey(i)), lambda i: torch.tensor(grey(i))])
@pytest.mark.parametrize("label", [int, np.int32, torch.tensor])
def test_lists_of_items(kind, num, image, label):
    pairs = kind((image(i), label(i % 2)) for i in range(num))
    data = load_dataset(pairs, held_out=pairs[:1], classes=["even", "odd"])
    assert data.ids.tolist() == list(range(num))
    assert data.labels.tolist() == [i % 2 for i in range(num)]
    assert images_of(data)[:, 0, 0, 0].tolist() == list(range(num))
    assert data.held_out is not None
    assert data.held_out.labels.tolist() == [0]


@pytest.mark.parametrize("image", [grey, lambda i: Image.fromarray(grey(i)), lambda i: grey(i).tolist()])
@pytest.mark.parametrize("kind", [list, tuple])
def test_two_images_and_two_labels_are_a_pair_of_arrays(kind, image):
    if image(0).__class__ is list:
        pair = kind([np.array([image(3), image(7)], np.uint8), [1, 0]])
    else:
        pair = kind([kind([image(3), image(7)]), kind([1, 0])])
    data = load_dataset(pair)
    assert data.name == "arrays"
    assert data.labels.tolist() == [1, 0]
    assert images_of(data)[:, 0, 0, 0].tolist() == [3, 7]


def test_lists_of_other_things():
    refused(
        [(grey(0), 0), (grey(1), "cat")], r"item 1 of list: its label is a str \('cat'\); give an integer"
    )
    refused(
        [(grey(0), 0), grey(1), grey(2)],
        r"a source of 3 parts: not a pair; give arrays as \(x, y\), or a list",
    )
    refused([], "a source of 0 parts: not a pair")


def test_one_split_in_grey_and_the_other_in_color():
    train, test = [(grey(0), 0), (grey(1), 1)], [(np.zeros((3, 4, 5), np.uint8), 0)]
    message = "images of train have 1 channel but those of test 3 channels; give both splits the same"
    refused(Items(train), message, held_out=Items(test))
    refused(
        (np.zeros((2, 4, 5), np.uint8), [0, 1]), message, held_out=(np.zeros((1, 3, 4, 5), np.uint8), [0])
    )
