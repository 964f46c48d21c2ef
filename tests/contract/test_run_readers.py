"""A run and a scores file are read by pandas, polars and DuckDB without help from this package."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow.parquet as pq
import pytest

from easiness import open_run

SEEN = ["prediction", "loss", "margin", "error_norm", "entropy", "rival"]
COLUMNS = ["epoch", "id", "label", "trained_on", *SEEN, "augmented"]


def read_with_pandas(path: str) -> dict[str, list[Any]]:
    return {str(name): column.tolist() for name, column in pd.read_parquet(path).items()}


def read_with_polars(path: str) -> dict[str, list[Any]]:
    return pl.read_parquet(path).to_dict(as_series=False)


def read_with_duckdb(path: str) -> dict[str, list[Any]]:
    found = duckdb.sql(f"select * from '{path}'")
    assert found is not None
    return dict(zip(found.columns, map(list, zip(*found.fetchall(), strict=True)), strict=True))


READERS = [read_with_pandas, read_with_polars, read_with_duckdb]


@pytest.fixture
def pets_run(pictures: Path, tmp_path: Path, command) -> Path:
    out = tmp_path / "pets_run"
    arguments = ["--model", "mlp_3", "--trials", 2, "--epochs", 2, "--precision", "float32", "--out", out]
    assert command("measure", pictures, *arguments).code == 0
    return out


@pytest.mark.parametrize("read", READERS)
def test_a_trial(read, measured, trial_folder):
    table = read(str(trial_folder(measured, 1) / "train.parquet"))
    assert list(table) == COLUMNS
    run = open_run(measured)
    assert table["epoch"] == [1] * 100 + [2] * 100
    assert table["id"] == run.ids.tolist() * 2
    assert table["label"] == run.labels.tolist() * 2
    assert table["trained_on"] == [True] * 200
    observed = run.trials[1].observations(10)
    assert table["augmented"] == [False] * 200
    for name in SEEN:
        assert np.array_equal(np.float32(table[name]), getattr(observed, name).reshape(-1)), name


def test_all_trials_at_once(measured):
    """The accuracy after each epoch, straight from the files, is the one in the documents."""
    pattern = str(measured / "trials" / "*" / "train.parquet")
    query = f"""select epoch, avg((prediction = label)::int) from read_parquet('{pattern}', filename=true)
                group by filename, epoch order by filename, epoch"""
    by_duckdb = [accuracy for _, accuracy in duckdb.sql(query).fetchall()]  # type: ignore[union-attr]
    by_polars = (
        pl.scan_parquet(pattern, include_file_paths="file")
        .group_by("file", "epoch")
        .agg((pl.col("prediction") == pl.col("label")).mean().alias("accuracy"))
        .sort("file", "epoch")
        .collect()["accuracy"]
        .to_list()
    )
    expected = [a for trial in open_run(measured).trials for a in trial.document.accuracy["train"]]
    assert by_duckdb == pytest.approx(expected)
    assert by_polars == pytest.approx(expected)


@pytest.mark.parametrize("read", READERS)
def test_path_ids_are_strings(read, pets_run, trial_folder):
    table = read(str(trial_folder(pets_run, 0) / "train.parquet"))
    names = [f"{name}/{i:02d}.png" for name in ("cat", "dog") for i in range(12)]
    assert table["id"] == names * 2
    examples = read(str(pets_run / "examples.parquet"))
    assert str(pq.read_schema(pets_run / "examples.parquet").field("id").type) in ("string", "large_string")
    assert examples == {"id": names, "label": [0] * 12 + [1] * 12, "class": ["cat"] * 12 + ["dog"] * 12}


@pytest.mark.parametrize("read", READERS)
def test_scores_as_parquet(read, measured, tmp_path, command):
    assert command("scores", measured, "-o", tmp_path / "scores.parquet").code == 0
    table = read(str(tmp_path / "scores.parquet"))
    expected = open_run(measured).scores()
    assert list(table) == list(expected)
    assert list(table)[:5] == ["id", "label", "class", "easiness", "easiness_se"]
    for name in expected:
        values = np.array(table[name], dtype=expected[name].to_numpy().dtype)
        np.testing.assert_array_equal(values, expected[name].to_numpy(), err_msg=name)
    field = pq.read_schema(tmp_path / "scores.parquet").field("id")
    assert str(field.type) == "int64"


def test_scores_as_csv_keep_every_digit(measured, tmp_path, command):
    assert command("scores", measured, "-o", tmp_path / "scores.csv").code == 0
    text = (tmp_path / "scores.csv").read_text()
    assert command("scores", measured).out == text
    rows = list(csv.DictReader(text.splitlines()))
    expected = open_run(measured).scores()
    assert list(rows[0]) == list(expected)
    assert [int(row["id"]) for row in rows] == expected["id"].tolist()
    assert [row["never_learned"] for row in rows] == [str(v) for v in expected["never_learned"]]
    for name in ("easiness", "easiness_se", "aum", "loss", "dyn_unc"):
        values = [float(row[name] or "nan") for row in rows]
        np.testing.assert_array_equal(values, expected[name].to_numpy(), err_msg=name)
