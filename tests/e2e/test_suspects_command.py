"""``suspects`` on digits of which a fifth has another label, and ``diff`` on two versions of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_digits

from easiness import load_dataset, measure, open_run
from recording import recorded

NUM = 300


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
        data = load_dataset("digits", limit=NUM, labels=folder / "labels.csv")
        size = dict[str, Any](model="mlp_3", trials=3, epochs=8, precision="float32")
        measure(data, compile="off", out=folder / "run", **size)

    return made_once("suspects-command", make)


def test_wrong_labels_come_first(command, wrong_digits, tmp_path, snapshot):
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


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--split", "held_out"], "has no held-out split"),
        (["--above", 2], "--above 2: give a probability from 0 to 1"),
        (["--at", 99], "epoch 99 is not recorded"),
        (["-o", "found.txt"], "found.txt: cannot tell the format; end the name in .csv"),
    ],
)
def test_what_is_refused_leaves_nothing(refused, wrong_digits, tmp_path, monkeypatch, options, message):
    monkeypatch.chdir(tmp_path)
    assert message in refused("suspects", wrong_digits / "run", "-o", "found.csv", *options)
    assert list(tmp_path.iterdir()) == []


OF_VERSIONS, FLIPPED, OUT = 500, 20, 5


@pytest.fixture(scope="module")
def versions(made_once) -> Path:
    """Runs on both versions, and which positions of the old one were flipped."""

    def make(folder: Path) -> None:
        folder.mkdir()
        digits, rng = load_digits(), np.random.default_rng(0)
        images = (15 * digits.images[:OF_VERSIONS]).astype(np.uint8)[..., None]
        labels = digits.target[:OF_VERSIONS]
        order = rng.permutation(OF_VERSIONS)[OUT:]
        flipped = rng.choice(order, FLIPPED, replace=False)
        after = labels.copy()
        after[flipped] = (after[flipped] + rng.integers(1, 10, FLIPPED)) % 10
        np.savez(folder / "old.npz", x=images, y=labels)
        np.savez(folder / "new.npz", x=images[order], y=after[order])
        np.save(folder / "order.npy", order)
        np.save(folder / "flipped.npy", flipped)
        for name in ("old", "new"):
            size = dict[str, Any](model="mlp_3", trials=5, epochs=10, precision="float32", keep_weights=False)
            measure(folder / f"{name}.npz", compile="off", out=folder / name, **size)

    return made_once("versions", make)


@pytest.fixture
def by_pixels(versions) -> list[object]:
    """The command, and where the data are now."""
    where = ["--old-data", versions / "old.npz", "--new-data", versions / "new.npz"]
    return ["diff", versions / "old", versions / "new", "--by", "pixels", *where]


@pytest.mark.long
def test_flipped_labels_are_found_by_pixels_and_a_pipeline_stops(command, versions, by_pixels, tmp_path):
    rows = tmp_path / "rows.csv"
    ended = command(*by_pixels, "-o", rows)
    assert ended.code == 0, ended.err
    assert f"of {OF_VERSIONS - OUT} examples became harder" in ended.out
    assert f"0 came, {OUT} went" in ended.out
    assert f"{FLIPPED} of the examples in both have another class in the new version" in " ".join(
        ended.out.split()
    )
    table = pd.read_csv(rows)
    order, flipped = np.load(versions / "order.npy"), np.load(versions / "flipped.npy")
    both = table[table["change"].isin(["harder", "easier", "unchanged"])]
    assert (order[both["id"].to_numpy()] == both["old_id"].to_numpy()).all()
    harder = order[table.loc[table["change"] == "harder", "id"].to_numpy()]
    assert set(flipped) <= set(harder)
    others = table[(table["change"] == "harder") & ~np.isin(order[table["id"] % len(order)], flipped)]
    assert len(others) < OF_VERSIONS / 20

    stopped = command(*by_pixels, "--fail-above", 0.01)
    assert stopped.code == 1
    assert stopped.err.startswith("easiness: error: ")
    assert "--fail-above 1" in stopped.err
    assert command(*by_pixels, "--fail-above", 1).code == 0


def test_a_pipeline_is_told_how_many_trials_it_takes(command, tmp_path):
    """Of 100 examples 3 moved: between two and two trials of two levels that is no more than chance."""
    labels = np.arange(100) // 99
    for name in ("old", "new"):
        logits = np.random.default_rng(name == "new").normal(-2, 0.2, (2, 100))
        logits[:, :3] += 6 if name == "new" else 0
        recorded(tmp_path / name, np.eye(2)[labels] * logits[..., None], labels, classes=("ant", "bee"))
    rows = tmp_path / "rows.json"
    runs = ["diff", tmp_path / "old", tmp_path / "new"]
    ended = command(*runs, "-o", rows)
    assert ended.code == 0
    said = "2 and 2 trials do not tell whether 3 examples changed"
    assert said in " ".join(ended.out.split())
    assert json.loads(rows.read_text())["needed"] == [3, 3]
    stopped = command(*runs, "--fail-above", 0.01)
    assert stopped.code == 2
    assert said in stopped.err
    assert "measure 3 and 3 trials at least" in stopped.err
    assert command(*runs, "--fail-above", 0.03).code == 0  # were they all changed


@pytest.mark.long
def test_what_is_wrong_is_said_in_a_line(refused, versions, measured):
    assert "trained differently (" in refused("diff", versions / "old", measured)
    assert "--fail-above 2: must be" in refused("diff", versions / "old", versions / "new", "--fail-above", 2)
    assert "same run twice" in refused("diff", versions / "old", versions / "old")
