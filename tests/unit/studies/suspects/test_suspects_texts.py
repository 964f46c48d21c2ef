"""Suspects and files of labels say what the examples are: texts whole in files, a line on a terminal."""

from __future__ import annotations

import dataclasses
import html
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import easiness as ez
from easiness.show import rendered, sections_text
from easiness.store import Run
from recording import believing, recorded

NUM, WRONG = 120, 12
CONTRACT = ["id", "label", "class", "suggested", "suggested_class", "p_wrong", "suggested_share", "kind"]
HARD = ("=1+1", "<b>bold</b>\nand a line", 'with "quotes", commas', "\x1b[31mred\u202e", "x " * 100)


def texts() -> list[str]:
    return [f"{HARD[at % len(HARD)]} {at}" for at in range(NUM)]


def record(folder: Path, data: ez.Dataset) -> Run:
    """Four sure trials, by which the first labels are one class further than they should be."""
    said = np.where(np.arange(NUM) < WRONG, (data.labels + 1) % 3, data.labels)
    return recorded(folder, believing(said, 4, 2, sure=8), data=data)


@pytest.fixture
def data() -> ez.Dataset:
    return ez.load_dataset((texts(), np.arange(NUM) % 3))


@pytest.fixture
def run(data: ez.Dataset, tmp_path: Path) -> Run:
    return record(tmp_path / "run", data)


def test_the_table_has_whole_texts_behind_its_other_columns(run: Run, data: ez.Dataset) -> None:
    table = ez.suspects(run, source=data).table()
    assert list(table)[:10] == [*CONTRACT, "reason", "text"]
    assert table["text"].tolist() == [texts()[one] for one in table["id"]]
    assert set(table["id"].head(WRONG)) == set(range(WRONG))
    assert "text" not in ez.suspects(run, source=data, pictures=False).table()
    assert "text" not in ez.suspects(run).table()  # the run does not say where they are


def test_a_terminal_has_the_beginning_of_a_text_in_one_line(run: Run, data: ez.Dataset) -> None:
    *_, section = ez.suspects(run, source=data).sections()
    assert section.rows[0][-1] == "text"
    shown = {row[0]: row[-1] for row in section.rows[1:]}
    assert shown["1"] == "<b>bold</b> and a line 1"
    assert shown["4"] == ("x " * 30)[:60].rstrip() + "…"
    lines = sections_text([section]).splitlines()
    assert len(lines[-WRONG:]) == WRONG
    assert not any("\x1b" in line or "\u202e" in line for line in lines)


def test_conflicts_have_their_texts(tmp_path: Path) -> None:
    given = texts()
    given[5] = f"  {given[4]}"  # the same but for spaces, with another label
    data = ez.load_dataset((given, np.arange(NUM) % 3))
    found = ez.suspects(record(tmp_path / "run", data), source=data)
    conflicts, _ = found.sections()
    assert conflicts.rows[0][-1] == "text"
    assert conflicts.rows[1][0] == "two labels"
    assert conflicts.rows[1][-1] == ("x " * 30)[:60].rstrip() + "…"


def test_a_notebook_has_texts_and_no_markup_of_theirs(run: Run, data: ez.Dataset) -> None:
    shown = ez.suspects(run, source=data)._repr_html_()
    assert "<b>bold" not in shown
    assert html.escape(texts()[1]) in shown
    assert "<th>example</th>" in shown


def test_csv_and_labels_are_read_back(run: Run, data: ez.Dataset, tmp_path: Path) -> None:
    found = ez.suspects(run, source=data)
    (tmp_path / "suspects.csv").write_bytes(rendered(found, ".csv"))
    read = pd.read_csv(tmp_path / "suspects.csv", keep_default_na=False)
    shown = [text if text[0] != "=" else f"'{text}" for text in found.table()["text"]]
    assert read["text"].tolist() == shown


def test_a_file_of_labels_with_texts_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    long = [*texts()[:-1], "long " * 40_000]
    data = ez.load_dataset((long, np.arange(NUM) % 3))
    run = record(tmp_path / "run", data)
    monkeypatch.setattr("easiness.studies.cleaning.labels.find_data", lambda *_: (data, ""))
    monkeypatch.setattr(
        "easiness.studies.cleaning.labels.kind_named", lambda _: data.kind
    )  # as of a run that says where its data are
    cleaned = ez.clean(run)
    table = cleaned.table()
    assert list(table) == ["id", "label", "class", "was", "action", "text"]
    assert table["text"].tolist() == long
    (tmp_path / "labels.csv").write_bytes(rendered(cleaned, ".csv"))
    again = ez.load_dataset((long, np.arange(NUM) % 3), labels=tmp_path / "labels.csv")
    assert (again.labels[:WRONG] == (np.arange(WRONG) + 1) % 3).all()


def test_a_notebook_has_pictures_of_pictures(tmp_path: Path) -> None:
    for at in range(NUM):
        folder = tmp_path / "in" / "abc"[at % 3]
        folder.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(at).integers(0, 255, (6, 6), np.uint8)
        Image.fromarray(pixels).save(folder / f"{at:03d}.png")
    found = ez.suspects(record(tmp_path / "run", ez.load_dataset(tmp_path / "in")), source=tmp_path / "in")
    assert list(found.table())[:9] == [*CONTRACT, "reason"]
    assert "path" not in found.table()  # the ids are paths
    assert found._repr_html_().count("data:image/png;base64,") == WRONG
    assert found.sections()[-1].rows[0][-1] == "reason"


def test_ids_that_are_positions_stand_beside_paths(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    for at in range(NUM):
        (folder / "abc"[at % 3]).mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((4, 4), at, np.uint8)).save(folder / "abc"[at % 3] / f"{at:03d}.png")
    data = dataclasses.replace(ez.load_dataset(folder), ids=np.arange(NUM), source=None)
    found = ez.suspects(record(tmp_path / "run", data), source=data)
    table = found.table()
    assert list(table)[:10] == [*CONTRACT, "reason", "path"]
    assert all(Path(one).is_file() for one in table["path"])
