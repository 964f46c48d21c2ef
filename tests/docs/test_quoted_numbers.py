"""What documents promise, quote and show of results is so."""

from __future__ import annotations

import ast
import csv
import re
import runpy
from pathlib import Path

import pytest

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


TESTS = Path(__file__).parents[1]
LIST = TESTS.parent / "docs" / "reliability.csv"
NAMED = re.findall(r"([\w/]+\.py)::(test_\w+)", LIST.read_text(encoding="utf-8"))


def names_in(file: Path) -> set[str]:
    parsed = ast.parse(file.read_text(encoding="utf-8"))
    functions = (node for node in ast.walk(parsed) if isinstance(node, ast.FunctionDef))
    return {function.name for function in functions if function.name.startswith("test_")}


@pytest.mark.parametrize("file", sorted({file for file, _ in NAMED}))
def test_what_is_named_is_there(file):
    assert {name for of, name in NAMED if of == file} <= names_in(TESTS / file)


@pytest.mark.parametrize("file", sorted(path.relative_to(TESTS) for path in TESTS.glob("faults/test_*.py")))
def test_every_fault_is_named(file):
    assert names_in(TESTS / file) == {name for of, name in NAMED if of == str(file)}


ROOT = Path(__file__).parents[2]


def tables_of(name: str) -> dict[str, tuple[list[str], list[list[str]]]]:
    found = {}
    for file in (ROOT / "docs" / "results" / name).glob("*.csv"):
        header, *rows = csv.reader(file.read_text("utf-8").splitlines())
        found[file.stem] = (header, rows)
    return found


@pytest.mark.parametrize("name", ["hypothesis", "worth"])
def test_a_page_is_made_of_its_tables(name, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    from kit.pages import head, plain

    script = runpy.run_path(str(ROOT / "benchmarks" / "science" / f"{name}.py"))
    page = (ROOT / "docs" / "results" / f"{name}.md").read_text("utf-8")
    made = script["page"]("", tables_of(name), f"{name}.svg")
    (measured,) = (line for line in page.splitlines() if line.startswith("date "))
    top = head(script["TITLE"], script["COMMAND"], measured)
    assert plain(page).startswith(plain(top + made).rstrip())
