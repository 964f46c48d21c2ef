"""``easiness suspects`` on digits of which a fifth has another label, and on what a recorder kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from easiness import load_dataset, measure, open_run, suspects
from recording import believing, recorded

NUM = 300
HOSTILE = ("\\<script>alert(1)</script>", "a|b\n# c", "[x](javascript:y)")


@pytest.fixture(scope="module")
def wrong_digits(made_once) -> Path:
    """A run on 300 digits, and the true labels."""

    def make(folder: Path) -> None:
        folder.mkdir()
        data = load_dataset("digits", limit=NUM)
        rng = np.random.default_rng(0)
        given = np.where(rng.random(NUM) < 0.2, (data.labels + rng.integers(1, 10, NUM)) % 10, data.labels)
        table = pd.DataFrame({"id": data.ids, "label": given})
        table.to_csv(folder / "labels.csv", index=False)
        np.save(folder / "true.npy", data.labels)
        size = dict[str, Any](model="mlp_3", limit=NUM, trials=3, epochs=8, precision="float32")
        measure("digits", labels=folder / "labels.csv", compile="off", out=folder / "run", **size)

    return made_once("suspects-command", make)


def made(path: Path, num_trials: int, classes: tuple[str, ...] = ("ant", "bee", "cat")) -> Path:
    """60 examples of which networks are sure, kept by a recorder; the first three labels are wrong."""
    said = np.arange(60) % 3
    labels = np.where(np.arange(60) < 3, (said + 1) % 3, said)
    return recorded(path, believing(said, num_trials, sure=6, noise=0.7), labels, classes=classes).path


def test_wrong_labels_come_first_and_in_every_file(command, wrong_digits, tmp_path, snapshot):
    run, true = wrong_digits / "run", np.load(wrong_digits / "true.npy")
    measured = open_run(run)
    wrong = pd.Series(measured.labels != true, measured.ids)
    truth = pd.Series(true, measured.ids)
    before = snapshot(run)
    finished = command("suspects", run, "-o", tmp_path / "found.csv")
    assert finished.code == 0, finished.err
    assert "Labels to look at" in finished.out
    assert f"of {NUM} labels are more likely wrong than right" in finished.out
    assert snapshot(run) == before
    table = pd.read_csv(tmp_path / "found.csv")
    assert wrong[table["id"].head(20)].mean() > 0.8
    assert (table["p_wrong"].diff().dropna() <= 0).all()
    first = table.head(20)
    assert (truth[first["id"]].to_numpy() == first["suggested"]).mean() > 0.7
    for suffix in (".json", ".md", ".parquet", ".svg"):
        finished = command("suspects", run, "--no-pictures", "-o", tmp_path / f"found{suffix}")
        assert finished.code == 0, finished.err
    document = json.loads((tmp_path / "found.json").read_text())
    assert document["num_examples"] == NUM
    assert [row["id"] for row in document["suspects"]] == table["id"].tolist()
    assert pd.read_parquet(tmp_path / "found.parquet")["id"].tolist() == table["id"].tolist()
    assert "| id" in (tmp_path / "found.md").read_text()
    assert (tmp_path / "found.svg").read_text().startswith("<?xml")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--split", "held_out"], "has no held-out split"),
        (["--above", 2], "--above 2: give a probability from 0 to 1"),
        (["--above", -0.1], "--above -0.1: give a probability from 0 to 1"),
        (["--epoch", 99], "epoch 99 is not recorded"),
        (["-o", "found.html"], "found.html: cannot tell the format; end the name in .csv"),
    ],
)
def test_what_is_refused_leaves_nothing(refused, wrong_digits, tmp_path, monkeypatch, options, message):
    monkeypatch.chdir(tmp_path)
    assert message in refused("suspects", wrong_digits / "run", "-o", "found.csv", *options)
    assert list(tmp_path.iterdir()) == []


def test_a_trial_alone_and_none(command, refused, tmp_path):
    one, none = made(tmp_path / "one", 1), made(tmp_path / "none", 0)
    said = " ".join(command("suspects", one).out.split())
    assert "Note: One trial alone judges the labels" in said
    assert "record more, with other seeds" in said
    assert "trial is finished" in refused("suspects", none)


def test_what_a_recorder_kept(command, tmp_path):
    """There are no pictures: that is said, and the labels are judged all the same."""
    finished = command("suspects", made(tmp_path / "run", 4), "-o", tmp_path / "found.csv")
    assert finished.code == 0, finished.err
    assert "Pictures were not compared: " in finished.out
    table = pd.read_csv(tmp_path / "found.csv")
    assert set(table["id"].head(3)) == {0, 1, 2}
    assert table["suggested_class"].head(3).tolist() == [
        ["ant", "bee", "cat"][one % 3] for one in table["id"].head(3)
    ]


def test_names_of_classes_stay_text(command, tmp_path):
    run = made(tmp_path / "run", 4, HOSTILE)
    assert command("suspects", run, "-o", tmp_path / "found.md").code == 0
    lines = (tmp_path / "found.md").read_text().splitlines()
    # one backslash more than there was, or the tag would be one
    assert all(line.count("<script") == line.count("\\\\\\<script") for line in lines)
    assert any("\\<script" in line for line in lines)
    assert not any(line.startswith("# c") or "](javascript" in line for line in lines)
    rows = [line for line in lines if line.startswith("|") and "---" not in line]
    assert len(rows) >= 6
    assert all(line.replace("\\|", "").count("|") == 8 for line in rows[-6:])  # seven columns
    page = suspects(open_run(run))._repr_html_()
    assert "<script" not in page
    assert "&lt;script" in page
