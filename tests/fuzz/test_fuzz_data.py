"""Altered data, labels, ids, recipes and caches: each ends in a result or in one clear line."""

from __future__ import annotations

from pathlib import Path

import fuzzing
import pytest
import whole_data
from of_data import read_all

from easiness import load_dataset


@pytest.fixture(scope="session")
def whole_sources(made_once) -> Path:
    """Sources of every kind, twelve small pictures each, and texts that go with them."""
    return made_once("whole_sources", whole_data.make)


@pytest.mark.parametrize(
    "name", ["npz/a.npz", "npz/b.npz", "hub", "saved", "csv/list.csv", "pets", "voices", "mnist"]
)
def test_what_is_not_altered_is_read(whole_sources, name):
    source = {"mnist": "mnist", "saved": f"hf:{whole_sources / name}"}.get(name, whole_sources / name)
    read_all(load_dataset(source, data_root=whole_sources / "idx"))


def test_texts_that_are_not_altered_are_read(whole_sources):
    texts = whole_sources / "texts"
    source = (whole_data.PIXELS, whole_data.LABELS)
    found = load_dataset(source, classes=whole_data.CLASSES, labels=texts / "labels.csv")
    assert found.labels.tolist() == (1 - whole_data.LABELS).tolist()


SAMPLE = 150


def test_a_sample_of_altered_data(start, whole_sources):
    counts = fuzzing.check(start, "of_data:any_of_them", whole_sources, SAMPLE)
    assert counts["refused"] > counts["result"] > 0


@pytest.mark.long
def test_altered_data(start, whole_sources):
    counts = fuzzing.check(start, "of_data:any_of_them", whole_sources, 2000, SAMPLE)
    assert counts["refused"] > counts["result"] > 0
