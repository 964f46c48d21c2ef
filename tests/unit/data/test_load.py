"""What stands for a source, and the options that go with it."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from easiness.data import Dataset, load_dataset
from easiness.errors import BadInput
from easiness.runs import load_as
from pixels import images_of

PAIR = np.zeros((8, 2), np.float32), np.arange(8) % 2
FILMS = ["a", "b", "a", "c", "b", "c", "d", "d"]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        *((name, "no such file or folder") for name in ("", "x" * 5000, "a\0b")),
        ("cifar", "did you mean .*cifar10"),
        ("CIFAR100", "did you mean .*cifar100"),
        ("Digits", "did you mean .*digits"),
        ("mini-imagenet", "did you mean .*mini-imagenet:PATH"),
        (3, "int: not a kind of data source; give digits"),
        ({"a": 1}, "dict: not a kind of data source"),
        (None, "NoneType: not a kind of data source"),
        (np.zeros((3, 4, 4)), "ndarray: not a kind of data source"),
        ((np.zeros((3, 4, 4)),), "1 parts: not a pair"),
    ],
)
def test_things_that_are_no_source(source, message):
    with pytest.raises(BadInput, match=message):
        load_dataset(source)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        *(
            ({name: "t"}, f"digits: no table, so --{name} means nothing here")
            for name in ("text", "sound", "label", "id", "group", "inputs", "without")
        ),
        ({"encoding": "latin-1"}, "digits: no table, so --encoding means nothing here"),
        ({"encoding": "klingon"}, "--encoding 'klingon': not known; name one such as utf-8"),
        ({"encoding": "rot13"}, "--encoding 'rot13': not known"),
        ({"inputs": []}, r"--inputs \[\]: no names of columns"),
        ({"inputs": "a,,b"}, "--inputs 'a,,b': no names of columns"),
        ({"inputs": ["a", 3]}, "no names of columns"),
        ({"inputs": 3}, "no names of columns"),
        ({"inputs": "a,b,a"}, "--inputs: column a is named twice"),
        ({"rate": 8000}, "rate 8000: goes with arrays of recordings"),
    ],
)
def test_options_that_do_not_go_with_a_source(options, message):
    with pytest.raises(BadInput, match=message):
        load_dataset("digits", **options)


@pytest.fixture
def films(tmp_path):
    """A manifest of eight pictures of four films."""
    rows = ["path,label,film"]
    for at, film in enumerate(FILMS):
        Image.new("RGB", (4, 4), (at * 20, 255 - at, at)).save(tmp_path / f"{at}.png")
        rows.append(f"./{at}.png,{'xy'[at % 2]},{film}")
    (tmp_path / "list.csv").write_text("\n".join(rows))
    return tmp_path / "list.csv"


def groups_of(data: Dataset | None) -> list[str]:
    assert data is not None
    assert data.groups is not None
    return data.groups.tolist()


def test_groups_are_no_part_of_what_the_examples_are_and_are_read_again(films):
    data, plain = load_dataset(films, group="film"), load_dataset(films)
    assert plain.groups is None
    assert data.fingerprint == plain.fingerprint
    assert "group" not in plain.ref().model_dump()
    assert data.ref().group == "film"
    assert data.ref().identity() == plain.ref().identity()
    part = load_dataset(films, group="film", limit=6)
    again = load_as(part.source, part.ref())
    assert groups_of(again) == groups_of(part) == [FILMS[int(one[0])] for one in again.ids]


def test_held_out_are_whole_groups(films):
    data = load_dataset(films, group="film", holdout=0.25)
    assert len(groups_of(data.held_out)) == 2
    assert not set(groups_of(data)) & set(groups_of(data.held_out))


def test_groups_of_arrays():
    assert groups_of(load_dataset(PAIR, group=FILMS)) == FILMS
    few = load_dataset(PAIR, group=np.arange(8) // 2, limit=4)
    assert groups_of(few) == [str(at // 2) for at in few.ids]


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        *(
            (name, "utf-8", f"{name} 'utf-8': the source has no columns; leave it out")
            for name in ("text", "sound", "label", "id", "encoding")
        ),
        ("group", "film", "group 'film': the source has no columns; give a value for each example"),
        ("group", FILMS[:3], "group: 3 values for 8 examples; give one for each"),
        ("group", [*FILMS[:7], None], "group: the value of example 7 is missing"),
        ("group", [*FILMS[:7], float("nan")], "group: the value of example 7 is missing"),
        ("group", 3, "group: a int; give a value for each of the 8 examples"),
    ],
)
def test_options_that_do_not_go_with_arrays(name, value, message):
    with pytest.raises(BadInput, match=message):
        load_dataset(PAIR, **{name: value})


def test_digits():
    data = load_dataset("digits")
    assert len(data) == 1797
    assert data.ids.tolist() == list(range(1797))
    assert data.classes == tuple("0123456789")
    assert data.labels[:10].tolist() == list(range(10))
    assert data.traits.shape == (1, 8, 8)
    assert images_of(data).shape == (1797, 1, 8, 8)
    assert images_of(data).is_contiguous()
    assert data.held_out is None
    assert data.source == "digits"
    assert data.recipe_defaults == {"flip": 0.0}


def test_all_17_levels_are_kept():
    images = images_of(load_dataset("digits")).numpy()[:, 0]
    original = load_digits().images
    assert images[original == 16].min() == 255
    assert images[original == 8].max() == 128  # 127.5, to the even number
    assert len(np.unique(images)) == 17
    assert (np.rint(images / 255 * 16) == original).all()


def test_without_the_file_they_are_asked_for(monkeypatch):
    expected = load_dataset("digits")
    monkeypatch.setattr("easiness.data.sources.arrays.find_spec", lambda _: None)
    assert load_dataset("digits").fingerprint == expected.fingerprint
