"""Tables and lists of pictures, as others write them and as `keep` does, through the command line."""

from __future__ import annotations

import csv
import re

import numpy as np
import pandas as pd

import easiness as ez
from easiness.pages.facts import measure_command
from easiness.runs import data_of

SHORT = ["--trials", 2, "--epochs", 30, "--batch-size", 8, "--precision", "float32", "--holdout", 0.2]


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


def test_networks_learn_tables_and_find_them_again(command, tmp_path):
    path = tmp_path / "birds.csv"
    penguins().to_csv(path, index=False)
    asked = ["measure", path, "--label", "species", "--model", "mlp_2_w16", *SHORT, "--out", tmp_path / "run"]
    done = command(*asked)
    assert done.code == 0, done.err
    assert "columns make" in done.err
    run = ez.open_run(tmp_path / "run")
    data = data_of(run)
    assert data.kind.name == "vector"
    assert data.traits.names is not None
    (accuracy,) = re.findall(r"epoch 30 .*held-out (0\.\d+|1\.0+)", done.out)
    assert float(accuracy) > 0.65  # chance is a third
    found = measure_command(run, data)
    assert found is not None
    assert "--label species" in found.line


ONE_EPOCH = ["--model", "mlp_3", "--trials", 1, "--epochs", 1, "--precision", "float32"]


def test_what_is_kept_goes_back_in(command, pictures, tmp_path):
    assert command("measure", pictures, *ONE_EPOCH, "--out", tmp_path / "run").code == 0
    kept = pictures / "kept.csv"
    pruned = command("keep", tmp_path / "run", "--drop", 0.3, "--policy", "random", "-o", kept)
    assert pruned.code == 0
    assert command("measure", kept, *ONE_EPOCH, "--out", tmp_path / "kept").code == 0
    run = ez.open_run(tmp_path / "kept")
    with kept.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert run.ids.tolist() == [row["id"] for row in rows]
    assert run.labels.tolist() == [int(row["label"]) for row in rows]
    assert run.classes == ("cat", "dog")


def test_a_kept_list_of_positions_goes_with_its_source(command, refused, tmp_path, measured):
    kept = tmp_path / "kept.csv"
    assert command("keep", measured, "--drop", 0.3, "--policy", "random", "-o", kept).code == 0
    said = refused("measure", kept, *ONE_EPOCH, "--out", tmp_path / "run")
    assert "kept.csv: its ids" in said
    assert f"give that one with --labels {kept}" in said
    done = command(
        "measure", "digits", "--limit", 100, "--labels", kept, *ONE_EPOCH, "--out", tmp_path / "run"
    )
    assert done.code == 0, done.err
    with kept.open(newline="") as file:
        assert ez.open_run(tmp_path / "run").ids.tolist() == [int(row["id"]) for row in csv.DictReader(file)]
