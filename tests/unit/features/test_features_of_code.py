"""Vectors that functions of the user's own make."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from easiness.data import Dataset, load_dataset
from easiness.errors import BadInput
from easiness.features import find_features

MODULE = """
import numpy as np
POWER = 1
def means(pictures):
    return np.array([[one.mean() ** POWER, one.shape[0]] for one in pictures])
def wrong(pictures):
    return [[1.0]]
def failing(pictures):
    raise KeyError("nothing")
NUMBER = 3
"""


@pytest.fixture(scope="module")
def data() -> Dataset:
    return load_dataset("digits", limit=100)


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Writes a module of this name into the current folder."""
    monkeypatch.chdir(tmp_path)

    def write(name: str) -> None:
        (tmp_path / f"{name}.py").write_text(MODULE)

    return write


def test_a_function_of_a_module_is_called(data: Dataset, module: Callable[[str], None]) -> None:
    module("features_of_mine")
    source = find_features("features_of_mine:means", data)
    expected = [[one.mean(), 8] for one in data.values(np.arange(100))]
    np.testing.assert_allclose(source.vectors(data, np.arange(100)), expected, rtol=1e-6)
    assert source.name == "features_of_mine:means"


def test_the_code_makes_the_identity(data: Dataset, module: Callable[[str], None]) -> None:
    # by other names, since a module is imported once
    module("features_one")
    first = find_features("features_one:means", data)
    assert find_features("features_one:means", data).identity == first.identity
    assert find_features("features_one:wrong", data).identity != first.identity

    def means(factor: float) -> Callable[[Any], Any]:
        return lambda pictures: [[factor * one.mean()] for one in pictures]

    given = [find_features(means(factor), data) for factor in (1, 1, 2)]
    assert given[0].identity == given[1].identity != given[2].identity


def test_vectors_are_handed_over_as_they_are() -> None:
    x = np.random.default_rng(0).standard_normal((6, 3)).astype(np.float32)
    data = load_dataset((x, [0, 1] * 3))
    source = find_features(lambda rows: [one[:2] for one in rows], data)
    np.testing.assert_array_equal(source.vectors(data, np.arange(6)), x[:, :2])


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("features_bad:means_", "has no 'means_' .did you mean means"),
        ("features_bad:NUMBER", "a int, which cannot be called"),
        ("features_bad:wrong", "returned 1 vectors for 64 pictures"),
        ("features_bad:failing", "called with 64 pictures it raised KeyError: 'nothing'"),
        ("features_not_there:means", "there is no module features_not_there"),
    ],
)
def test_what_cannot_be_called_is_refused(
    data: Dataset, module: Callable[[str], None], name: str, words: str
) -> None:
    module("features_bad")
    with pytest.raises(BadInput, match=words):
        find_features(name, data).vectors(data, np.arange(100))
