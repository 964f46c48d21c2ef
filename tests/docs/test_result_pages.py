"""A page of results is what its script makes of the tables beside it."""

import csv
import runpy
from pathlib import Path

import pytest

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
