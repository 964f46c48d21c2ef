"""Results as files, figures, tables and words."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass, field
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, strategies as st
from PIL import Image

import easiness
from easiness.csv_cells import from_cell
from easiness.show import (
    Result,
    Section,
    enumeration,
    file_bytes,
    interval_text,
    number,
    numbers_text,
    plus_minus,
    quantity,
    sections_markdown,
    sections_text,
    trials_text,
    with_interval,
    with_mark,
)
from easiness.show.result import in_a_line, sections_html
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
    content = file_bytes(Texts(text, "plain"), ".csv").decode()
    rows = [list(map(from_cell, row)) for row in csv.reader(io.StringIO(content, newline=""))]
    assert rows == [["text", "number"], [text, "1.5"], ["plain", "1.5"]]


def test_ids_of_two_splits_are_texts_in_parquet():
    ids = np.array(["a", 0, None], object)
    table = pd.read_parquet(io.BytesIO(file_bytes(Texts(*ids), ".parquet")))
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


@pytest.mark.parametrize(("text", "quote"), [("plain", ""), ("x;=1+1;y", '"'), ("a\t=1+1", '"')])
def test_quotes_keep_spreadsheets_that_separate_by_other_signs_from_formulas(text: str, quote: str):
    cells = [f"{quote}{one}{quote}" for one in ("text", "number", text)]
    assert file_bytes(Texts(text), ".csv").decode() == "{},{}\n{},1.5\n".format(*cells)


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


NAN = float("nan")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (number(0.125), "0.12"),
        (number(0.126, 3), "0.126"),
        (number(0.126, 1, with_sign=True), "+0.1"),
        (number(NAN), ""),
        (number(None), ""),
        (interval_text(0.118, 0.341, 3), "0.118 to 0.341"),
        (interval_text(NAN, NAN), ""),
        (with_interval(0.2, 0.118, 0.341), "0.20 (0.12 to 0.34)"),
        (with_interval(0.2, -0.118, 0.341, 1, with_sign=True), "+0.2 (-0.1 to +0.3)"),
        (with_interval(0.2, NAN, NAN), "0.20"),
        (plus_minus(0.9124, 0.0036, 4), "0.9124 ± 0.0036"),
        (plus_minus(0.9124, None), "0.912"),
        (plus_minus(0.9124, NAN), "0.912"),
        (trials_text([3]), "trial 3"),
        (trials_text([3, 5]), "trials 3 and 5"),
        (trials_text(range(40)), "40 trials, 0 to 39"),
        (quantity(1, "trial"), "1 trial"),
        (quantity(12_345, "trial"), "12,345 trials"),
        (enumeration([]), ""),
        (enumeration(["a", "b"]), "a and b"),
        (enumeration(["a", "b", "c"]), "a, b and c"),
        (with_mark("0.20", True), "0.20"),
        (with_mark("0.20", False), "0.20?"),
    ],
)
def test_numbers_read_well(text, expected):
    assert text == expected


@pytest.mark.parametrize(
    ("numbers", "text"),
    [
        ([], ""),
        ([3], "3"),
        ([4, 3], "3 and 4"),
        ([0, 1, 2], "0 to 2"),
        (range(40), "0 to 39"),
        ([*range(37), 38, 39], "0 to 36, 38 and 39"),
        ([0, 2, 4, 6, 8], "0, 2, 4, 6 and 8"),
        (range(0, 42, 2), "0, 2, 4, 6 and 17 more"),
        ([0, 2, 3, 4, 6, 7, 8, 9], "0, 2 to 4 and 6 to 9"),
    ],
)
def test_numbers_are_read_as_ranges(numbers, text):
    assert numbers_text(numbers) == text


@given(st.sets(st.integers(0, 10_000), min_size=1, max_size=300))
def test_long_lists_stay_short_and_no_number_is_lost(numbers):
    text = numbers_text(numbers)
    assert len(text) < 90
    parts = text.replace(" and ", ", ").split(", ")
    assert len(parts) <= 5
    ends = [part.split(" to ") for part in parts if not part.endswith(" more")]
    told = [number for first, *last in ends for number in range(int(first), int((last or [first])[0]) + 1)]
    left = sum(int(part.split()[0]) for part in parts if part.endswith(" more"))
    assert told == sorted(numbers)[: len(told)]
    assert len(told) + left == len(numbers)


ROWS = [["id", "p"], ["7", "0.5"]]
TABLE = Section("Labels", "p is a probability.", ROWS, ("not <sure>", "nor this"))


def test_notices_have_lines_of_their_own_between_title_and_caption() -> None:
    assert sections_text([TABLE]) == (
        "Labels\nNote: not <sure>\n\nNote: nor this\n\np is a probability.\n\nid    p\n7   0.5"
    )
    assert sections_markdown([TABLE]).startswith(
        "### Labels\n\n**Note:** not \\<sure>\n\n**Note:** nor this\n\np is a probability.\n\n| id"
    )
    assert (
        "<h4>Labels</h4><p><strong>Note:</strong> not &lt;sure&gt;</p><p><strong>Note:</strong> nor this</p>"
        "<p>p is a probability.</p><table>"
    ) in sections_html([TABLE])


def test_texts_are_read_from_the_left_and_cut_to_the_terminal(monkeypatch) -> None:
    reason = "much light " * 20
    table = Section(
        "Labels", "How.", [["id", "p", "reason", "path"], ["7", "0.5", reason, "photos/" + "a" * 30]]
    )
    for columns in (160, 80):
        monkeypatch.setenv("COLUMNS", str(columns))
        header, line = sections_text([table]).splitlines()[-2:]
        assert header.startswith("id    p  reason   ")
        assert line.startswith("7   0.5  much light ")
        assert line.endswith("…  photos/" + "a" * 30)
        assert len(line) == columns
    monkeypatch.setenv("COLUMNS", "50")
    assert sections_text([table]).endswith("\n7   0.5  much light much lig…  photos/aaaaaaaaaaaa…")
    assert f"| --- | ---: | --- | --- |\n| 7 | 0.5 | {reason} | photos/" in sections_markdown([table])


@dataclass
class Found:
    name: Any = "a"
    other: Any = 1
    hidden: int = field(default=3, repr=False)


def test_numbers_and_names_are_said():
    assert in_a_line(Found(None, True), whole=True) == "Found(name=None, other=True)"
    assert in_a_line(Found(np.float64(1) / 3, 2.0), whole=True) == "Found(name=0.333333, other=2)"
    assert in_a_line(Found(("a",), [1, float("nan")]), whole=True) == "Found(name=('a',), other=[1, nan])"


def test_what_is_larger_is_left_out_and_a_long_text_cut():
    assert in_a_line(Found(np.zeros(3), {"a": 1}), whole=True) == "Found()"
    assert in_a_line(Found([np.zeros(3)], list(range(40))), whole=True) == "Found()"
    assert in_a_line(Found(Found(np.zeros(3), {}), 2), whole=True) == "Found(other=2)"
    assert in_a_line(Found(Found(2), Found("x" * 50)), whole=True) == "Found(name=Found(name=2, other=1))"
    assert in_a_line(Found("x" * 61, 1), whole=True) == f"Found(name='{'x' * 60}...', other=1)"


def test_values_that_one_holds_show_themselves(measured, tmp_path):
    import easiness as ez

    data = ez.load_dataset("digits", limit=100, holdout=0.2)
    assert repr(data) == f"Dataset('digits', examples=100, classes=10, held_out={len(data.held_out)})"  # type: ignore[arg-type]
    recorder = ez.Recorder(tmp_path / "run", ids=[1, 2], labels=[0, 1])
    assert repr(recorder) == f"Recorder({str(tmp_path / 'run')!r}, examples=2, classes=2)"
    assert repr(recorder.trial(seed=4)) == f"TrialRecorder({str(tmp_path / 'run')!r}, seed=4)"
    run = ez.open_run(measured)
    assert repr(run.trials[0]) == f"StoredTrial({str(run.trials[0].path)!r}, index=0, epochs=2)"
    assert "np." not in repr(ez.matching_rate(run, run, side="easy", fraction=0.3))


def test_a_line_leaves_out_what_is_empty_and_ends_where_it_is_long():
    assert in_a_line(Found(None, True)) == "Found(other=True)"
    assert in_a_line(Found("", ())) == "Found()"
    assert in_a_line(Found(0, Found("a", None))) == "Found(name=0, other=Found(name='a'))"
    assert in_a_line(Found("a" * 50, "b" * 50)) == f"Found(name='{'a' * 50}', ...)"


def test_no_name_breaks_a_table():
    rows = [["id", "class"], ["a\nb", "cat\x1b[2J"], ["c", "dog"]]
    table = Section("of a\rb", "How it\nis read.", rows, ("Mind\x1bit.",))
    assert "| a b | cat" in sections_markdown([table])
    shown = sections_text([table])
    assert shown.splitlines() == [
        r"of a\rb",
        r"Note: Mind\x1bit.",
        "",
        "How it is read.",
        "",
        "id         class",
        r"a\nb  cat\x1b[2J",
        "c            dog",
    ]
