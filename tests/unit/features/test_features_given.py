"""Features that are there already: arrays in Python, files of NumPy's, the examples themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from easiness.data import Dataset, load_dataset
from easiness.errors import BadInput
from easiness.features import FeatureSource, find_features

ALL = np.arange(20)


@pytest.fixture(scope="module")
def data() -> Dataset:
    return load_dataset("digits", limit=20)


@pytest.fixture(scope="module")
def split_data() -> Dataset:
    """20 examples to train on and as many held out."""
    return load_dataset("digits", limit=20, holdout=0.2)


@pytest.fixture
def values() -> np.ndarray:
    return np.random.default_rng(0).standard_normal((20, 3)).astype(np.float32)


def rows_of(source: FeatureSource, data: Dataset) -> np.ndarray:
    return source.vectors(data, np.arange(len(data)))


def test_arrays_are_in_the_order_of_the_examples(data: Dataset, values: np.ndarray) -> None:
    for given in (values, values.astype(np.float64), torch.from_numpy(values), values.tolist()):
        source = find_features(given, data)
        assert source.name == "array"
        np.testing.assert_array_equal(rows_of(source, data), values)
    np.testing.assert_array_equal(source.vectors(data, np.array([3, 7])), values[[3, 7]])


def test_the_identity_is_of_the_values_alone(data: Dataset, values: np.ndarray, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", values.astype(np.float64))
    np.savez(tmp_path / "x.npz", embedding=values[::-1], ids=data.ids[::-1])
    given = [values, np.asfortranarray(values), {"train": values}, tmp_path / "x.npy", tmp_path / "x.npz"]
    sources = [find_features(one, data) for one in given]
    assert len({source.identity for source in sources}) == 1
    assert len(sources[0].identity) == 64
    assert find_features(values[::-1], data).identity != sources[0].identity
    assert [source.name for source in sources[3:]] == [str(one) for one in given[3:]]


def test_held_out_rows_are_behind_the_others(split_data: Dataset, tmp_path: Path) -> None:
    both = np.random.default_rng(0).standard_normal((40, 3)).astype(np.float32)
    np.save(tmp_path / "x.npy", both)
    held_out = split_data.held_out
    assert held_out is not None
    for given in (both, {"train": both[:20], "held_out": both[20:]}, tmp_path / "x.npy"):
        source = find_features(given, split_data)
        np.testing.assert_array_equal(rows_of(source, split_data), both[:20])
        np.testing.assert_array_equal(rows_of(source, held_out), both[20:])


def test_npz_goes_by_ids(split_data: Dataset, tmp_path: Path) -> None:
    held_out = split_data.held_out
    assert held_out is not None
    rows = np.random.default_rng(0).standard_normal((1797, 3)).astype(np.float32)
    order = np.random.default_rng(1).permutation(1797)
    np.savez(tmp_path / "x.npz", features=rows[order], ids=order)
    source = find_features(str(tmp_path / "x.npz"), split_data)
    np.testing.assert_array_equal(rows_of(source, split_data), rows[split_data.ids.astype(int)])
    np.testing.assert_array_equal(rows_of(source, held_out), rows[held_out.ids.astype(int)])
    np.savez(
        tmp_path / "y.npz", x=rows[split_data.ids.astype(int)], x_test=rows[order], ids_test=order
    )  # the former by position
    other = find_features(str(tmp_path / "y.npz"), split_data)
    assert other.identity == source.identity


def test_vectors_are_features_themselves() -> None:
    x = np.random.default_rng(0).standard_normal((20, 4)).astype(np.float32)
    data = load_dataset((x, np.arange(20) % 2))
    np.testing.assert_array_equal(rows_of(find_features("inputs", data), data), x)
    other = load_dataset((x + 1, np.arange(20) % 2))
    assert find_features("inputs", data).identity != find_features("inputs", other).identity


def refused(given: Any, data: Dataset, words: str) -> None:
    with pytest.raises(BadInput, match=words) as caught:
        find_features(given, data)
    assert "\n" not in str(caught.value)


def test_what_does_not_fit_is_refused(data: Dataset, split_data: Dataset, values: np.ndarray) -> None:
    refused(values[:-1], data, "'array': 19 rows for 20 examples; give one a row in their order")
    refused(values, split_data, "20 rows for 20 examples and 20 held out behind them; give")
    refused({"train": values}, split_data, "no array for held_out; give one for each")
    refused({"train": values, "held_out": values[:4]}, split_data, "4 rows for 20 examples of held_out")
    refused({"train": values, "held_out": values[:, :2]}, split_data, "splits differ in width")
    refused(values[:, 0], data, "shape 20 of float32; give numbers")
    refused(values[:, :0], data, "shape 20 x 0 of float32; give numbers")
    refused(np.full((20, 2), "a"), data, "of <U1; give numbers")
    refused(object(), data, "give numbers")
    refused("inputs", data, "are pictures; give auto")
    refused("input", data, "'input': not known .did you mean inputs")


def test_files_that_are_none_are_refused(data: Dataset, tmp_path: Path, values: np.ndarray) -> None:
    refused(tmp_path / "no.npy", data, "no.npy: the file cannot be read .No such file")
    refused(tmp_path / "no.npz", data, "no.npz: the file cannot be read .No such file")
    # of Python 2, and damaged: without advice beside the line
    (tmp_path / "old.npy").write_bytes(b"\x93NUMPY\x01\x00\x10\x00{'shape': (2L,)}\n")
    refused(tmp_path / "old.npy", data, "old.npy: no array of numbers that can be read .*; save it")
    np.save(tmp_path / "objects.npy", np.array([{}] * 20, object), allow_pickle=True)
    refused(tmp_path / "objects.npy", data, "objects.npy: no array of numbers that can be read .*; save it")
    (tmp_path / "text.npy").write_text("1,2,3\n")
    refused(tmp_path / "text.npy", data, "text.npy: no array of numbers that can be read")
    np.savez(tmp_path / "a.npz", x=values)
    (tmp_path / "a.npz").rename(tmp_path / "archive.npy")
    refused(tmp_path / "archive.npy", data, "archive.npy: no array of numbers that can be read")
    np.savez(tmp_path / "other.npz", y=values)
    refused(tmp_path / "other.npz", data, "no array named x, vector, embedding, features, embeddings; save")
    np.savez(tmp_path / "objects.npz", x=np.array([{}] * 20, object))
    refused(tmp_path / "objects.npz", data, "x is an array of objects")


def test_ids_that_do_not_fit_are_refused(data: Dataset, tmp_path: Path, values: np.ndarray) -> None:
    file = tmp_path / "x.npz"
    np.savez(file, x=values, ids=data.ids + 1)
    missing = next(one for one in data.ids.tolist() if one - 1 not in data.ids)
    refused(file, data, f"no row with the id {missing} of digits; give one for each example")
    np.savez(file, x=values, ids=np.zeros(20, int))
    refused(file, data, "an id occurs twice; give each example one row")
    np.savez(file, x=values, ids=np.zeros(19, int))
    refused(file, data, "ids of shape .19,. and int64; give an integer or a text for each of the 20 rows")
    x = np.zeros((20, 4), np.float32)
    apart = load_dataset((x, np.arange(20) % 2), held_out=(x[:3], [0, 1, 0]))
    np.savez(file, x=values, ids=np.arange(20))
    refused(file, apart, "the id 0 is of an example to train on and of one held out; give .* x_test and ids")
