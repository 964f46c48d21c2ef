"""Altered vectors and files of features: each ends in a result or in one clear line."""

from __future__ import annotations

from pathlib import Path

import fuzzing
import of_features
import pytest


@pytest.fixture(scope="session")
def whole_features(made_once) -> Path:
    """Vectors in files of every kind, and a small network."""
    return made_once("whole_features", of_features.make)


SAMPLE = 80


def test_a_sample_of_altered_features(start, whole_features):
    counts = fuzzing.check(start, "of_features:any_of_them", whole_features, SAMPLE)
    assert counts["refused"] > 0 < counts["result"]


@pytest.mark.long
def test_altered_features(start, whole_features):
    counts = fuzzing.check(start, "of_features:any_of_them", whole_features, 2000, SAMPLE)
    assert counts["refused"] > 0 < counts["result"]
