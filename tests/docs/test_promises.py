"""The list beside the page on reliability names tests: each is there, and all of faults are named."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

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
