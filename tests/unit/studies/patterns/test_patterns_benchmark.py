"""The benchmark of patterns, in small: what is simulated, and the page of it."""

import csv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[4]


@pytest.mark.long
def test_the_page_has_what_was_simulated(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    from science import patterns

    monkeypatch.setattr(patterns, "WORLDS", {"two groups": patterns.WORLDS["two groups of examples"]})
    monkeypatch.setattr(patterns, "SIZES", patterns.SIZES[::3])
    monkeypatch.setattr(patterns, "KEPT", 2)
    page = tmp_path / "patterns.md"
    patterns.main(["--replicates", "3", "--docs", str(page)])
    assert "The most that can be explained was off by" in page.read_text("utf-8")

    def table(name):
        return list(csv.reader((tmp_path / "patterns" / f"{name}.csv").read_text().splitlines()))[1:]

    worlds = table("simulations")
    assert [row[0] for row in worlds][:2] == [
        "two groups",
        "found in features, own ease 0.3, the same patterns",
    ]
    assert len(worlds) == 5
    truths = {row[0]: [float(cell.split()[0]) for cell in row[1:] if cell] for row in worlds}
    assert [len(found) for found in truths.values()] == [8, 3, 3, 3, 3]
    most = truths["two groups"][-1]
    assert truths["two groups"][2] < most < 1
    for frequency, contradiction, share, *_ in truths.values():
        assert 0 < frequency < 1
        assert -1 < contradiction < 0
        assert 0 < share < 1
    counts = {row[0]: row[1:] for row in table("counts-planted")}
    # by the true values, what was not planted has no effect
    assert abs(float(counts["the truth"][0].split(", ")[1])) < 0.1
    assert abs(float(counts["the truth"][1].split(", ")[0])) < 0.1
