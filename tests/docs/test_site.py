"""The documentation builds strictly and asks the network for nothing; what it promises and quotes is so."""

from __future__ import annotations

import ast
import csv
import importlib.util
import os
import re
import runpy
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from easiness.commands import COMMANDS, PAPER

ROOT = Path(__file__).parents[2]
TOOLS = ROOT / "tools" / "docs"


@pytest.fixture
def tools(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], dict[str, Any]]:
    """What one of the scripts that build the site defines."""
    monkeypatch.setattr(sys, "path", [str(TOOLS), *sys.path])
    return lambda name: runpy.run_path(str(TOOLS / f"{name}.py"))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """What the site is built from, to be changed."""
    if importlib.util.find_spec("zensical") is None and "DOCS_REQUIRED" not in os.environ:
        pytest.skip("no generator of sites is installed: make docs installs it")
    shutil.copytree(ROOT / "docs", tmp_path / "docs")
    shutil.copy(ROOT / "zensical.toml", tmp_path)
    for name in ("src", "tools"):
        (tmp_path / name).symlink_to(ROOT / name)
    return tmp_path


@pytest.mark.long
def test_the_site_builds_without_a_fault(project: Path, tools: Callable[[str], dict[str, Any]]) -> None:
    assert tools("build")["build"](project) == []
    front = (project / "site" / "index.html").read_text("utf-8")
    assert "How to" in front
    # functions from their docstrings, commands from the program
    shown = project / "site" / "reference"
    assert "Train a network several times" in (shown / "measure.html").read_text("utf-8")
    assert "--train-share" in (shown / "commands.html").read_text("utf-8")


def test_links_without_a_target_are_found(tools: Callable[[str], dict[str, Any]], tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "a.png").write_bytes(b"")
    (tmp_path / "a.html").write_text(
        "<h1 id='top'>A</h1><a href='in/b.html#part'></a><a href='#top'></a><a href='#'></a>"
        "<a href='https://example.org'></a><a href='mailto:a@b.c'></a><img src='a.png'><img src='data:,'>"
        "<a href='in/b.html#lost'></a><a href='c.html'></a><img src='b.png'><img src='//cdn/b.png'>"
        "<link rel='stylesheet' href='https://fonts.example/x.css'><link rel='canonical' href='https://x'>"
    )
    (tmp_path / "in" / "b.html").write_text("<p id='part'></p><a href='../a.html#top'></a><a href='..'></a>")
    assert tools("links")["troubles"](tmp_path) == [
        "a.html: b.png does not exist",
        "a.html: fetches //cdn/b.png",
        "a.html: fetches https://fonts.example/x.css",
        "a.html: in/b.html#lost: no such anchor",
        "a.html: c.html does not exist",
        "in/b.html: .. does not exist",
    ]


def test_the_page_of_commands_needs_no_more_than_the_docs_extra() -> None:
    """So that whoever builds the pages need not install what single formats and libraries need."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    assert "easiness[train]" in extras["docs"]
    all_of = {
        one.partition(">")[0].replace("-", "_") for name in extras if name != "docs" for one in extras[name]
    }
    absent = sorted(all_of - {"torch", "torchvision", "loky"})
    assert {"timm", "datasets", "transformers", "duckdb"} <= set(absent)
    code = f"""import sys; sys.modules.update(dict.fromkeys({absent}))
from commands import commands_page; assert "--train-share" in commands_page()"""
    paths = os.pathsep.join(map(str, (TOOLS, ROOT / "src")))
    subprocess.run([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": paths}, check=True)


def test_every_option_is_on_the_page_of_commands(tools: Callable[[str], dict[str, Any]]) -> None:
    tool = tools("commands")
    text = tool["commands_page"]()
    sections = dict(part.split("\n", 1) for part in text.split("\n## ")[1:])
    assert [head.split("`")[1] for head in sections] == [one.name for one in (*COMMANDS, *PAPER)]
    for head, section in sections.items():
        for parameter in tool["loaded"](head.split("`")[1])[0].params:
            is_option = parameter.param_type_name == "option"
            names = parameter.opts if is_option else [parameter.metavar or parameter.name]
            for name in names if parameter.name != "help" else ():
                assert any(f"{name}{end}" in section for end in ("<", ",", "...<")), (head, name)
    row = next(line for line in text.splitlines() if line.startswith("| <code>--precision"))
    assert row.endswith("| `auto` |")
    assert "auto &#124; float32 &#124; bfloat16" in row


def test_whole_tables_are_linked_by_their_page() -> None:
    results = ROOT / "docs" / "results"
    for file in results.glob("*/*.csv"):
        page = file.parent.with_suffix(".md").read_text("utf-8")
        assert f"]({file.parent.name}/{file.name})" in page, file
        rows = list(csv.reader(file.read_text("utf-8").splitlines()))
        assert len(set(map(len, rows))) == 1, file


DOCS = ROOT / "docs"
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


TESTS = Path(__file__).parents[1]
NAMED = re.findall(r"([\w/]+\.py)::(test_\w+)", (DOCS / "reliability.csv").read_text("utf-8"))


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


def tables_of(name: str) -> dict[str, tuple[list[str], list[list[str]]]]:
    found = {}
    for file in (ROOT / "docs" / "results" / name).glob("*.csv"):
        header, *rows = csv.reader(file.read_text("utf-8").splitlines())
        found[file.stem] = (header, rows)
    return found


@pytest.mark.parametrize("name", ["hypothesis", "worth"])
def test_a_page_is_made_of_its_tables(name, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    from kit.pages import plain
    from kit.science import renewed

    script = runpy.run_path(str(ROOT / "benchmarks" / "science" / f"{name}.py"))
    page = (ROOT / "docs" / "results" / f"{name}.md").read_text("utf-8")
    tables = list(script["shown"](tables_of(name)))
    assert plain(renewed(page, *tables)) == plain(page)
    with pytest.raises(KeyError, match="no table"):
        renewed(page, (["another"], []))
