"""The tutorial on wrong labels does as it says: its own commands, in small, on planted mistakes."""

from __future__ import annotations

import runpy
import shlex
import sys
from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).parents[2]
SMALLER = {"--trials": "4"}
STEADY = ["--precision", "float32", "--jobs", "1"]  # what is fastest need not be found out here


@pytest.fixture
def tutorial(monkeypatch):
    """What the script that made the figures of the page has: how it plants, and the page's commands."""
    monkeypatch.setattr(sys, "path", [*sys.path])  # the script adds to it
    return runpy.run_path(str(ROOT / "benchmarks" / "science" / "labels_tutorial.py"))


def in_small(line):
    """The arguments of a command line of the page, with fewer trials."""
    words = shlex.split(line)[1:]
    words = [SMALLER.get(before, word) for before, word in zip([None, *words], words, strict=False)]  # type: ignore[arg-type]
    return [*words, *STEADY] if words[0] in ("measure", "verify") else words


@pytest.mark.long
def test_from_planted_mistakes_to_what_mending_is_worth(command, tutorial, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    truth = tutorial["plant"](tmp_path / "photos")
    said = {}
    for line in tutorial["commands"]():
        words = in_small(line)
        finished = command(*words)
        assert finished.code == 0, finished.err
        said[words[0]] = finished
    assert list(said) == ["measure", "suspects", "report", "clean", "verify"]
    # the pictures that lie in two folders are certain
    assert "5 groups of identical training pictures (10" in said["suspects"].out
    listed = pd.read_csv("suspects.csv", dtype={"id": str})
    first = listed["id"].head(len(truth))
    assert first.isin(truth.keys()).mean() >= 0.9
    assert "Labels to look at" in Path("report.html").read_text()
    labels = pd.read_csv("labels.csv", dtype={"id": str, "class": str}).set_index("id")
    relabelled = labels[labels["action"] == "relabel"]
    right = [truth.get(name) == int(row["class"]) for name, row in relabelled.iterrows()]
    assert len(right) >= len(truth) / 2
    assert sum(right) / len(right) >= 0.8  # 0.91 on the page
    changed = (
        f"relabelling {len(relabelled)} and dropping {(labels['action'] == 'drop').sum()} of {len(labels)} "
    )
    last = said["verify"].out.splitlines()[-1]
    # four pairs are too few to ask that the interval leaves 0 out as it does on the page
    assert last.startswith((f"{changed}gains ", f"{changed}shows no difference: +"))
    gain = pd.read_csv("gain.csv")
    assert len(gain) == int(SMALLER["--trials"])
    assert gain["gain_mean"].iloc[0] > 0


def test_two_of_the_lines_name_what_the_others_wrote(tutorial):
    lines = [shlex.split(line) for line in tutorial["commands"]()]
    wrote = {words[words.index("-o") + 1] for words in lines if "-o" in words}
    assert {"suspects.csv", "report.html", "labels.csv", "gain.csv"} <= wrote
    assert lines[-1][lines[-1].index("--labels") + 1] in wrote
