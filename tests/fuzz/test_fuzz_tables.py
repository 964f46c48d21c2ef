"""Altered tables and texts in files: each ends in a result or in one clear line."""

from __future__ import annotations

from pathlib import Path

import fuzzing
import of_decisions
import of_tables
import pytest
from of_data import read_all

from easiness import load_dataset


@pytest.fixture(scope="session")
def whole_tables(made_once) -> Path:
    """Small tables of each kind, and texts in files."""
    return made_once("whole_tables", of_tables.make)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        *(("numbers.csv", "vector"), ("texts.csv", "text")),
        *(("numbers.parquet", "vector"), ("texts.parquet", "text"), ("mail", "text")),
    ],
)
def test_what_is_not_altered_is_read(whole_tables, name, kind):
    data = load_dataset(whole_tables / name)
    assert data.kind.name == kind
    read_all(data)


SAMPLE = 120


def test_a_sample_of_altered_tables(start, whole_tables):
    counts = fuzzing.check(start, "of_tables:any_of_them", whole_tables, SAMPLE)
    assert counts["refused"] > 0 < counts["result"]


def test_altered_decisions(start, made_once):
    whole = made_once("whole_decisions", of_decisions.make)
    for name in (of_decisions.CSV, of_decisions.JSON):
        of_decisions.read(whole / name)
    counts = fuzzing.check(start, "of_decisions:any_of_them", whole, SAMPLE // 2)
    assert counts["refused"] > 0 < counts["result"]


@pytest.mark.long
def test_altered_tables(start, whole_tables):
    counts = fuzzing.check(start, "of_tables:any_of_them", whole_tables, 2000, SAMPLE)
    assert counts["refused"] > 0 < counts["result"]
