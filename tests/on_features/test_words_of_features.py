"""Every command on a run on features: what it prints and writes speaks of shares, never of epochs."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_digits

from easiness import compare, load_dataset, measure, open_run, suspects
from easiness.studies.suspects import glance

LIMIT = 120
NAMED_SO = ("first_learned_epoch",)
"""Names of scores, which are theirs whatever the run."""


@pytest.fixture(scope="module")
def folder(made_once: Any) -> Path:
    """A run on features ``f``, another of other seeds ``g``, and a training ``t``, over the same digits."""

    def make(out: Path) -> None:
        out.mkdir()
        data = load_dataset("digits", limit=LIMIT)
        turn = np.random.default_rng(0).standard_normal((64, 24))
        np.save(out / "v.npy", (load_digits().data[data.ids] @ turn).astype(np.float32))
        for seed, name in enumerate("fg"):
            vectors = str(out / "v.npy")
            measure(data, features=vectors, trials=10, seed=seed, out=out / name)
        measure(data, model="mlp_1", trials=2, epochs=2, out=out / "t", executor="serial")

    return made_once("words-of-features", make)


COMMANDS = (
    ("measure", "digits", "--limit", LIMIT, "--features", "v.npy", "--trials", 10, "--out", "f"),
    ("measure", "digits", "--limit", LIMIT, "--features", "v.npy", "--trials", 5, "--out", "h"),
    ("measure", "digits", "--limit", LIMIT, "--features", "v.npy", "--trials", 5, "--out", "i", "--dry-run"),
    ("status", "f"),
    ("scores", "f"),
    ("scores", "f", "--at", 0.2, "-o", "scores.md"),
    ("compare", "f", "--details"),
    ("compare", "f", "g", "-o", "compared.json"),
    ("suspects", "f", "-o", "suspects.csv"),
    ("labels", "f", "-o", "labels.csv"),
    ("keep", "f", "--drop", 0.3, "--policy", "easy", "-o", "kept.csv"),
    ("diff", "f", "g", "-o", "changes.md"),
    ("export", "f", "--to", "csv", "-o", "rows.csv"),
    ("export", "f", "--to", "cleanlab", "-o", "cleanlab.npz"),
    ("export", "f", "--to", "hf", "-o", "hf"),
    ("card", "f", "-o", "card"),
)


@pytest.fixture
def here(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("f", "g", "t"):
        shutil.copytree(folder / name, tmp_path / name)
    shutil.copy(folder / "v.npy", tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def without_names(text: str) -> str:
    for name in NAMED_SO:
        text = text.replace(name, "").replace(name.replace("_", " "), "")
    return text


@pytest.mark.long
def test_no_command_speaks_of_epochs(here: Path, command: Callable[..., Any]) -> None:
    before = {path for path in here.rglob("*") if path.is_file()}
    for words in COMMANDS:
        done = command(*words)
        assert done.code == 0, (words, done.err)
        said = without_names(done.out + done.err)
        assert "epoch" not in said.lower(), (words, said)
    written = {path for path in here.rglob("*") if path.is_file()} - before
    for path in written:
        if path.suffix in (".csv", ".md", ".json") and path.relative_to(here).parts[0] not in ("h", "f"):
            text = without_names(path.read_text())
            assert "epoch" not in text.replace('"epochs": null', "").lower(), path


@pytest.mark.long
@pytest.mark.usefixtures("here")
def test_the_page_speaks_of_shares() -> None:
    open_run("f").report("f.html")
    page = Path("f.html").read_text()
    body = page[page.index("<body>") : page.index('<script type="application/json"')]
    for text in ("Accuracy over shares", "at share 0.8", "share of the examples seen", "Heads, share"):
        assert text in body
    assert "measured for these features" in body
    body = body.replace("--epochs 10", "")  # of the networks that `ablate` would train
    assert "epoch" not in without_names(body).lower()


@pytest.mark.usefixtures("here")
def test_a_training_beside_them_is_read_after_its_own_epoch() -> None:
    found = compare([open_run("f"), open_run("t")])
    assert found.read_at == {"share": 0.8, "epoch": 2}
    assert [row.at for row in found.rows] == ["at share 0.8", "after epoch 2"]
    for at, of_heads, of_training in ((0.2, "0.2", 2), (1, "0.8", 1)):
        read = compare([open_run("f"), open_run("t")], at=at)
        assert [row.at for row in read.rows] == [f"at share {of_heads}", f"after epoch {of_training}"]
    assert {"share", "epoch"} <= set(found.table().columns)
    document = json.loads(json.dumps(found.document()))
    assert "share" in document["runs"][0]["reliability_by_trials"][0]
    assert "best_epoch" in document["runs"][1]


@pytest.mark.usefixtures("here")
def test_one_head_an_example_has_tables_but_none_by_the_number_of_heads() -> None:
    titles = [frame.title for frame in compare([open_run("f").first(5)]).frames()]
    assert any("reliability by share" in title for title in titles)
    assert not any("reliability by number" in title for title in titles)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("scores", "f", "--at", 1), "f: at 1: has shares, not epochs; choose 0.2, 0.8"),
        (("scores", "t", "--at", 0.2), "t: at 0.2: has epochs, not shares; give the number of one"),
        (("compare", "t", "--at", 0.2), "t: at 0.2: has epochs, not shares"),
        (("compare", "f", "g", "--at", 1), "f: at 1: has shares, not epochs"),
        (("suspects", "f", "--at", 0.3), "f: at 0.3: no heads have seen this share; choose 0.2, 0.8"),
        (("report", "t", "--at", 0.8), "t: at 0.8: has epochs, not shares"),
        (("keep", "f", "--drop", 0.3, "--policy", "easy", "--at", 2), "f: at 2: has shares"),
        (("export", "t", "--to", "csv", "-o", "x.csv", "--at", 0.8), "t: at 0.8: has epochs"),
        (("card", "f", "-o", "x", "--at", 1), "f: at 1: has shares, not epochs"),
    ],
)
@pytest.mark.usefixtures("here")
def test_what_the_run_has_not_is_refused(
    refused: Callable[..., str], words: tuple[object, ...], said: str
) -> None:
    assert said in refused(*words)


@pytest.mark.usefixtures("here")
def test_scores_without_a_course_are_named(command: Callable[..., Any]) -> None:
    done = command("scores", "f", "-o", "scores.csv")
    assert re.search("forgetting_events.*follow the course of one training", done.err, flags=re.DOTALL)
    empty = pd.read_csv("scores.csv").isna().all()
    assert empty["forgetting_events"]
    assert not empty["confidence"]


def test_what_measure_ends_with_is_what_suspects_says(folder: Path) -> None:
    run = open_run(folder / "f")
    assert glance(run).share == suspects(run, pictures=False).share
