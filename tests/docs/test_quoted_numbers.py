"""What the explanation of easiness quotes of results is what the results say."""

import re
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
NUMBER = r"[+-]?\d+\.\d+"
QUOTED = re.compile(rf"({NUMBER})\s+\(({NUMBER})\s+to\s+({NUMBER})\)")


def quotes(text: str) -> list[tuple[str, ...]]:
    return [found.groups() for found in QUOTED.finditer(text)]


def results() -> list[tuple[str, ...]]:
    files = [*(DOCS / "results").rglob("*.csv"), *(DOCS / "results").glob("*.md")]
    return [one for file in files for one in quotes(file.read_text("utf-8"))]


def rounds_to(quoted: str, known: str) -> bool:
    """Is the known number the quoted one, to the digits that the quote has?"""
    digits = len(quoted.partition(".")[2])
    return abs(float(quoted) - float(known)) <= 0.5000001 * 10**-digits


def test_intervals_that_are_quoted_are_those_of_results():
    known = results()
    told = quotes((DOCS / "why.md").read_text("utf-8"))
    assert len(told) > 5
    lost = [one for one in told if not any(all(map(rounds_to, one, other)) for other in known)]
    assert not lost


def test_a_number_that_is_no_longer_right_is_found():
    assert rounds_to("0.83", "0.827")
    assert not rounds_to("0.83", "0.836")
    assert quotes("0.83 (0.71 to\n  0.94) in") == [("0.83", "0.71", "0.94")]
