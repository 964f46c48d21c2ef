"""Vectors in a column of Parquet files and of tables of `datasets`."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from easiness.data import Dataset, load_dataset
from easiness.errors import BadInput
from easiness.features import find_features

NUM = 12
ROWS = np.random.default_rng(0).standard_normal((NUM, 3)).astype(np.float32)


@pytest.fixture
def write(tmp_path: Path, picture: Callable[..., Any]) -> Callable[..., Path]:
    """Writes a Parquet file of pictures, labels and other columns."""

    def encoded(seed: int) -> bytes:
        made = io.BytesIO()
        picture(seed).save(made, "PNG")
        return made.getvalue()

    def make(name: str = "train.parquet", start: int = 0, num: int = NUM, **columns: Any) -> Path:
        pictures = [{"bytes": encoded(start + at)} for at in range(num)]
        table = pa.table({"image": pictures, "label": [0, 1] * (num // 2), **columns})
        pq.write_table(table, tmp_path / name, row_group_size=5)
        return tmp_path / name

    return make


def rows_of(given: str, data: Dataset) -> np.ndarray:
    return find_features(given, data).vectors(data, np.arange(len(data)))


@pytest.mark.parametrize(
    "kind", [pa.list_(pa.float32()), pa.list_(pa.float64(), 3), pa.large_list(pa.float16())]
)
def test_a_column_goes_with_the_rows(write: Callable[..., Path], kind: pa.DataType) -> None:
    file = write(embedding=pa.array(ROWS.tolist(), pa.list_(pa.float32())).cast(kind))
    data = load_dataset(file)
    exact = kind.value_type != pa.float16()
    np.testing.assert_allclose(
        rows_of("column:embedding", data), ROWS, rtol=0 if exact else 1e-2, atol=1e-3 * (not exact)
    )


def test_subsets_and_held_out_rows_have_theirs(write: Callable[..., Path]) -> None:
    write("test.parquet", start=20, num=6, v=ROWS[6:].tolist())
    data = load_dataset(write("train.parquet", num=6, v=ROWS[:6].tolist()).parent)
    assert data.held_out is not None
    source = find_features("column:v", data)
    np.testing.assert_array_equal(source.vectors(data, np.array([1, 4])), ROWS[[1, 4]])
    np.testing.assert_array_equal(source.vectors(data.held_out, np.arange(6)), ROWS[6:])
    part = data.limit(4)
    np.testing.assert_array_equal(rows_of("column:v", part), ROWS[part.ids.astype(int)])
    assert find_features("column:v", part).identity != source.identity


def test_rows_of_several_files_are_joined(write: Callable[..., Path]) -> None:
    write("train-0.parquet", num=6, v=ROWS[:6].tolist())
    folder = write("train-1.parquet", start=6, num=6, v=ROWS[6:].tolist()).parent
    data = load_dataset(folder, holdout=0.3)
    assert data.held_out is not None
    for split in (data, data.held_out):
        made = find_features("column:v", data).vectors(split, np.arange(len(split)))
        np.testing.assert_array_equal(made, ROWS[split.ids.astype(int)])


def test_columns_of_datasets_are_read(write: Callable[..., Path]) -> None:
    datasets = pytest.importorskip("datasets")
    file = write(v=ROWS.tolist())
    table = datasets.Dataset.from_parquet(str(file), cache_dir=str(file.parent / "cache"))
    data = load_dataset(table.cast_column("image", datasets.Image()))
    np.testing.assert_array_equal(rows_of("column:v", data), ROWS)


def test_other_columns_are_refused(write: Callable[..., Path], folder: Path) -> None:
    uneven: list[Any] = ROWS.tolist()
    uneven[3] = uneven[3][:2]
    nothing: list[Any] = ROWS.tolist()
    nothing[4] = None
    holed: list[Any] = ROWS.tolist()
    holed[5] = [1.0, None, 2.0]
    data = load_dataset(
        write(
            v=ROWS.tolist(),
            uneven=uneven,
            nothing=nothing,
            holed=holed,
            word=["a"] * NUM,
            words=[["a"]] * NUM,
        )
    )
    for name, words in (
        ("vv", "column vv is not there .did you mean v"),
        ("uneven", "column uneven has rows that differ in length or hold nulls; give"),
        ("nothing", "column nothing has rows that differ in length or hold nulls; give"),
        ("holed", "column holed has rows that differ in length or hold nulls; give"),
        ("word", "column word holds string and no lists of numbers; give another"),
        ("words", "column words holds list<.*> and no lists of numbers; give another"),
        ("", "nothing is named behind column:; write column:NAME"),
    ):
        with pytest.raises(BadInput, match=words) as caught:
            find_features(f"column:{name}", data)
        assert "\n" not in str(caught.value)
    with pytest.raises(BadInput, match="these images are files and no rows of a table; give a Parquet file"):
        find_features("column:v", load_dataset(folder))
    with pytest.raises(BadInput, match="is no table, so it has no column v; give a Parquet file"):
        find_features("column:v", load_dataset("digits", limit=20))


def test_tables_of_texts_have_columns_of_vectors(tmp_path: Path) -> None:
    texts = [f"text {at}" for at in range(NUM)]
    for name, rows in (("train", slice(0, 8)), ("test", slice(8, NUM))):
        labels = [0, 1] * ((rows.stop - rows.start) // 2)
        table = pa.table(
            {"text": texts[rows], "label": labels, "v": ROWS[rows].tolist(), "word": texts[rows]}
        )
        pq.write_table(table, tmp_path / f"{name}.parquet", row_group_size=5)
    data = load_dataset(tmp_path)
    assert data.held_out is not None
    source = find_features("column:v", data)
    np.testing.assert_array_equal(source.vectors(data, np.array([1, 6])), ROWS[[1, 6]])
    np.testing.assert_array_equal(source.vectors(data.held_out, np.arange(4)), ROWS[8:])
    part = data.part(np.array([2, 5]))
    np.testing.assert_array_equal(source.vectors(part, np.array([1])), ROWS[[5]])
    for name, words in (("w", "no column w"), ("word", "column word holds string and no lists of numbers")):
        with pytest.raises(BadInput, match=words):
            find_features(f"column:{name}", data)


def test_tables_of_numbers_have_columns_of_vectors(tmp_path: Path) -> None:
    table = pa.table({"a": ROWS[:, 0], "b": ROWS[:, 1], "label": [0, 1] * (NUM // 2), "v": ROWS.tolist()})
    pq.write_table(table, tmp_path / "train.parquet")
    data = load_dataset(tmp_path / "train.parquet", inputs=["a", "b"])
    np.testing.assert_array_equal(rows_of("column:v", data), ROWS)
