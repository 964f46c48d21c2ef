from __future__ import annotations

import numpy as np
import pytest

from easiness.data import load_dataset
from easiness.errors import BadInput


@pytest.mark.parametrize("name", ["", "x" * 5000, "a\0b"])
def test_unknown_names_say_what_is_accepted(name):
    with pytest.raises(BadInput, match="no such file or folder"):
        load_dataset(name)


def test_a_near_miss_gets_a_hint():
    with pytest.raises(BadInput, match=r"'digit': .*mean digits\?"):
        load_dataset("digit")


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("cifar", "cifar10"),
        ("CIFAR100", "cifar100"),
        ("Digits", "digits"),
        ("mini-imagenet", "mini-imagenet:PATH"),
    ],
)
def test_hints_are_taken_from_all_names(name, hint):
    with pytest.raises(BadInput, match=rf"did you mean .*{hint}"):
        load_dataset(name)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (3, "int: not a kind of data source; give digits"),
        (np.zeros((3, 4, 4)), "ndarray: not a kind of data source"),
        ((np.zeros((3, 4, 4)),), "1 parts: not a pair"),
    ],
)
def test_things_that_are_no_source(source, message):
    with pytest.raises(BadInput, match=message):
        load_dataset(source)


def test_other_kinds_of_file(tmp_path):
    (tmp_path / "a.txt").write_text("path,label\n")
    with pytest.raises(BadInput, match=r"a\.txt: not a kind"):
        load_dataset(tmp_path / "a.txt")


def test_limit_and_seed(folder):
    assert load_dataset(folder, limit=4, seed=2).ids.tolist() == load_dataset(folder).limit(4, 2).ids.tolist()


def test_paths_are_tidied(folder):
    data = load_dataset(str(folder / ".." / "pets"))
    assert data.source == str(folder)
