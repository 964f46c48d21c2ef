"""A table with what has to be known before it, in every form."""

from __future__ import annotations

import pytest

from easiness.show import Section, sections_text
from easiness.show.section import sections_html, sections_markdown

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
