from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from easiness.show import (
    Section,
    counted,
    interval_text,
    listed,
    marked,
    number,
    numbers_text,
    plus_minus,
    sections_text,
    trials_text,
    with_interval,
)
from easiness.show.result import in_a_line, sections_html, sections_markdown

NAN = float("nan")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (number(0.125), "0.12"),
        (number(0.126, 3), "0.126"),
        (number(0.126, 1, signed=True), "+0.1"),
        (number(NAN), ""),
        (number(None), ""),
        (interval_text(0.118, 0.341, 3), "0.118 to 0.341"),
        (interval_text(NAN, NAN), ""),
        (with_interval(0.2, 0.118, 0.341), "0.20 (0.12 to 0.34)"),
        (with_interval(0.2, -0.118, 0.341, 1, signed=True), "+0.2 (-0.1 to +0.3)"),
        (with_interval(0.2, NAN, NAN), "0.20"),
        (plus_minus(0.9124, 0.0036, 4), "0.9124 ± 0.0036"),
        (plus_minus(0.9124, None), "0.912"),
        (plus_minus(0.9124, NAN), "0.912"),
        (trials_text([3]), "trial 3"),
        (trials_text([3, 5]), "trials 3 and 5"),
        (trials_text(range(40)), "40 trials, 0 to 39"),
        (counted(1, "trial"), "1 trial"),
        (counted(12_345, "trial"), "12,345 trials"),
        (listed([]), ""),
        (listed(["a", "b"]), "a and b"),
        (listed(["a", "b", "c"]), "a, b and c"),
        (marked("0.20", True), "0.20"),
        (marked("0.20", False), "0.20?"),
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


@pytest.mark.parametrize("written", [sections_text, sections_markdown, sections_html])
def test_without_a_notice_there_is_none(written) -> None:
    assert "Note" not in written([Section("Labels", "p is a probability.", ROWS)])


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
