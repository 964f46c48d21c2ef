"""Tables of numbers, categories and texts, as others write them, through the command line."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer, load_iris, load_wine

import easiness as ez
from easiness.report.facts import measure_command
from easiness.runs import data_of
from lengths import long_but

SHORT = ["--trials", 2, "--epochs", 30, "--batch-size", 8, "--precision", "float32", "--holdout", 0.2]


def iris() -> pd.DataFrame:
    found = load_iris(as_frame=True)
    return found.data.assign(species=found.target_names[found.target])


def wine() -> pd.DataFrame:
    """Cultivars are 1, 2 and 3, as in the original file, and a row in ten lacks its malic acid."""
    found = load_wine(as_frame=True)
    table = found.data.assign(species=found.target + 1)
    table.loc[::10, "malic_acid"] = np.nan
    return table


def cancer() -> pd.DataFrame:
    found = load_breast_cancer(as_frame=True)
    return found.data.assign(species=found.target)


def penguins() -> pd.DataFrame:
    """Numbers and categories of three kinds of birds, made up: each has its island, and a bill of its own."""
    rng = np.random.default_rng(0)
    kind = rng.integers(0, 3, 120)
    table = pd.DataFrame(
        {
            "island": np.array(["Biscoe", "Dream", "Torgersen"])[(kind + (rng.random(120) < 0.2)) % 3],
            "bill_length_mm": (39 + 5 * kind + rng.normal(0, 2, 120)).round(1),
            "sex": rng.choice(["male", "female"], 120),
            "species": np.array(["Adelie", "Chinstrap", "Gentoo"])[kind],
        }
    )
    table.loc[[4, 40], "sex"] = None
    table.loc[7, "bill_length_mm"] = np.nan
    return table


@pytest.mark.parametrize(
    ("make", "model"),
    long_but(
        [(iris, "linear"), (wine, "mlp_2_w16"), (cancer, "linear"), (penguins, "mlp_2_w16")],
        [(penguins, "mlp_2_w16")],
    ),
)
def test_networks_learn_tables_and_find_them_again(command, tmp_path, make, model):
    path = tmp_path / "birds.csv"
    make().to_csv(path, index=False)
    done = command("measure", path, "--label", "species", "--model", model, *SHORT, "--out", tmp_path / "run")
    assert done.code == 0, done.err
    assert "columns make" in done.err
    run = ez.open_run(tmp_path / "run")
    data = data_of(run)
    assert data.kind.name == "vector"
    assert data.traits.names is not None
    (accuracy,) = re.findall(r"epoch 30 .*held-out (0\.\d+|1\.0+)", done.out)
    assert float(accuracy) > 0.65  # chance is 0.63 at most
    found = measure_command(run, data)
    assert found is not None
    assert "--label species" in found.line


def test_heads_on_the_columns_of_a_table(command, tmp_path):
    path = tmp_path / "birds.parquet"
    penguins().to_parquet(path)
    arguments = ["--label", "species", "--features", "inputs", "--trials", 5, "--holdout", 0.2]
    done = command("measure", path, *arguments, "--out", tmp_path / "run")
    assert done.code == 0, done.err
    assert len(data_of(ez.open_run(tmp_path / "run"))) == 96
    page = tmp_path / "run.html"
    assert command("report", tmp_path / "run", "-o", page).code == 0
    assert "bill_length_mm = " in page.read_text()


@pytest.mark.long
def test_texts_are_named_and_found_again(command, refused, tmp_path):
    words = {"HUM": "who wrote song", "NUM": "how many years", "LOC": "where lies city"}
    rows = [
        {"question": f"{words[kind]} {number}?", "coarse": kind} for number in range(20) for kind in words
    ]
    path = tmp_path / "questions.csv"
    pd.DataFrame(rows).to_csv(path, index=False, sep="\t")
    arguments = ["measure", path, "--label", "coarse", "--model", "bag", *SHORT, "--out", tmp_path / "run"]
    assert "no column answer" in refused(*arguments, "--text", "answer")
    done = command(*arguments)
    assert done.code == 0, done.err
    run = ez.open_run(tmp_path / "run")
    data = data_of(run)
    assert data.kind.name == "text"
    found = measure_command(run, data)
    assert found is not None
    assert "--label coarse" in found.line
    page = tmp_path / "run.html"
    assert command("report", tmp_path / "run", "-o", page).code == 0
    assert "who wrote song" in page.read_text()
