"""Lists of pictures in CSV files as others write them, and as `prune` does, through the command line."""

from __future__ import annotations

import csv
from pathlib import Path

import easiness as ez
from easiness.report.facts import measure_command
from easiness.runs import data_of

SHORT = ["--model", "mlp_3", "--trials", 1, "--epochs", 1, "--precision", "float32"]


def test_what_prune_keeps_goes_back_in(command, pictures, tmp_path):
    assert command("measure", pictures, *SHORT, "--out", tmp_path / "run").code == 0
    kept = pictures / "kept.csv"
    pruned = command("prune", tmp_path / "run", "--drop", 0.3, "--policy", "random", "-o", kept)
    assert pruned.code == 0
    assert command("measure", kept, *SHORT, "--out", tmp_path / "kept").code == 0
    run = ez.open_run(tmp_path / "kept")
    with kept.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert run.ids.tolist() == [row["id"] for row in rows]
    assert run.labels.tolist() == [int(row["label"]) for row in rows]
    assert run.classes == ("cat", "dog")


def test_a_kept_list_of_positions_goes_with_its_source(command, refused, tmp_path, measured):
    kept = tmp_path / "kept.csv"
    assert command("prune", measured, "--drop", 0.3, "--policy", "random", "-o", kept).code == 0
    said = refused("measure", kept, *SHORT, "--out", tmp_path / "run")
    assert "kept.csv: its ids" in said
    assert f"give that one with --labels {kept}" in said
    done = command("measure", "digits", "--limit", 100, "--labels", kept, *SHORT, "--out", tmp_path / "run")
    assert done.code == 0, done.err
    with kept.open(newline="") as file:
        assert ez.open_run(tmp_path / "run").ids.tolist() == [int(row["id"]) for row in csv.DictReader(file)]


def test_columns_are_named_and_found_again(command, refused, pictures, tmp_path):
    names = sorted(file.relative_to(pictures).as_posix() for file in pictures.rglob("*.png"))
    lines = ["photo;breed;path", *(f"{name};{Path(name).parent};x" for name in names)]
    listed = pictures / "pets.csv"
    listed.write_text("\n".join(lines))
    arguments = ["measure", listed, *SHORT, "--out", tmp_path / "run", "--columns"]
    assert "--columns" in refused(*arguments, "path")
    assert "column foto (did" in refused(*arguments, "path=foto,label=breed")
    assert command(*arguments, "path=photo,label=breed").code == 0
    run = ez.open_run(tmp_path / "run")
    assert run.ids.tolist() == names
    assert data_of(run).ids.tolist() == names
    found = measure_command(run, data_of(run))
    assert found is not None
    assert "--columns path=photo,label=breed" in found.line
