from __future__ import annotations

import io
import sys
import threading
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader, IterableDataset, Subset, TensorDataset
from torchvision.datasets import ImageFolder

from easiness.data import load_dataset
from easiness.errors import BadInput
from pixels import images_of


class Items:
    """A Dataset of what it is given."""

    def __init__(self, items, **attributes):
        self.items = items
        self.read = []
        for name, value in attributes.items():
            setattr(self, name, value)

    def __len__(self):
        return len(self.items)

    def __getitem__(self, position):
        self.read.append(position)
        assert threading.current_thread() is threading.main_thread()
        item = self.items[position]
        return item() if callable(item) else item


def grey(value, size=(4, 5)):
    return np.full(size, value, np.uint8)


def refused(dataset, message, **options):
    with pytest.raises(BadInput, match=message) as caught:
        _ = images_of(load_dataset(dataset, **options))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "image",
    [
        np.full((3, 4, 5), 51, np.uint8),
        np.full((4, 5, 3), 0.2),
        torch.full((3, 4, 5), 0.2),
        torch.full((3, 4, 5), 51, dtype=torch.uint8),
        Image.new("RGB", (5, 4), (51, 51, 51)),
        Image.new("RGBA", (5, 4), (51, 51, 51, 7)),
    ],
)
@pytest.mark.parametrize("label", [1, np.int64(1), np.uint8(1), torch.tensor(1), np.array(1)])
def test_items(image, label):
    data = load_dataset(Items([(grey(3), 0), (image, label)]))
    assert data.labels.tolist() == [0, 1]
    assert images_of(data).shape == (2, 3, 4, 5)
    assert images_of(data)[0].unique().tolist() == [3]
    assert images_of(data)[1].unique().tolist() == [51]


def test_grey_items_have_one_channel():
    items = [(Image.new("L", (5, 4), 9), 0), (torch.full((1, 4, 5), 0.2), 1), (grey(8), 1)]
    data = load_dataset(Items(items))
    assert data.traits.shape == (1, 4, 5)
    assert images_of(data)[:, 0, 0, 0].tolist() == [9, 51, 8]


def test_exif_orientation_is_applied():
    exif = Image.Exif()
    exif[0x0112] = 6
    buffer = io.BytesIO()
    Image.fromarray(np.array([[1, 2, 3]], np.uint8)).save(buffer, "PNG", exif=exif)
    data = load_dataset(Items([(grey(0, (3, 1)), 0), (Image.open(buffer), 1)]))
    assert data.values(np.array([1]))[0].tolist() == [[[1]], [[2]], [[3]]]


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ({"image": grey(1), "label": 0}, r"item 1 of Items: a dict; give a pair \(image, label\)"),
        ((grey(1), 0, 7), r"item 1 of Items: a tuple of 3 parts; give a pair"),
        (grey(1), "item 1 of Items: a ndarray; give a pair"),
        ((grey(1), 1.0), r"item 1 of Items: its label is a float \(1\.0\); give an integer"),
        ((grey(1), "cat"), r"its label is a str \('cat'\)"),
        ((grey(1), True), "its label is a bool"),
        ((grey(1), torch.tensor([1])), "its label is a Tensor"),
        ((grey(1), torch.tensor(1.0)), "its label is a Tensor"),
        *(
            ((grey(1), label), r"item 1 of Items: label -?\d+ is out of range")
            for label in (-1, 2**63, -(2**70), np.uint64(2**63), np.array(2**63), 10**30)
        ),
        (("a.png", 1), "item 1 of Items: its image is a str; give a PIL image, an array or a tensor"),
        ((grey(1).astype(int), 1), "item 1 of Items: pixels of dtype int64; give uint8"),
        ((np.zeros(4), 1), r"item 1 of Items: an image of shape 4; give \[height, width\]"),
        ((Image.fromarray(np.full((4, 5), 0.5, np.float32)), 1), "item 1 of Items: 32 bits"),
    ],
)
def test_other_items(item, message):
    refused(Items([(grey(0), 0), item]), message)


def test_errors_of_the_dataset_are_named_or_left_out():
    def broken():
        raise OSError("disk\non fire")

    dataset = Items([(grey(0), 0), broken, (grey(1), 1)])
    refused(dataset, "item 1 of Items: OSError: disk on fire; mend it, or use --skip-unreadable")
    data = load_dataset(dataset, skip_unreadable=True)
    assert data.ids.tolist() == [0, 2]
    assert data.num_unreadable == 1
    assert data.labels.tolist() == [0, 1]
    refused(Items([broken, broken]), "no examples", skip_unreadable=True)


def test_labels_are_those_of_the_items():
    items = Items([(grey(0), 1), (grey(1), 0)], targets=[0, 1])
    assert load_dataset(items).labels.tolist() == [1, 0]


def test_random_transforms_are_refused():
    values = iter(range(1000))
    changing = Items([(lambda: (grey(next(values) % 256), 0)), (grey(1), 1)])
    refused(changing, "item 0 of Items: it is not the same when it is read again; take random transforms out")


def test_a_length_that_lies():
    class Longer(Items):
        def __len__(self):
            return 3

    refused(Longer([(grey(0), 0), (grey(1), 1)]), "item 2 of Longer: .*length is 3")


class Stream(IterableDataset[Any]):
    def __iter__(self):
        yield grey(0), 0


class NoLength(torch.utils.data.Dataset[Any]):
    def __getitem__(self, _):
        return grey(0), 0


@pytest.mark.parametrize(
    "data", [Stream(), NoLength(), DataLoader(TensorDataset(torch.zeros(2, 4, 5))), iter([(grey(0), 0)])]
)
def test_what_can_only_be_iterated_or_has_no_length(data):
    refused(data, f"{type(data).__name__}: .*iterated .* no __len__, and an example needs an identity")
    refused(Items([(grey(0), 0), (grey(1), 1)]), "no __len__", held_out=data)


def test_held_out_must_be_a_dataset_too():
    dataset = Items([(grey(0), 0), (grey(1), 1)], classes=["a", "b"])
    refused(dataset, "held_out: a tuple; give a Dataset", held_out=(np.zeros((2, 4, 5)), [0, 1]))
    other = Items([(grey(0), 0)], classes=["b", "a"])
    refused(dataset, r"Items \(test\): its class names differ from those of Items", held_out=other)
    outside = Items([(grey(0), 2)], classes=["a", "b"])
    refused(dataset, r"item 0 of Items \(test\): label 2 is out of range", held_out=outside)


def test_class_names():
    items = [(grey(0), 0), (grey(1), 1), (grey(2), 2)]
    assert load_dataset(Items(items)).classes == ("0", "1", "2")
    assert load_dataset(Items(items, classes=["a", "b", "c"])).classes == ("a", "b", "c")
    given = load_dataset(Items(items, classes=["a", "b", "c"]), classes=["x", "y", "z"])
    assert given.classes == ("x", "y", "z")
    synonyms = [("crane",), ("tench", "Tinca tinca"), ("crane",)]
    found = load_dataset(Items(items, classes=synonyms)).classes
    assert found == ("crane (0)", "tench, Tinca tinca", "crane (2)")
    refused(Items(items, classes=["a", "b"]), "item 2 of Items: label 2 is out of range; labels are 0 to 1")


class Inverted(ImageFolder):
    def __getitem__(self, position):
        image, label = super().__getitem__(position)
        return 255 - np.asarray(image), label


@pytest.mark.parametrize(
    "make",
    [
        Inverted,
        lambda root: ImageFolder(root, transform=lambda image: 255 - np.asarray(image)),
        lambda root: ImageFolder(root, loader=lambda path: 255 - np.asarray(Image.open(path))),
    ],
)
def test_files_are_not_read_directly_where_more_happens(folder, make):
    assert torch.equal(images_of(load_dataset(make(folder))), 255 - images_of(load_dataset(folder)))


def failing_length(_):
    raise RuntimeError("not\nyet")


@pytest.mark.parametrize(
    ("length", "reason"),
    [
        (lambda _: -1, r"ValueError: __len__\(\) should return >= 0"),
        (lambda _: None, "TypeError: "),
        (failing_length, "RuntimeError: not yet"),
        (lambda _: sys.exit(3), "SystemExit: 3"),
    ],
)
def test_lengths_that_are_none(length, reason):
    broken = type("Broken", (Items,), {"__len__": length})([(grey(0), 0), (grey(1), 1)])
    refused(broken, f"Broken: its length is not to be had \\({reason}")
    refused(Subset(broken, [0, 1]), "its length is not to be had")


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
    items = Items([(grey(i), i % 2) for i in range(6)])
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
    refused(dataset, "item 1 of Items: too many pixels .*--skip-unreadable")
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
