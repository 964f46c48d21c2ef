"""Vectors as a kind of examples: what they are, how networks get them, and a run of them to its page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st
from hypothesis.extra import numpy as hnp
from pydantic import ValidationError

import easiness as ez
from easiness import BadInput, load_dataset
from easiness.data import merge_splits
from easiness.inputs import VECTOR, StoredVectors
from easiness.runs.source import given_data
from easiness.spec import DatasetRef, Loading, Recipe

CPU = torch.device("cpu")
RNG = np.random.default_rng(0)
X = RNG.normal([3, -1, 0, 0.5], [2, 0.1, 1, 5], (40, 4)).astype(np.float32)
X[:, 2] = 7  # the same in all
Y = np.arange(40) % 2
ELSEWHERE = RNG.normal(0, 1, (10, 4)).astype(np.float32)
TEST_Y = np.arange(10) % 2


def standardized(values: np.ndarray, by: np.ndarray) -> np.ndarray:
    scale = by.astype(np.float64).std(axis=0)
    scaled: np.ndarray = (values - by.astype(np.float64).mean(axis=0)) / np.where(scale < 1e-6, np.inf, scale)
    return scaled


def packed(data: Any) -> np.ndarray:
    array: np.ndarray = data.packed(Recipe()).array()
    return array


def test_vectors_of_any_float_are_the_same():
    data = load_dataset((X, Y))
    assert data.traits.shape == data.signature(Recipe()).shape == (4,)
    for same in (X.astype(np.float64), torch.from_numpy(X)):
        assert load_dataset((same, Y)).fingerprint == data.fingerprint


def test_both_splits_are_standardized_by_the_training_examples():
    data = load_dataset((X, Y), held_out=(ELSEWHERE, TEST_Y))
    assert data.held_out is not None
    np.testing.assert_allclose(packed(data), standardized(X, X), atol=1e-5)
    np.testing.assert_allclose(packed(data.held_out), standardized(ELSEWHERE, X), atol=1e-4)
    assert (packed(data)[:, 2] == 0).all()
    assert (packed(data.held_out)[:, 2] == 0).all()
    some = np.array([1, 5, 30])
    np.testing.assert_array_equal(packed(data.part(some)), packed(data)[some])
    few = data.limit(20)
    assert few.held_out is not None
    np.testing.assert_allclose(packed(few), standardized(few.array, few.array), atol=1e-5)
    np.testing.assert_allclose(packed(few.held_out), standardized(ELSEWHERE, few.array), atol=1e-4)


def test_splits_merged():
    merged = merge_splits(load_dataset((X, Y), held_out=(ELSEWHERE, TEST_Y)))
    np.testing.assert_allclose(packed(merged), standardized(merged.array, merged.array), atol=1e-5)
    for some in (np.arange(5), np.arange(42, 45), np.array([3, 44])):  # which may lie in one
        np.testing.assert_allclose(packed(merged.part(some)), packed(merged)[some], atol=1e-6)


@given(
    hnp.arrays(np.float32, st.tuples(st.integers(2, 9), st.integers(1, 4)), elements=st.integers(-9, 9)),
    st.data(),
)
def test_traits_of_two_parts_are_those_of_all(values, data):
    cut = data.draw(st.integers(1, len(values) - 1))
    whole = StoredVectors(values).traits
    joined = StoredVectors(values[:cut]).traits.pooled(
        StoredVectors(values[cut:]).traits, (cut, len(values) - cut)
    )
    np.testing.assert_allclose(joined.mean, whole.mean, atol=1e-9)
    np.testing.assert_allclose(joined.scale, whole.scale, atol=1e-9)
    assert joined.constant.tolist() == whole.constant.tolist() == (values == values[0]).all(axis=0).tolist()


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (X.astype(np.int64), r"x: shape 40x4 of int64; .*, vectors \[K, D\] of floats, or"),
        (np.where(X[3, 1] == X, np.nan, X), r"x: example 3 has nan in column 1"),
        (np.where(X[3, 1] == X, 1e39, X.astype(np.float64)), r"x: example 3 has 1e\+39 in column 1"),
        (X[:, :0], "x: shape 40x0 holds no values"),
        (X[:, 0], r"x: shape 40 of float32; give images .*, vectors"),
        (X[:, None, None, None], r"x: shape 40x1x1x1x4 of float32; give images"),
    ],
)
def test_what_is_no_vector_is_refused(x, message):
    with pytest.raises(BadInput, match=message) as caught:
        load_dataset((x, Y))
    assert "\n" not in str(caught.value)


def test_splits_have_to_go_together():
    with pytest.raises(BadInput, match="have 4 values but those of test 3"):
        _ = load_dataset((X, Y), held_out=(ELSEWHERE[:, :3], TEST_Y)).traits
    with pytest.raises(BadInput, match="held_out: vectors to train on and pictures held out"):
        load_dataset((X, Y), held_out=(np.zeros((2, 3, 4), np.uint8), [0, 1]))


def test_what_is_a_pictures_is_refused(refused: Callable[..., str], tmp_path: Path):
    np.savez(tmp_path / "x.npz", x=X, y=Y)
    options = ("--model", "linear", "--out", tmp_path / "run")
    asked = ["measure", tmp_path / "x.npz", *options]
    assert "--image-size 32: the examples are vectors" in refused(*asked, "--image-size", 32)
    recipe = tmp_path / "recipe.toml"
    recipe.write_text("flip = 0.0\n")
    assert "flip: no setting for examples of kind vector" in refused(*asked, "--recipe", recipe)
    assert not (tmp_path / "run").exists()
    run = ez.measure((X, Y), model="linear", trials=1, epochs=1, out=tmp_path / "run")
    assert "does not fit examples of kind vector" in refused("paper", "perturb", run.path, "--kind", "color")


def test_what_is_most_unusual_in_a_vector():
    data = load_dataset((X, Y))
    value = X[0].copy()
    value[1] += 1  # ten times the usual deviation
    shown = VECTOR.show(value, data.traits)
    assert shown.uri is None
    first = f"x[1] = {value[1]:.3g} ({standardized(value, X)[1]:+.1f} sd)"
    assert shown.text.startswith(first)
    assert shown.cell == pytest.approx(value.tolist())


def test_a_held_out_split_is_seen_by_itself_once_it_is_trained_on():
    whole = load_dataset((X, Y), held_out=(ELSEWHERE, TEST_Y))
    assert whole.held_out is not None
    alone = given_data(whole.held_out, Loading())
    again = load_dataset((ELSEWHERE, TEST_Y))
    assert alone.fingerprint == again.fingerprint
    np.testing.assert_array_equal(packed(alone), packed(again))


@pytest.mark.parametrize(
    "change", [{"shape": []}, {"shape": [0]}, {"kind": "image"}, {"image_shape": [1, 8, 8]}]
)
def test_a_document_whose_shape_is_not_that_of_its_kind_is_refused(change: dict[str, Any]):
    ref = load_dataset((X, Y)).ref().model_dump(mode="json")
    with pytest.raises(ValidationError):
        DatasetRef.model_validate({**ref, **change})
