"""Tables and lists of pictures, as others write them and as `keep` does, through the command line."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer, load_iris, load_wine

import easiness as ez
from easiness.pages.facts import measure_command
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
    assert "--label species" in found[0]


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


def test_columns_are_named_and_found_again(command, refused, pictures, tmp_path):
    names = sorted(file.relative_to(pictures).as_posix() for file in pictures.rglob("*.png"))
    lines = ["photo;breed;path", *(f"{name};{Path(name).parent};x" for name in names)]
    listed = pictures / "pets.csv"
    listed.write_text("\n".join(lines))
    arguments = ["measure", listed, *ONE_EPOCH, "--out", tmp_path / "run", "--columns"]
    assert "--columns" in refused(*arguments, "path")
    assert "column foto (did" in refused(*arguments, "path=foto,label=breed")
    assert command(*arguments, "path=photo,label=breed").code == 0
    run = ez.open_run(tmp_path / "run")
    assert run.ids.tolist() == names
    assert data_of(run).ids.tolist() == names
    found = measure_command(run, data_of(run))
    assert found is not None
    assert "--columns path=photo,label=breed" in found[0]
