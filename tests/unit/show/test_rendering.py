from __future__ import annotations

import csv
import io
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import easiness
from easiness.csv_cells import from_cell
from easiness.show import Result, Section, rendered, sections_markdown, sections_text
from easiness.show.section import sections_html
from easiness.show.svg import new_axes, picture_bytes


class Texts(Result):
    def __init__(self, *texts: str) -> None:
        self.texts = texts

    def in_full(self) -> str:
        return "of three texts"

    def table(self) -> pd.DataFrame:
        return pd.DataFrame({"text": self.texts, "number": 1.5})

    def figure(self) -> Any:
        raise NotImplementedError

    def sections(self) -> list[Section]:
        return []


@pytest.mark.parametrize("text", ["a\rb", "\r", "a\r\nb", "a\nb", 'a"b', "a,b", " a ", "=1", "ä"])
def test_a_csv_file_gives_every_text_back(text: str):
    content = rendered(Texts(text, "plain"), ".csv").decode()
    rows = [list(map(from_cell, row)) for row in csv.reader(io.StringIO(content, newline=""))]
    assert rows == [["text", "number"], [text, "1.5"], ["plain", "1.5"]]


def test_ids_of_two_splits_are_texts_in_parquet():
    ids = np.array(["a", 0, None], object)
    table = pd.read_parquet(io.BytesIO(rendered(Texts(*ids), ".parquet")))
    assert table["text"].tolist()[:2] == ["a", "0"]
    assert table["text"].isna().tolist() == [False, False, True]
    assert table.attrs == {"easiness": easiness.__version__, "result": "of three texts"}


@pytest.mark.parametrize("about", ["of three texts", "of <b> & ä \x1b"])
def test_a_picture_says_which_version_made_it_and_of_what(about: str):
    figure, _ = new_axes(2, 2)
    made = f"easiness {easiness.__version__}"
    png = Image.open(io.BytesIO(picture_bytes(figure, ".png", about=about)))
    assert (png.info["Software"], png.info["Description"]) == (made, about)
    svg = ElementTree.fromstring(picture_bytes(figure, ".svg", about=about))
    texts = {one.text for one in svg.iter()}
    assert {made, about.replace("\x1b", "\\x1b")} <= texts
    assert made.encode() in picture_bytes(figure, ".pdf", about=about)


def test_quotes_are_for_those_that_need_them():
    assert rendered(Texts("plain"), ".csv") == b"text,number\nplain,1.5\n"


@pytest.mark.parametrize("text", ["x;=1+1;y", "a\t=1+1"])
def test_a_spreadsheet_that_separates_by_other_signs_finds_no_formula(text: str):
    """Within quotes a cell is not divided."""
    assert rendered(Texts(text), ".csv").decode() == f'"text","number"\n"{text}",1.5\n'


def test_a_section_without_rows_is_its_sentence_alone():
    nothing = [Section("Conflicts", "No identical pictures.", [])]
    assert sections_text(nothing) == "Conflicts\nNo identical pictures."
    assert sections_markdown(nothing) == "### Conflicts\n\nNo identical pictures."
    assert "<table" not in sections_html(nothing)


def test_a_note_that_several_tables_have_is_said_once():
    notes = ["how to read it", "how to read it", "another", "how to read it"]
    shown = sections_text(Section(f"table {at}", note, [["n"], ["1"]]) for at, note in enumerate(notes))
    assert shown.split("\n\n") == [
        "table 0\nhow to read it",
        "n\n1",
        "table 1",
        "n\n1",
        "table 2\nanother",
        "n\n1",
        "table 3\nhow to read it",
        "n\n1",
    ]
