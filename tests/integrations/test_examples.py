"""Each of `examples/` runs as it stands, and what it records is of use."""

from __future__ import annotations

import os
import runpy
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from easiness import open_run, suspects
from easiness.runs import find_data

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
NUM_FLIPPED = 100
pytestmark = pytest.mark.filterwarnings("ignore")  # the libraries' own


def shared(name: str) -> Path:
    """A folder of real data, or the test is skipped."""
    folder = Path(os.environ.get("EASINESS_DATA", ROOT.parent / "shared" / "data")) / name
    if not folder.exists():
        pytest.skip(f"needs {name} of EASINESS_DATA")
    return folder


def run_script(script: Path, monkeypatch: pytest.MonkeyPatch, *arguments: object) -> None:
    monkeypatch.setattr(sys, "argv", [str(script), *map(str, arguments)])
    runpy.run_path(str(script), run_name="__main__")


@pytest.fixture
def trec(tmp_path: Path) -> tuple[Path, np.ndarray]:
    """TREC with labels of 100 questions flipped, and which they are."""
    table = pd.read_csv(shared("trec") / "train.csv")
    random = np.random.default_rng(0)
    flipped = random.choice(len(table), NUM_FLIPPED, replace=False)
    classes = sorted(table["label"].unique())
    codes = table["label"].map(classes.index).to_numpy().copy()
    codes[flipped] = (codes[flipped] + random.integers(1, len(classes), NUM_FLIPPED)) % len(classes)
    table["label"] = [classes[code] for code in codes]
    table.to_csv(tmp_path / "trec.csv", index=False)
    return tmp_path / "trec.csv", flipped


def test_a_plain_loop(tmp_path, monkeypatch, capsys):
    run_script(EXAMPLES / "plain_torch.py", monkeypatch, tmp_path / "run")
    assert "p_wrong" in capsys.readouterr().out
    run = open_run(tmp_path / "run")
    assert (run.model, len(run.trials), len(run.ids), run.epochs) == ("two layers", 3, 600, 5)


@pytest.mark.long
def test_sound(tmp_path, monkeypatch):
    run_script(EXAMPLES / "sound.py", monkeypatch, shared("fsdd") / "train", tmp_path / "run")
    run = open_run(tmp_path / "run")
    assert run.classes == tuple("0123456789")
    assert run.ids[0].startswith("0/")
    assert run.scores()["easiness"].mean() > 0.9
    data, _ = find_data(run, None)
    assert data is not None
    assert data.kind.name == "sound"


@pytest.mark.long
def test_lightning(tmp_path, monkeypatch, capsys):
    pytest.importorskip("lightning")
    run_script(EXAMPLES / "lightning_trainer.py", monkeypatch, tmp_path / "run")
    assert "p_wrong" in capsys.readouterr().out
    assert len(open_run(tmp_path / "run").trials) == 3


@pytest.mark.long
def test_text_by_the_trainer_and_its_flipped_labels_are_found(tmp_path, monkeypatch, trec):
    pytest.importorskip("transformers")
    pytest.importorskip("accelerate")
    table, flipped = trec
    run_script(EXAMPLES / "transformers_trainer.py", monkeypatch, table, tmp_path / "run")
    suspected = suspects(open_run(tmp_path / "run"))
    assert set(suspected.table()["text"]) <= set(pd.read_csv(table)["text"])
    found = suspected.ranked
    assert roc_auc_score(found["id"].isin(flipped), found["p_wrong"]) > 0.9


@pytest.mark.parametrize("name", ["lightning_trainer", "transformers_trainer", "plain_torch"])
def test_five_lines_are_added(name):
    lines = (EXAMPLES / f"{name}.py").read_text().splitlines()
    assert sum("  # +" in line for line in lines) == 5
