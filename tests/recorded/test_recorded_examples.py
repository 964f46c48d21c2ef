"""A run of somebody's own loop that keeps its texts or sounds: every command shows them, without a source."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from easiness import load_dataset, open_run
from easiness.runs import find_data
from lengths import long_but
from recording import believing, recorded
from sounds import tone

NUM = 60
IDS = [f"question-{at}" for at in range(NUM)]
SAID = np.arange(NUM) % 2  # what networks say
LABELS = np.where(np.arange(NUM) < 2, 1 - SAID, SAID)  # the first two are wrong
TEXTS = [f"{('Who wrote', 'When was it that')[said]} <b>number</b>  {at}?" for at, said in enumerate(SAID)]
TEXTS[7] = TEXTS[5].replace("  ", " ")  # the same but for a space, and with the same label
TEXTS[8] = TEXTS[3]  # with another label


def make(path: Path) -> Path:
    logits = believing(SAID, 3, sure=5, noise=0.5)
    return recorded(path, logits, LABELS, ids=IDS, classes=["who", "when"], texts=TEXTS).path


@pytest.fixture(scope="module")
def run(made_once) -> Path:
    return made_once("recorded-texts", make)


def test_the_data_are_found_under_the_ids_of_the_run(run):
    opened = open_run(run)
    data, why = find_data(opened, None)
    assert data is not None
    assert (why, data.kind.name, data.ids.tolist(), data.classes) == ("", "text", IDS, ("who", "when"))
    np.testing.assert_array_equal(data.labels, LABELS)
    assert [value.tobytes().decode() for value in data.values(np.array([9, 0]))] == [TEXTS[9], TEXTS[0]]


def test_the_page_shows_them_and_suspects_carry_them(command, run, tmp_path):
    finished = command("report", run, "-o", tmp_path / "page.html")
    assert finished.code == 0, finished.err
    page = (tmp_path / "page.html").read_text()
    assert "Who wrote &lt;b&gt;number&lt;/b&gt;  0?" in page or "Who wrote \\u003cb\\u003enumber" in page
    assert "<b>number" not in page
    finished = command("suspects", run, "-o", tmp_path / "found.csv")
    assert finished.code == 0, finished.err
    table = pd.read_csv(tmp_path / "found.csv")
    assert table["text"].tolist() == [TEXTS[IDS.index(name)] for name in table["id"]]
    assert "two labels" in finished.out
    assert set(table["id"][:2]) == set(IDS[:2])


def test_exports_and_files_of_labels_carry_them(command, run, tmp_path):
    assert command("export", run, "--to", "hf", "-o", tmp_path / "hf").code == 0
    (file,) = (tmp_path / "hf").rglob("*.parquet")
    assert pq.read_table(file)["text"].to_pylist() == TEXTS
    assert command("labels", run, "-o", tmp_path / "labels.csv").code == 0
    assert "Who wrote" in (tmp_path / "labels.csv").read_text()
    again = load_dataset(run / "data.parquet", labels=_labels_by_position(tmp_path / "labels.csv"))
    assert again.kind.name == "text"


def _labels_by_position(file: Path) -> Path:
    table = pd.read_csv(file)
    table["id"] = [IDS.index(name) for name in table["id"]]
    table.to_csv(file, index=False)
    return file


@pytest.mark.parametrize("how", long_but(["removed", "damaged", "altered"], ["removed", "altered"]))
def test_without_them_pages_show_ids_and_say_why(command, tmp_path, how):
    run = make(tmp_path / "run")
    file = run / "data.parquet"
    if how == "removed":
        file.unlink()
    elif how == "damaged":
        file.write_bytes(file.read_bytes()[:-20])
    else:
        pq.write_table(pq.read_table(file).slice(1), file)
    finished = command("report", run, "-o", tmp_path / "page.html")
    assert finished.code == 0, finished.err
    page = (tmp_path / "page.html").read_text()
    assert "question-0" in page
    assert "Who wrote" not in page
    assert ("gone" if how == "removed" else "damaged") in page
    assert command("suspects", run, "-o", tmp_path / "found.csv").code == 0
    assert command("status", run).code == (0 if how == "removed" else 1)


RATE = 8000
TONES = [tone(200 + 400 * (at % 2) + 10 * at, 0.05 + at / 1000) for at in range(30)]
TONES[6] = TONES[4]  # heard twice


@pytest.fixture(scope="module")
def heard(made_once) -> Path:
    labels = np.arange(30) % 2
    given: Any = {"ids": np.arange(0, 60, 2), "sounds": TONES, "rate": RATE}
    logits = believing(labels, 2, sure=4)
    return made_once(
        "recorded-sounds", lambda path: recorded(path, logits, labels, classes=["low", "high"], **given)
    )


def test_the_samples_are_found_under_the_ids_of_the_run(heard):
    data, why = find_data(open_run(heard), None)
    assert data is not None
    assert (why, data.kind.name, data.traits.rate) == ("", "sound", RATE)
    assert data.ids.tolist() == list(range(0, 60, 2))
    for found, samples in zip(data.values(np.arange(30)), TONES, strict=True):
        np.testing.assert_array_equal(found, samples)
