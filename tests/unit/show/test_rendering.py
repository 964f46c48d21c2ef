from __future__ import annotations

import csv
import io
import re
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import easiness
from easiness.csv_cells import from_cell
from easiness.show import Result, Section, rendered, sections_markdown, sections_text
from easiness.show.result import sections_html
from easiness.show.svg import EASY, EASY_WASH, INK, ON_WASH, new_axes, picture_bytes, to_svg


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


def _figure(key: str) -> str:
    figure, axes = new_axes(3, 2)
    axes.plot([0, 1], [0, 1], color=EASY, label="a <b> & c")
    axes.set(xlabel="plain words", xlim=(0.2, 0.8))
    axes.legend(labelcolor=INK)
    return to_svg(figure, key=key, label='says "this" & that')


def test_it_is_one_element_with_its_label() -> None:
    root = ElementTree.fromstring(_figure("one"))
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert root.get("role") == "img"
    assert root.get("aria-label") == 'says "this" & that'
    assert root.get("width") is None
    assert re.fullmatch(r"--width:\d+px;--least:\d+px", root.get("style") or "")
    assert not list(root.iter("{http://www.w3.org/2000/svg}style"))


def test_no_name_breaks_a_figure_or_is_warned_of() -> None:
    names = ["\x1b[2J\x00\x9f", "\uffff\u754c", "a\nb\x85", "$\\frac{$"]
    figure, axes = new_axes(3, 2)
    axes.bar(names, range(4))
    axes.set_title("".join(names))
    ElementTree.fromstring(to_svg(figure, key="one", label="".join(names)))
    ElementTree.fromstring(picture_bytes(figure, ".svg"))
    for suffix in (".png", ".pdf"):
        picture_bytes(figure, suffix)


def test_text_stays_text_and_is_escaped() -> None:
    svg = _figure("one")
    assert "plain words</text>" in svg
    assert "a &lt;b&gt; &amp; c</text>" in svg


def test_colors_follow_the_page() -> None:
    svg = _figure("one")
    assert f"var(--easy, {EASY})" in svg
    assert f"var(--plot-ink, {INK})" in svg
    assert re.search(rf"(?<!, ){EASY}", svg) is None


def test_two_figures_share_no_id_and_references_hold() -> None:
    one, two = _figure("one"), _figure("two")
    ids = [set(re.findall(r'\bid="([^"]*)"', svg)) for svg in (one, two)]
    assert ids[0]
    assert ids[0].isdisjoint(ids[1])
    for svg, known in zip((one, two), ids, strict=True):
        used = re.findall(r"url\(#([^)]*)\)|href=\"#([^\"]*)\"", svg)
        assert used
        assert {a or b for a, b in used} <= known


def test_the_same_figure_gives_the_same_bytes() -> None:
    assert _figure("one") == _figure("one")


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
def test_a_picture_has_the_same_bytes_whenever_it_is_written(suffix, monkeypatch):
    def drawn():
        figure, axes = new_axes(3, 2)
        axes.plot([0, 1], [1, 0], color=EASY, label="one")
        return picture_bytes(figure, suffix)

    before = drawn()
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")  # what matplotlib takes for the time
    assert drawn() == before


def test_shades_keep_their_color_and_the_words_on_them_follow_the_page() -> None:
    figure, axes = new_axes(3, 2)
    axes.bar([0], [1], color=(EASY_WASH, 0.5))
    axes.text(0, 0.5, "on it", color=ON_WASH)
    svg = to_svg(figure, key="one", label="a bar")
    assert f"fill: {EASY_WASH}; fill-opacity: 0.5" in svg
    assert f"fill: var(--plot-on-wash, {ON_WASH})" in svg
