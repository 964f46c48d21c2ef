"""The tutorial on wrong labels and the demo do as they say, on planted mistakes."""

from __future__ import annotations

import io
import json
import re
import runpy
import shlex
import subprocess
import sys
from contextlib import redirect_stdout
from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).parents[2]
SMALLER = {"--trials": "5"}
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
    said: dict[str, list[str]] = {}
    for line in tutorial["commands"]():
        words = in_small(line)
        finished = command(*words)
        assert finished.code == 0, finished.err
        said.setdefault(words[0], []).append(finished.out)
        tutorial["seen"](line, tmp_path, truth)
    assert list(said) == ["measure", "suspects", "report", "audit", "verify"]
    # the pictures that lie in two folders are certain
    assert "5 groups of identical training pictures (10" in said["suspects"][0]
    listed = pd.read_csv("suspects.csv", dtype={"id": str})["id"]
    assert listed.head(len(truth)).isin(truth.keys()).mean() >= 0.8
    assert {"report.html", "audit.html"} <= {path.name for path in tmp_path.iterdir()}
    labels = pd.read_csv("labels.csv", dtype={"id": str, "class": str}).set_index("id")
    num_wrong = int((labels["action"] == "relabel").sum())
    assert f"150 are decided: {num_wrong} were found wrong" in " ".join(said["suspects"][1].split())
    assert not pd.read_csv("left.csv")["id"].isin(labels.index).any()
    found = json.loads(Path("found.json").read_text())
    assert found["low"] <= len(truth) <= found["high"]
    assert found["looked_at"] == 100
    changed = f"relabelling {num_wrong} of 705 "
    last = said["verify"][0].splitlines()[-1]
    assert last.startswith((f"{changed}gains ", f"{changed}shows no difference: +"))
    assert pd.read_csv("gain.csv")["gain_mean"].iloc[0] > 0


@pytest.mark.long
def test_the_demo_finds_what_it_mislabels_and_ends_with_the_page(command, tmp_path, monkeypatch):
    """Its commands are called in this process."""

    def call(words, cwd, check):
        assert (words[:3], check) == ([sys.executable, "-m", "easiness"], True)
        monkeypatch.chdir(cwd)
        assert command(*in_small(shlex.join(words[2:]))).code == 0

    monkeypatch.setattr(subprocess, "run", call)
    monkeypatch.setattr(sys, "argv", ["demo.py", str(tmp_path / "demo")])
    with redirect_stdout(io.StringIO()) as printed:
        runpy.run_path(str(ROOT / "tools" / "demo.py"), run_name="__main__")
    *shown, page = printed.getvalue().splitlines()
    found = re.search(
        r"^(\d+) of the 40 wrong labels are among the first 40", printed.getvalue(), re.MULTILINE
    )
    assert found is not None
    assert int(found[1]) >= 30  # of the first 40 of 1,797 one would be wrong by chance
    assert any("agree on" in line and "would be chance" in line for line in shown)
    assert "data-decide-open" in Path(page).read_text("utf-8")
