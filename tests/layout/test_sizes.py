"""How large folders and the documentation are, and how much of the source is imports."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("of", ["src", "tests"])
def test_no_folder_has_more_than_25_files(of: str) -> None:
    sizes = Counter(file.parent for file in (ROOT / of).rglob("*.py"))
    assert {str(folder) for folder, size in sizes.items() if size > 25} == set()


PAGES = [page for page in (ROOT / "docs").rglob("*.md") if page.name != "commands.md"]  # which is generated


def test_imports_are_a_small_part_of_the_source() -> None:
    num_lines = num_imports = 0
    for file in (ROOT / "src").rglob("*.py"):
        text = file.read_text("utf-8")
        num_lines += len(text.splitlines())
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Import | ast.ImportFrom):
                num_imports += (node.end_lineno or node.lineno) - node.lineno + 1
    assert num_imports / num_lines <= 0.085


def test_the_documentation_can_be_read_in_an_evening() -> None:
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) <= 100
    assert len(PAGES) > 50
    assert sum(len(page.read_text("utf-8").split()) for page in PAGES) <= 37_500


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_opens_with_its_command(page: Path) -> None:
    opening = page.read_text("utf-8").splitlines()[:25]
    assert any(re.match("```(sh|console|python|sql)$", line) or "`easiness " in line for line in opening)
