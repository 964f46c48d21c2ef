"""From a run on data with wrong labels to cleaned ones, edited by hand, and what they are worth."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from easiness import load_dataset, open_run
from pixels import images_of


@pytest.fixture
def planted(tmp_path):
    """800 digits, a fifth of them under another label, 400 held out with sound ones, and the true labels."""
    data = load_dataset("digits", limit=1200)
    rng = np.random.default_rng(0)
    order = rng.permutation(1200)
    x, true = images_of(data).numpy()[order, 0], data.labels[order]
    wrong = rng.random(800) < 0.2
    given = np.where(wrong, (true[:800] + rng.integers(1, 10, 800)) % 10, true[:800])
    np.savez(tmp_path / "digits.npz", x=x[:800], y=given, x_test=x[800:], y_test=true[800:])
    return tmp_path / "digits.npz", true[:800]


@pytest.mark.long
def test_measure_clean_edit_verify(command, planted, tmp_path):
    source, true = planted
    size = ["--model", "mlp_3", "--trials", 5, "--epochs", 12, "--precision", "float32"]
    assert command("measure", source, *size, "--out", tmp_path / "run").code == 0
    file = tmp_path / "labels.csv"
    finished = command("clean", tmp_path / "run", "-o", file)
    then = f"; edit {file}, then easiness verify {source} "
    assert finished.code == 0
    table = pd.read_csv(file, dtype={"class": object})
    run = open_run(tmp_path / "run")
    assert table["was"].tolist() == run.labels.tolist()
    num = table["action"].value_counts()
    assert finished.err.splitlines()[-1].startswith(
        f"relabels {num['relabel']} and drops {num['drop']} of 800{then}"
    )
    relabelled = table["action"] == "relabel"
    assert num["relabel"] > 50
    assert (true == table["label"])[relabelled].mean() > 0.9
    # a person mends two by hand, and saves the file from a spreadsheet
    taken_back = table.index[table["action"] == "drop"][0]
    table.loc[taken_back, ["label", "class", "action"]] = [int(true[taken_back]), "", "Relabel"]  # type: ignore[assignment, index]
    table.loc[table.index[relabelled][0], "action"] = "drop"
    table.to_csv(file, index=False, sep=";", lineterminator="\r\n", encoding="utf-8-sig")
    data = load_dataset(source, labels=file)
    assert len(data) == 800 - num["drop"]
    assert data.labels[data.ids == taken_back] == true[taken_back]
    finished = command("verify", source, "--labels", file, *size, "--out", tmp_path / "verified")
    assert finished.code == 0, finished.err
    changed = int((table["label"] != table["was"])[table["action"] != "drop"].sum())
    said = finished.out.splitlines()[-1]
    done = f"relabelling {changed} and dropping {num['drop']} of 800"
    # so small a network hardly suffers from these labels: what is held to is that nothing is lost
    assert said.startswith((f"{done} gains ", f"{done} shows no difference: "))
    # the same labels train any other network
    other = ["--model", "mlp_2_w8", *size[2:], "--labels", file, "--out", tmp_path / "other"]
    assert command("measure", source, *other).code == 0
    assert len(open_run(tmp_path / "other").ids) == 800 - num["drop"]
