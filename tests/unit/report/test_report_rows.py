from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from easiness import Dataset, load_dataset
from easiness.report.examples import Named, table_of

NUM = 25


@pytest.fixture
def data(tmp_path: Path) -> Dataset:
    """25 rows of class a, of which the last is unusual in three columns, and 5 of class b."""
    rows = ["size,flat,mostly,colour,label"]
    rows += [f"{at + 1},7,{5 * (at == NUM - 1)},{'blue' if at == NUM - 1 else 'red'},a" for at in range(NUM)]
    rows += [f"{100 + at},7,0,{'red' if at else 'dark: blue'},b" for at in range(5)]
    (tmp_path / "table.csv").write_text("\n".join(rows) + "\n")
    return load_dataset(str(tmp_path / "table.csv"), label="label")


def _named(*ids: int) -> list[Named]:
    return [("train", one) for one in ids]


def test_rows_have_all_columns_and_how_unusual_each_is_in_its_class(data: Dataset) -> None:
    wanted = _named(24, 12, 25)
    found = table_of(data, wanted, [0, 0, 1], wanted)
    assert found is not None
    assert found["columns"] == ["size", "flat", "mostly", "colour"]
    assert found["rows"] == {
        0: ["25", "7", "5", "blue"],
        1: ["13", "7", "0", "red"],
        2: ["100", "7", "0", "dark: blue"],
    }
    # the median is 13 and the median distance from it 6: 12 / (1.4826 x 6); 1 of 25 is as rare as 2.05 sd
    assert found["unusual"][0] == [1.3, 0, 2.1, 2.1]
    # 24 of 25 are as rare as 0.05 sd
    assert found["unusual"][1] == [0, 0, 0.1, 0.1]
    # of class b there are too few: the median of all 30 is 15.5, its distance 7.5; 1 is as rare as 2.13 sd
    assert found["unusual"][2] == [7.6, 0, 0, 2.1]


def test_the_last_rows_by_worth_are_left_out(data: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("easiness.report.examples._MOST_CELLS", 9)
    found = table_of(data, _named(3, 4, 5), [0, 0, 0], _named(5, 3, 4))
    assert found is not None
    assert set(found["rows"]) == {0, 2}


def test_arrays_are_tables_and_embeddings_and_pictures_are_none() -> None:
    draw = np.random.default_rng(0)
    labels = np.arange(30) % 2
    named = _named(0)
    found = table_of(load_dataset((draw.normal(size=(30, 3)), labels)), named, [0], named)
    assert found is not None
    assert found["columns"] == ["x[0]", "x[1]", "x[2]"]
    assert table_of(load_dataset((draw.normal(size=(30, 201)), labels)), named, [0], named) is None
    assert table_of(load_dataset("digits", limit=30), named, [0], named) is None


def test_numbers_that_are_named_like_categories_stay_numbers(tmp_path: Path) -> None:
    rows = ["temp: min,temp: max,colour,label"]
    rows += [f"{('1,0,red', '0,1,blue', '0,0,')[at % 3]},{'ab'[at % 2]}" for at in range(30)]
    (tmp_path / "table.csv").write_text("\n".join(rows) + "\n")
    found = table_of(load_dataset(tmp_path / "table.csv"), _named(1, 2), [1, 0], _named(1, 2))
    assert found is not None
    assert found["columns"] == ["temp: min", "temp: max", "colour", "colour is missing"]
    assert found["rows"] == {0: ["0", "1", "blue", "0"], 1: ["0", "0", "", "1"]}
