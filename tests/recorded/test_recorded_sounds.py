"""A run of somebody's own loop that keeps its sounds: pages play them, and exports carry them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from easiness import open_run, suspects
from easiness.runs import find_data
from recording import believing, recorded
from sounds import tone

NUM, RATE = 30, 8000
LABELS = np.arange(NUM) % 2
TONES = [tone(200 + 400 * (at % 2) + 10 * at, 0.05 + at / 1000) for at in range(NUM)]
TONES[6] = TONES[4]  # heard twice
IDS = np.arange(NUM) * 2


def make(path: Path, sounds: object, rate: int | None) -> Path:
    logits = believing(LABELS, 2, sure=4)
    return recorded(path, logits, LABELS, ids=IDS, classes=["low", "high"], sounds=sounds, rate=rate).path


@pytest.fixture(scope="module")
def run(made_once) -> Path:
    return made_once("recorded-sounds", lambda path: make(path, TONES, RATE))


def test_the_samples_are_found_under_the_ids_of_the_run(run):
    data, why = find_data(open_run(run), None)
    assert data is not None
    assert (why, data.kind.name, data.traits.rate) == ("", "sound", RATE)
    assert data.ids.tolist() == IDS.tolist()
    for found, samples in zip(data.values(np.arange(NUM)), TONES, strict=True):
        np.testing.assert_array_equal(found, samples)


@pytest.mark.long
def test_pages_notebooks_and_exports_have_them(command, run, tmp_path):
    finished = command("report", run, "-o", tmp_path / "page.html")
    assert finished.code == 0, finished.err
    assert "data:audio/wav;base64," in (tmp_path / "page.html").read_text()
    assert "data:audio/wav;base64," in suspects(open_run(run))._repr_html_()
    assert command("export", run, "--to", "hf", "-o", tmp_path / "hf").code == 0
    (file,) = (tmp_path / "hf").rglob("*.parquet")
    assert len(pq.read_table(file)["audio"]) == NUM
    finished = command("suspects", run)
    assert finished.code == 0, finished.err
    assert "1 group of identical training sounds (2 in all) with one label" in " ".join(finished.out.split())
