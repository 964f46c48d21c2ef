"""From a run on data with wrong labels to cleaned ones, edited by hand, and what they are worth."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from easiness import open_run
from easiness.data import load_dataset


@pytest.fixture
def suspects(monkeypatch, planted):
    """Suspects that are right about nine in ten of the wrong labels, and unsure of the others."""
    true = pd.read_csv(planted[1])["label"].to_numpy()

    def found(run):
        sure = np.where(run.ids % 10 == 3, 0.6, 0.95)
        table = pd.DataFrame({"id": run.ids, "label": run.labels, "suggested": true[run.ids]})
        table = table.assign(p_wrong=np.where(run.labels == table["suggested"], 0, sure), suggested_share=1.0)
        return SimpleNamespace(ranked=table.sort_values("p_wrong", ascending=False))

    module = ModuleType("easiness.studies.suspects")
    module.suspects = found
    monkeypatch.setitem(sys.modules, module.__name__, module)


@pytest.mark.usefixtures("suspects")
def test_measure_clean_edit_verify(command, planted, tmp_path):
    source, true = planted[0], pd.read_csv(planted[1])["label"].to_numpy()
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
        f"relabels {num['relabel']} and drops {num['drop']} of 300{then}"
    )
    relabelled = table["action"] == "relabel"
    assert num["relabel"] > 50
    assert (true == table["label"])[relabelled].all()
    # a person mends two by hand, and saves the file from a spreadsheet
    taken_back = table.index[table["action"] == "drop"][0]
    table.loc[taken_back, ["label", "class", "action"]] = [int(true[taken_back]), "", "Relabel"]
    table.loc[table.index[relabelled][0], "action"] = "drop"
    table.to_csv(file, index=False, sep=";", lineterminator="\r\n", encoding="utf-8-sig")
    data = load_dataset(source, labels=file)
    assert len(data) == 300 - num["drop"]
    assert data.labels[data.ids == taken_back] == true[taken_back]
    finished = command("verify", source, "--labels", file, *size, "--out", tmp_path / "verified")
    assert finished.code == 0, finished.err
    changed = int((table["label"] != table["was"])[table["action"] != "drop"].sum())
    said = finished.out.splitlines()[-1]
    assert said.startswith(f"relabelling {changed} and dropping {num['drop']} of 300 gains ")
    # the same labels train any other network
    other = ["--model", "mlp_2_w8", *size[2:], "--labels", file, "--out", tmp_path / "other"]
    assert command("measure", source, *other).code == 0
    assert len(open_run(tmp_path / "other").ids) == 300 - num["drop"]
