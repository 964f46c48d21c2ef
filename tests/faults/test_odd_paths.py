"""Names with spaces, newlines, quotes and letters of any language: of runs, sources, classes, outputs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

ODD = 'a b\nc\'s "d" $HOME `e` %s {0} <i>&amp; Ünïcödé 例え 🙂 -o'


@pytest.fixture
def odd_pictures(tmp_path) -> Path:
    random = np.random.default_rng(0)
    root = tmp_path / f"source {ODD}"
    for name, brightest in ((f"cat {ODD}", 120), ("犬\t=1+1", 256)):
        (root / name).mkdir(parents=True)
        for i in range(12):
            pixels = random.integers(0, brightest, (8, 8, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(root / name / f"{i:02d} {ODD}.png")
    return root


@pytest.mark.long
def test_everything_has_an_odd_name(command, odd_pictures, tmp_path, contents):
    place = tmp_path / f"place {ODD}"
    place.mkdir()
    run = place / f"run {ODD}"
    size = ["--trials", 2, "--epochs", 1, "--precision", "float32"]
    finished = command(
        "measure", odd_pictures, "--model", "mlp_3", *size, "--executor", "serial", "--out", run
    )
    assert finished.code == 0, finished.err
    assert len(contents(run)) == 2
    again = command("measure", odd_pictures, "--model", "mlp_3", *size, "--executor", "serial", "--out", run)
    assert (again.code, again.err) == (0, "")
    for arguments in (
        ["status", run],
        ["status", place],
        ["scores", run],
        ["scores", run, "-o", place / f"scores {ODD}.csv"],
        ["scores", run, "-o", place / f"scores {ODD}.parquet"],
        ["compare", run, "-o", place / f"compare {ODD}.json"],
        ["suspects", run, "-o", place / f"suspects {ODD}.csv"],
        ["report", run, "-o", place / f"report {ODD}.html"],
        ["export", run, "--to", "csv", "-o", place / f"export {ODD}.csv"],
        ["export", run, "--to", "torch", "-o", place / f"torch {ODD}.npz"],
        ["card", run, "-o", place / f"card {ODD}"],
    ):
        finished = command(*arguments)
        assert finished.code == 0, (arguments[0], finished.err)
        assert "Traceback" not in finished.err
    table = pd.read_csv(place / f"scores {ODD}.csv")
    assert set(table["class"]) == {f"cat {ODD}", "犬\t=1+1"}
    assert sorted(table["id"])[0] == f"cat {ODD}/00 {ODD}.png"
    page = (place / f"report {ODD}.html").read_text()
    assert "<i>&amp;" not in page
    assert "&lt;i&gt;&amp;amp;" in page or "例え" in page


@pytest.mark.parametrize("what", ["source", "out", "result"])
def test_an_error_about_an_odd_name_is_one_line(refused, measured, tmp_path, what):
    odd = tmp_path / ODD / ODD
    arguments = {
        "source": ["measure", odd, "--out", tmp_path / "run"],
        "out": ["measure", "digits", "--limit", 100, "--trials", 0, "--out", odd],
        "result": ["scores", measured, "-o", odd / "scores.csv"],
    }[what]
    refused(*arguments)
    assert not (tmp_path / ODD).exists()
