"""The benchmark on the amount of data does in small what it says."""

from __future__ import annotations

import csv
import runpy
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

SCRIPT = Path(__file__).parents[4] / "benchmarks" / "science" / "amount_of_data.py"


@pytest.fixture
def script(monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path])  # the script adds to it
    return runpy.run_path(str(SCRIPT))


@pytest.mark.long
def test_sizes_that_are_finished_are_on_the_page(script, planted, tmp_path, monkeypatch, capsys):
    sizes = [script["Size"](num, 32, 2, 2) for num in (100, 200)]
    preset = replace(script["PRESET"], ablation_model="mlp_2_w8", trials=2, repetitions=2)
    given = {"--data": planted[0], "--runs": tmp_path / "runs", "--largest": tmp_path, "--docs": tmp_path}
    monkeypatch.setattr(
        sys, "argv", ["amount_of_data", *(str(one) for pair in given.items() for one in pair)]
    )
    script["main"](sizes, preset)
    assert f"{tmp_path / 'trials'}: not finished; left out" in capsys.readouterr().err
    assert "examples of\nCIFAR-10 than of 100:" in (tmp_path / "amount-of-data.md").read_text()
    files = [tmp_path / "amount-of-data" / f"{name}.csv" for name in ("accuracies", "changes")]
    rows, changes = (list(csv.reader(file.read_text().splitlines())) for file in files)
    assert [row[0] for row in rows] == ["examples", "100", "100", "200", "200"]
    assert [row[0] for row in changes] == ["dropped", "30%", "60%"]
    assert (tmp_path / "amount-of-data.svg").read_bytes().startswith(b"<?xml")
    # by hand: what the first row says is in the runs
    found, _ = script["accuracies"](tmp_path / "runs" / "100", preset)
    gap = found["hard", 0.3] - found["random", 0.3]
    assert rows[1][4:7] == [f"{100 * found[one, 0.3].mean():.1f}" for one in ("easy", "random", "hard")]
    assert rows[1][7].startswith(f"{100 * gap.mean():+.1f} (")
    margin = 12.7062 * gap.std(ddof=1) / np.sqrt(2)
    assert f"({100 * (gap.mean() - margin):+.1f} to" in rows[1][7]


def test_verdicts_go_by_the_side_of_zero_that_an_interval_is_on(script):
    texts = [
        "**+4.6 (+1.6 to +7.6)**",
        "**-1.2 (-2.3 to -0.1)**",
        "+0.8 (-0.3 to +1.8)",
        "**+0.9 (+0.1 to +1.7)**",
    ]
    rows = [[size, "", "", "60%", "", "", "", text] for size, text in zip("1234", texts, strict=True)]
    lines = script["by_verdict"](rows).splitlines()
    assert lines == ["- It helps: 60% of 1, 60% of 4", "- It hurts: 60% of 2", "- Undecided: 60% of 3"]
    assert script["by_verdict"](rows[:1]) == "- It helps: 60% of 1"
    said = [script["answer"](["60%", text]).partition(". The")[0] for text in texts[:3]]
    assert said == [
        f"- 60% dropped: it {verdict}"
        for verdict in ("does not hold: the opposite does", "holds", "is undecided")
    ]
